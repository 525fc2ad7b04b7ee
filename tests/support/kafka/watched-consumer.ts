import type { Consumer, ConsumerConfig, EachBatchPayload, Kafka } from 'kafkajs';
import type { KafkaClient } from '../../../shared/bus/kafka/kafka-client.ts';

/** The consumers that a client made, real ones, with the settings they were made with; `beforeBatch` may throw in place of the handler. */
export interface WatchedConsumers {
  readonly client: KafkaClient;
  readonly configs: readonly (ConsumerConfig | undefined)[];
  readonly consumers: readonly Consumer[];
  readonly runs: readonly Parameters<Consumer['run']>[0][];
  beforeBatch: (payload: EachBatchPayload) => void;
}

export function watchConsumers(real: KafkaClient): WatchedConsumers {
  const configs: (ConsumerConfig | undefined)[] = [];
  const consumers: Consumer[] = [];
  const runs: Parameters<Consumer['run']>[0][] = [];
  const watched: WatchedConsumers = {
    client: { ...real, createKafka: () => watch(real.createKafka()) },
    configs,
    consumers,
    runs,
    beforeBatch: () => {},
  };
  const watch = (kafka: Kafka): Kafka =>
    ({
      consumer(config?: ConsumerConfig) {
        configs.push(config);
        const consumer = kafka.consumer(config as ConsumerConfig);
        consumers.push(consumer);
        return {
          ...consumer,
          run: (options: Parameters<Consumer['run']>[0]) => {
            runs.push(options);
            return consumer.run({
              ...options,
              eachBatch: async (payload: EachBatchPayload) => {
                watched.beforeBatch(payload);
                await options?.eachBatch?.(payload);
              },
            });
          },
        };
      },
    }) as unknown as Kafka;
  return watched;
}
