import kafkajs, { type Consumer, type Kafka, type Message, type Producer } from 'kafkajs';
import type { OutgoingRecord } from '../../shared/bus/bus.ts';
import { connectKafka } from '../../shared/bus/kafka/kafka-client.ts';
import { MAX_FETCH_BYTES, MAX_PARTITION_FETCH_BYTES } from '../../shared/bus/kafka/options.ts';

/** The client library as its first page shows it: the floor of everything that goes through our adapter. */
export async function openBareKafka(bootstrapServers: string): Promise<Kafka> {
  // The one thing taken from the adapter: a warning that the library brings about on this Node is not printed.
  await connectKafka({ bootstrapServers });
  return new kafkajs.Kafka({ clientId: 'bare', brokers: [bootstrapServers], logLevel: kafkajs.logLevel.NOTHING });
}

/** A connected producer. */
export async function bareProducer(kafka: Kafka): Promise<Producer> {
  const producer = kafka.producer({ allowAutoTopicCreation: false, createPartitioner: kafkajs.Partitioners.DefaultPartitioner });
  await producer.connect();
  return producer;
}

/** A connected consumer of the topic, which fetches as much at once as the adapter does. */
export async function bareConsumer(
  kafka: Kafka,
  group: string,
  topic: string,
  times: { readonly sessionTimeout?: number; readonly heartbeatInterval?: number; readonly maxWaitTimeInMs?: number } = {},
): Promise<Consumer> {
  const bounds = { maxBytes: MAX_FETCH_BYTES, maxBytesPerPartition: MAX_PARTITION_FETCH_BYTES };
  const consumer = kafka.consumer({ groupId: group, allowAutoTopicCreation: false, ...bounds, ...times });
  await consumer.connect();
  await consumer.subscribe({ topics: [topic], fromBeginning: true });
  return consumer;
}

/** A record as the library takes it. */
export function toMessage({ key, value, headers }: OutgoingRecord): Message {
  return { key, value: value === null ? null : Buffer.from(value.buffer, value.byteOffset, value.byteLength), headers: { ...headers } };
}
