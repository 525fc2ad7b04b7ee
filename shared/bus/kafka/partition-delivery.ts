import { setTimeout as sleep } from 'node:timers/promises';
import { AppError } from '../../domain/errors.ts';
import type { BusRecord, SubscribeOptions, TopicPartition } from '../bus.ts';
import { type BatchHolder, DeliveryBatch } from '../delivery-batch.ts';
import type { Slots } from '../slots.ts';
import { isMembershipLost, toBusError } from './kafka-errors.ts';
import { bytesOf } from './records.ts';

/** Pause before records come again that a batch did not commit; doubles while nothing is committed, up to the longest. */
const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 1_000;

/** What the partitions of a member share. */
export interface DeliveryParts {
  readonly group: string;
  readonly user: string;
  readonly onBatch: SubscribeOptions['onBatch'];
  readonly maxBatchBytes: number;
  readonly maxBatchRecords: number;
  readonly slots: Slots;
  /** Sends one commit under the member's generation of now. */
  readonly sendCommit: (place: TopicPartition, nextOffset: number) => Promise<void>;
  readonly heartbeat: () => Promise<void>;
  /** Called when the brokers said that this generation is over. */
  readonly outdated: () => void;
}

/** One partition for as long as one generation gives it to this member: hands over what was fetched, and keeps its commits in order. */
export class PartitionDelivery implements BatchHolder {
  readonly topic: string;
  readonly partition: number;
  readonly generation: number;
  /** The failure of a commit in the chunk at work, as the client gave it: the client's runner has to see it. */
  failure: unknown;
  readonly #parts: DeliveryParts;
  /** Aborts when no further batch may start. */
  readonly #finishing = new AbortController();
  readonly #after: Promise<void> | undefined;
  #batch: AbortController | undefined;
  #work: Promise<number> | undefined;
  #lost = false;
  #resumed = Promise.withResolvers<void>();
  #pauseMs = FIRST_PAUSE_MS;
  /** Where this generation began to read: nothing below it is committed. */
  #floor = 0;
  #acknowledged = -1;
  #wanted = -1;
  #sending: Promise<void> | undefined;

  /** Hands nothing over before `after`, the hands that held the partition before, are empty. */
  constructor(place: TopicPartition, generation: number, parts: DeliveryParts, after: Promise<void> | undefined) {
    this.topic = place.topic;
    this.partition = place.partition;
    this.generation = generation;
    this.#parts = parts;
    this.#after = after;
    this.#resumed.resolve();
  }

  get group(): string {
    return this.#parts.group;
  }

  get lost(): boolean {
    return this.#lost;
  }

  /** True while records are in the member's hands. */
  get busy(): boolean {
    return this.#work !== undefined;
  }

  /** Resolves when nothing of this partition is in the member's hands. Never rejects. */
  async settled(): Promise<void> {
    await this.#work;
  }

  setPaused(paused: boolean): void {
    if (!paused) this.#resumed.resolve();
    else this.#resumed = Promise.withResolvers();
  }

  /** Starts no further batch; the one in flight may end and commit. */
  finish(): void {
    this.#finishing.abort();
    this.#resumed.resolve();
  }

  /** Takes the partition away: the batch in flight is told, and may no longer commit. */
  revoke(reason: Error): void {
    this.#lost = true;
    this.finish();
    this.#batch?.abort(reason);
  }

