import type { Message, Producer } from 'kafkajs';
import { Partitioners } from 'kafkajs';
import { disconnect } from './connection.ts';
import { CallTimeout, within } from './deadline.ts';
import type { KafkaClient } from './kafka-client.ts';
import { causesOf } from './kafka-errors.ts';

/** Codes after which an idempotent producer fails for good: its sequence numbers or its id are not those that the broker expects. */
const WEDGED_CODES = new Set([45, 46, 47, 59]);
/** Failures in a row of one partition after which its producer is taken for broken. */
const FAILURES_PER_PRODUCER = 10;
/** How long the last sends of a producer may take when it is replaced or closed. */
const LINGER_MS = 3_000;

/** One producer of kafkajs and the sends that hang on it. */
interface Incarnation {
  readonly producer: Producer;
  readonly ready: Promise<void>;
  pending: number;
  retired: boolean;
}

/** A send whose result does not name its partition: the client dropped the records, or lost them from sight when leaders moved. */
export class UncoveredSend extends Error {
  override readonly name = 'UncoveredSend';
}

/**
 * An idempotent producer, one batch in flight per broker, that is replaced when it is wedged (an outage longer than the broker remembers its sequence, a call
 * that does not come back, ten failures). A batch counts as sent only where the answer names its partition without an error.
 */
export class GuardedProducer {
  readonly #client: KafkaClient;
  #current: Incarnation | undefined;
  readonly #all = new Set<Incarnation>();
  #closed = false;

  constructor(client: KafkaClient) {
    this.#client = client;
  }

  /** How many producers are open: more than one only while the last sends of a replaced one end. */
  get incarnations(): number {
    return this.#all.size;
  }

  /** One try. Resolves with the offset of the first record. `failures` is how often this very batch failed before. */
  async send(topic: string, partition: number, messages: Message[], failures: number): Promise<number> {
    const incarnation = this.#take();
    try {
      const results = await within(
        this.#client.timing.sendMs,
        `Sending to ${topic}/${partition}`,
        this.#send(incarnation, topic, messages),
      );
      const own = results.find((result) => result.topicName === topic && result.partition === partition);
      const offset = Number(own?.baseOffset ?? -1);
      if (own?.errorCode === 0 && offset >= 0) return offset;
      throw new UncoveredSend(`The brokers' answer does not name ${topic}/${partition}: its ${messages.length} records are sent again.`);
    } catch (error) {
      if (isWedged(error) || (failures + 1) % FAILURES_PER_PRODUCER === 0) this.#retire(incarnation);
      throw error;
    }
  }

  /**
   * No further send goes to the producer of now. Needed where a batch is given up that may be in the log all the same: the next one would have its sequence
   * numbers, and be taken for the same.
   */
  renew(): void {
    if (this.#current !== undefined) this.#retire(this.#current);
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#current = undefined;
    await Promise.all([...this.#all].map((incarnation) => this.#end(incarnation)));
  }

  #take(): Incarnation {
    if (this.#current === undefined) {
      const { kafka } = this.#client;
      const producer = kafka.producer({
        idempotent: true,
        maxInFlightRequests: 1,
        allowAutoTopicCreation: false,
        // Never asked: every message names its partition.
        createPartitioner: Partitioners.DefaultPartitioner,
        metadataMaxAge: 60_000,
      });
      const created: Incarnation = { producer, ready: producer.connect(), pending: 0, retired: false };
      created.ready.catch(() => this.#retire(created));
      this.#all.add(created);
      this.#current = created;
    }
    return this.#current;
  }

  async #send(incarnation: Incarnation, topic: string, messages: Message[]) {
    incarnation.pending += 1;
    try {
      await incarnation.ready;
      return await incarnation.producer.send({ topic, messages, acks: -1 });
    } finally {
      incarnation.pending -= 1;
      if (incarnation.retired && incarnation.pending === 0) void this.#end(incarnation);
    }
  }

  /** No further send goes there; it ends when the last one that hangs on it has. */
  #retire(incarnation: Incarnation): void {
    if (this.#current === incarnation) this.#current = undefined;
    if (incarnation.retired) return;
    incarnation.retired = true;
    if (incarnation.pending === 0) void this.#end(incarnation);
  }

  async #end(incarnation: Incarnation): Promise<void> {
    incarnation.retired = true;
    await within(LINGER_MS, 'Connecting', incarnation.ready).catch(() => undefined);
    await disconnect(incarnation.producer);
    if (incarnation.pending === 0 || this.#closed) this.#all.delete(incarnation);
  }
}

function isWedged(error: unknown): boolean {
  return error instanceof CallTimeout || causesOf(error).some(({ code }) => WEDGED_CODES.has(Number(code)));
}
