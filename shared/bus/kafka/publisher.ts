import type { IHeaders } from 'kafkajs';
import { AppError } from '../../domain/errors.ts';
import type { OutgoingRecord, RecordPosition } from '../bus.ts';
import { partitionOf } from '../partitioner.ts';
import { checkRecordSize, recordBytes } from '../record-size.ts';
import type { ClusterAccess } from './cluster-access.ts';
import { within } from './deadline.ts';
import { GuardedProducer } from './guarded-producer.ts';
import type { KafkaClient } from './kafka-client.ts';
import { PartitionSender, type SizedMessage } from './partition-sender.ts';

/** Most bytes that wait for their acknowledgement: above it a call is refused with `bus_unavailable`, the memory stays bounded. */
const MAX_WAITING_BYTES = 64 * 1_048_576;
/** How long sends that are on their way may take when the bus closes. */
const FLUSH_MS = 10_000;

/** Publishes: places each record, and has it sent by the sender of its partition. */
export class Publisher {
  readonly #client: KafkaClient;
  readonly #cluster: ClusterAccess;
  readonly #producer: GuardedProducer;
  readonly #senders = new Map<string, Map<number, PartitionSender>>();
  #waitingBytes = 0;

  constructor(client: KafkaClient, cluster: ClusterAccess) {
    this.#client = client;
    this.#cluster = cluster;
    this.#producer = new GuardedProducer(client);
  }

  async publish(records: readonly OutgoingRecord[], signal: AbortSignal | undefined): Promise<readonly RecordPosition[]> {
    for (const record of records) {
      checkRecordSize(record);
      if (this.#cluster.knownCount(record.topic) === undefined) await this.#cluster.partitionCount(record.topic, 'Write');
    }
    signal?.throwIfAborted();
    const orders = this.#place(records);
    const bytes = orders.reduce((sum, order) => sum + order.bytes, 0);
    if (this.#waitingBytes > 0 && this.#waitingBytes + bytes > MAX_WAITING_BYTES) {
      const message = `${this.#waitingBytes} bytes wait for the brokers' acknowledgement already: they are slow or away. Send again later.`;
      throw new AppError('bus_unavailable', message, { retry_after_ms: 1_000 });
    }
    this.#waitingBytes += bytes;
    try {
      return await this.#send(records, orders, signal);
    } finally {
      this.#waitingBytes -= bytes;
    }
  }

  /** Waits for what is on its way, but not for ever, and ends the producer. */
  async close(): Promise<void> {
    const idle = [...this.#senders.values()].flatMap((senders) => [...senders.values()].map((sender) => sender.idle()));
    await within(FLUSH_MS, 'Flushing', Promise.all(idle)).catch(() => undefined);
    await this.#producer.close();
  }

  async #send(records: readonly OutgoingRecord[], orders: readonly Order[], signal: AbortSignal | undefined): Promise<RecordPosition[]> {
    const positions = new Array<RecordPosition>(records.length);
    const sent = orders.map(async ({ sender, messages, indexes }) => {
      const offsets = await sender.send(messages, signal);
      for (const [at, index] of indexes.entries()) {
        positions[index] = { topic: sender.topic, partition: sender.partition, offset: offsets[at] ?? 0 };
      }
    });
    const results = await Promise.allSettled(sent);
    const failed = results.find((result) => result.status === 'rejected');
    if (failed !== undefined) throw failed.reason;
    return positions;
  }

  #place(records: readonly OutgoingRecord[]): readonly Order[] {
    const orders = new Map<PartitionSender, Order>();
    for (const [index, record] of records.entries()) {
      const key = Buffer.from(record.key);
      const partition = partitionOf(key, this.#cluster.knownCount(record.topic) ?? 1);
      const sender = this.#sender(record.topic, partition);
      const order = orders.get(sender) ?? { sender, messages: [], indexes: [], bytes: 0 };
      orders.set(sender, order);
      const bytes = recordBytes(record);
      const value = record.value === null ? null : asBuffer(record.value);
      order.messages.push({ message: { key, value, headers: record.headers as IHeaders, partition }, bytes });
      order.indexes.push(index);
      order.bytes += bytes;
    }
    return [...orders.values()];
  }

  #sender(topic: string, partition: number): PartitionSender {
    const senders = this.#senders.get(topic) ?? new Map<number, PartitionSender>();
    this.#senders.set(topic, senders);
    const known = senders.get(partition);
    if (known !== undefined) return known;
    const { user, timing } = this.#client;
    const forget = (name: string): void => this.#cluster.forget(name);
    const sender = new PartitionSender({ topic, partition }, { producer: this.#producer, user, deliveryMs: timing.deliveryMs, forget });
    senders.set(partition, sender);
    return sender;
  }
}

/** What one call sends to one partition, with the places of its records in the call. */
interface Order {
  readonly sender: PartitionSender;
  readonly messages: SizedMessage[];
  readonly indexes: number[];
  bytes: number;
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
