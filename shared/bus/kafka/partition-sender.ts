import { setTimeout as sleep } from 'node:timers/promises';
import type { Message } from 'kafkajs';
import { AppError, isRetryable } from '../../domain/errors.ts';
import { MAX_RECORD_BYTES, type TopicPartition } from '../bus.ts';
import type { GuardedProducer } from './guarded-producer.ts';
import { toBusError } from './kafka-errors.ts';

const FIRST_PAUSE_MS = 50;
const LONGEST_PAUSE_MS = 1_000;
/** Most records of one batch of the log. */
const MAX_BATCH_RECORDS = 5_000;

/** A record ready to be sent, with its size as the limit counts it. */
export interface SizedMessage {
  readonly message: Message;
  readonly bytes: number;
}

/** What one call wants to have sent to one partition. */
interface Order {
  readonly messages: readonly SizedMessage[];
  readonly offsets: number[];
  readonly done: PromiseWithResolvers<readonly number[]>;
  /** How many of its messages are acknowledged or on their way. */
  sent: number;
  /** Nobody waits for it any more. */
  over: boolean;
}

/** Messages of one order that travel in one batch. */
interface Portion {
  readonly order: Order;
  readonly messages: readonly SizedMessage[];
}

/** What senders share. */
export interface SenderParts {
  readonly producer: GuardedProducer;
  readonly user: string;
  readonly deliveryMs: number;
  /** Called when the topic turned out not to exist. */
  readonly forget: (topic: string) => void;
}

/**
 * Sends to one partition: one batch at a time, each again and unchanged until it is acknowledged. What is asked meanwhile travels together in the next one.
 */
export class PartitionSender implements TopicPartition {
  readonly topic: string;
  readonly partition: number;
  readonly #parts: SenderParts;
  readonly #orders: Order[] = [];
  #running: Promise<void> | undefined;
  /** Why the batch that is being sent has failed so far. */
  #failure: AppError | undefined;

  constructor(place: TopicPartition, parts: SenderParts) {
    this.topic = place.topic;
    this.partition = place.partition;
    this.#parts = parts;
  }

  /** Resolves with the offsets of the messages. Rejects with the signal's reason, or as `publish` does. */
  send(messages: readonly SizedMessage[], signal: AbortSignal | undefined): Promise<readonly number[]> {
    const done = Promise.withResolvers<readonly number[]>();
    const order: Order = { messages, offsets: [], done, sent: 0, over: false };
    const giveUp = (): void => this.#reject(order, signal?.reason);
    signal?.addEventListener('abort', giveUp, { once: true });
    const timer = setTimeout(() => this.#reject(order, this.#late()), this.#parts.deliveryMs);
    this.#orders.push(order);
    this.#running ??= this.#run();
    return done.promise.finally(() => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', giveUp);
    });
  }

  /** Resolves when nothing is on its way. */
  async idle(): Promise<void> {
    await this.#running;
  }

  async #run(): Promise<void> {
    // What is asked in the same turn of the event loop travels together.
    await null;
    for (let portions = this.#take(); portions.length > 0; portions = this.#take()) await this.#deliver(portions);
    this.#running = undefined;
  }

  /** The next messages that fit into one batch. */
  #take(): Portion[] {
    const portions: Portion[] = [];
    let [bytes, count] = [0, 0];
    for (let order = this.#orders[0]; order !== undefined; order = this.#orders[0]) {
      const begin = order.sent;
      while (!order.over && order.sent < order.messages.length) {
        const size = order.messages[order.sent]?.bytes ?? 0;
        if (count > 0 && (bytes + size > MAX_RECORD_BYTES || count >= MAX_BATCH_RECORDS)) break;
        order.sent += 1;
        bytes += size;
        count += 1;
      }
      if (order.sent > begin) portions.push({ order, messages: order.messages.slice(begin, order.sent) });
      if (!order.over && order.sent < order.messages.length) break;
      this.#orders.shift();
    }
    return portions;
  }

  async #deliver(portions: readonly Portion[]): Promise<void> {
    const messages = portions.flatMap((portion) => portion.messages.map(({ message }) => message));
    for (let failures = 0; ; failures++) {
      try {
        let offset = await this.#parts.producer.send(this.topic, this.partition, messages, failures);
        this.#failure = undefined;
        for (const { order, messages: own } of portions) {
          for (let at = 0; at < own.length; at++) order.offsets.push(offset++);
          if (order.offsets.length === order.messages.length) order.done.resolve(order.offsets);
        }
        return;
      } catch (error) {
        const failure = toBusError(error, {
          doing: `publish to topic ${this.topic}`,
          user: this.#parts.user,
          topic: this.topic,
          right: 'Write',
        });
        this.#failure = failure;
        if (failure.code === 'not_found') this.#parts.forget(this.topic);
        if (!isRetryable(failure)) for (const { order } of portions) this.#reject(order, failure);
        else await sleep(Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** Math.min(failures, 10)));
        // An order that nobody waits for stays in its batch while others wait for theirs: only an unchanged batch is known again by the broker.
        if (!portions.every(({ order }) => order.over)) continue;
        this.#parts.producer.renew();
        return;
      }
    }
  }

  #reject(order: Order, reason: unknown): void {
    order.over = true;
    order.done.reject(reason);
  }

  #late(): AppError {
    const { deliveryMs } = this.#parts;
    const place = { topic: this.topic, partition: this.partition };
    const last = this.#failure === undefined ? '' : ` The last failure: ${this.#failure.message}`;
    const message = `Topic ${this.topic}/${this.partition} acknowledged nothing for ${deliveryMs} ms: the records may or may not be in the log. Send them again.${last}`;
    return new AppError('bus_unavailable', message, place, this.#failure);
  }
}