  /**
   * Hands over a chunk of fetched records, in batches, until all of them are committed or the partition is finished. Resolves with the offset where reading
   * goes on. Never rejects.
   */
  work(records: readonly BusRecord[]): Promise<number> {
    this.failure = undefined;
    this.#work = this.#deliver(records).finally(() => {
      this.#work = undefined;
    });
    return this.#work;
  }

  heartbeat(): Promise<void> {
    return this.#parts.heartbeat();
  }

  /** Never lowers: an offset that is acknowledged or below the place where reading began is done already. */
  async commit(nextOffset: number): Promise<void> {
    if (nextOffset > this.#floor) await this.#commit(nextOffset);
    else await this.#sending;
  }

  /** Commits the place where a group begins that has committed nothing that can still be read. */
  async commitBegin(begin: number): Promise<void> {
    if (!this.#lost) await this.#commit(begin);
  }

  async #deliver(records: readonly BusRecord[]): Promise<number> {
    await this.#after;
    let next = records[0]?.offset ?? 0;
    const end = (records.at(-1)?.offset ?? -1) + 1;
    if (this.#acknowledged < 0) this.#floor = next;
    while (next < end && !this.#over && this.failure === undefined) {
      await this.#resumed.promise;
      if (this.#over || !(await this.#parts.slots.acquire(this.#finishing.signal))) break;
      let outcome: { readonly next: number; readonly pause: boolean };
      try {
        outcome = await this.#handOver(slice(records, next, this.#parts));
      } finally {
        this.#parts.slots.release();
      }
      this.#pauseMs = outcome.next > next ? FIRST_PAUSE_MS : this.#pauseMs;
      if (outcome.pause) await sleep(this.#pauseMs, undefined, { signal: this.#finishing.signal }).catch(() => undefined);
      if (outcome.next === next) this.#pauseMs = Math.min(2 * this.#pauseMs, LONGEST_PAUSE_MS);
      next = outcome.next;
    }
    return next;
  }

  get #over(): boolean {
    return this.#finishing.signal.aborted;
  }

  async #handOver(records: readonly BusRecord[]): Promise<{ readonly next: number; readonly pause: boolean }> {
    const first = records[0]?.offset ?? 0;
    this.#batch = new AbortController();
    const batch = new DeliveryBatch(this, records, this.#batch.signal);
    const resolved = await resolves(() => this.#parts.onBatch(batch));
    await batch.committed();
    this.#batch = undefined;
    const next = Math.min(batch.end, Math.max(first, this.#acknowledged));
    return { next, pause: !resolved || next === first };
  }

  async #commit(nextOffset: number): Promise<void> {
    this.#wanted = Math.max(this.#wanted, nextOffset);
    while (this.#acknowledged < nextOffset) {
      if (this.#lost) throw this.#lostError();
      this.#sending ??= this.#sendCommit(this.#wanted);
      await this.#sending;
    }
  }

  /** One commit of a partition at a time: two on their way could arrive in the other order, and lower the offset. */
  async #sendCommit(nextOffset: number): Promise<void> {
    try {
      await this.#parts.sendCommit(this, nextOffset);
      this.#acknowledged = Math.max(this.#acknowledged, nextOffset);
    } catch (error) {
      this.#wanted = this.#acknowledged;
      this.failure = error;
      const { group, user } = this.#parts;
      if (isMembershipLost(error)) this.#parts.outdated();
      throw toBusError(error, {
        doing: `commit offset ${nextOffset} of ${this.topic}/${this.partition} as group ${group}`,
        user,
        group,
        topic: this.topic,
        right: 'Read',
      });
    } finally {
      this.#sending = undefined;
    }
  }

  #lostError(): AppError {
    const place = `${this.topic}/${this.partition}`;
    return new AppError('state_conflict', `Group ${this.group} lost ${place}: its records come again at the new owner.`, {
      topic: this.topic,
      partition: this.partition,
      generation: this.generation,
    });
  }
}

/** The records from `next` that fit into one batch; one at least. */
function slice(records: readonly BusRecord[], next: number, limits: DeliveryParts): readonly BusRecord[] {
  const begin = records.findIndex(({ offset }) => offset >= next);
  let end = begin;
  for (let bytes = 0; end < records.length && end - begin < limits.maxBatchRecords; end++) {
    const record = records[end];
    if (record === undefined) break;
    bytes += bytesOf(record);
    if (end > begin && bytes > limits.maxBatchBytes) break;
  }
  return records.slice(begin, end);
}

/** The handler's own error is the caller's to log: here it only means that the records come again. */
async function resolves(work: () => Promise<void>): Promise<boolean> {
  try {
    await work();
    return true;
  } catch {
    return false;
  }
}
