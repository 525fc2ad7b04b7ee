import type { Kafka, Producer, ProducerConfig, ProducerRecord } from 'kafkajs';
import type { KafkaClient } from '../../../shared/bus/kafka/kafka-client.ts';

/** One `send` of kafkajs as it was asked. */
export interface WatchedSend {
  readonly producer: number;
  readonly record: ProducerRecord;
  /** Sends on their way when this one began, itself included: of its partition, and of all. */
  readonly ofPartition: number;
  readonly ofAll: number;
}

/**
 * What happens to a send in place of what the brokers would do: nothing for ever, a failure, or an answer without reaching them. With `lose` they do it, and
 * their answer is lost: the failure comes in its place.
 */
export type Trouble =
  | 'hang'
  | { readonly fail: unknown }
  | { readonly lose: unknown }
  | { readonly answer: Awaited<ReturnType<Producer['send']>> };

/** The producers that a client made, real ones, watched and troubled on request. */
export interface WatchedProducers {
  readonly client: KafkaClient;
  readonly configs: readonly (ProducerConfig | undefined)[];
  readonly sends: readonly WatchedSend[];
  /** Called for every send, counted from 0; undefined lets it through. */
  trouble: (count: number, record: ProducerRecord) => Trouble | undefined;
}

export function watchProducers(real: KafkaClient): WatchedProducers {
  const configs: (ProducerConfig | undefined)[] = [];
  const sends: WatchedSend[] = [];
  const onTheirWay = new Map<string, number>();
  let all = 0;
  const watched: WatchedProducers = {
    client: { ...real, kafka: { ...bound(real.kafka), producer: (config) => watch(real.kafka.producer(config), config) } as Kafka },
    configs,
    sends,
    trouble: () => undefined,
  };
  const watch = (producer: Producer, config: ProducerConfig | undefined): Producer => {
    const number = configs.push(config);
    return {
      ...producer,
      async send(record) {
        const places = [...new Set(record.messages.map(({ partition }) => `${record.topic}/${partition}`))];
        for (const place of places) onTheirWay.set(place, (onTheirWay.get(place) ?? 0) + 1);
        all += 1;
        const most = Math.max(...places.map((place) => onTheirWay.get(place) ?? 0));
        const count = sends.push({ producer: number, record, ofPartition: most, ofAll: all }) - 1;
        try {
          const trouble = watched.trouble(count, record);
          if (trouble === undefined) return await producer.send(record);
          if (trouble === 'hang') return await new Promise(() => {});
          if ('fail' in trouble) throw trouble.fail;
          if ('lose' in trouble) {
            await producer.send(record);
            throw trouble.lose;
          }
          return trouble.answer;
        } finally {
          for (const place of places) onTheirWay.set(place, (onTheirWay.get(place) ?? 0) - 1);
          all -= 1;
        }
      },
    };
  };
  return watched;
}

function bound(kafka: Kafka): Pick<Kafka, 'admin' | 'consumer' | 'logger'> {
  return { admin: kafka.admin.bind(kafka), consumer: kafka.consumer.bind(kafka), logger: kafka.logger.bind(kafka) };
}
