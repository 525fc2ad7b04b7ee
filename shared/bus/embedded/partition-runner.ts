import { setTimeout as sleep } from 'node:timers/promises';
import { toAppError } from '../../domain/errors.ts';
import type { BusRecord, SubscribeOptions } from '../bus.ts';
import { type BatchHolder, DeliveryBatch } from '../delivery-batch.ts';
import type { Slots } from '../slots.ts';
import type { PartitionLog } from './catalog.ts';
import type { OffsetTable } from './offset-table.ts';
import { PartitionReader, type ReadLog } from './partition-reader.ts';
import { Wake } from './wake.ts';

/** Pause before records come again that a batch did not commit; doubles while nothing is committed, up to the longest. */
const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 1_000;

/** `done`: go on. `failed`: some of the batch was committed before it failed. `stuck`: nothing was. */
type Outcome = 'done' | 'failed' | 'stuck';

/** What all partitions of one member share. */
export interface RunnerOptions {
  readonly group: string;
  readonly onBatch: SubscribeOptions['onBatch'];
  readonly onUnreadable: SubscribeOptions['onUnreadable'];
  readonly maxBatchBytes: number;
  readonly maxBatchRecords: number;
  readonly slots: Slots;
  readonly offsets: OffsetTable;
  readonly read: ReadLog;
}

/** Delivers one partition to one member for as long as the member holds it: one batch after the other. */
export class PartitionRunner implements BatchHolder {
  readonly log: PartitionLog;
  readonly topic: string;
  readonly partition: number;
  readonly group: string;
  readonly generation: number;
  /** Resolves when nothing more of this partition is in the member's hands. Never rejects. */
  readonly settled: Promise<void>;
  readonly #options: RunnerOptions;
  readonly #wake = new Wake();
  /** Aborts when no further batch may start. */
  readonly #finishing = new AbortController();
  #batch: AbortController | undefined;
  #lost = false;
  #unreadable = false;
  #paused = false;

  /** Begins when `after`, the hands that held the partition before, are empty. */
  constructor(log: PartitionLog, generation: number, options: RunnerOptions, after: Promise<void> | undefined) {
    this.log = log;
    this.topic = log.topic;
    this.partition = log.partition;
    this.group = options.group;
    this.generation = generation;
    this.#options = options;
    this.settled = this.#run(after);
  }

  get lost(): boolean {
    return this.#lost;
  }

  commit(nextOffset: number): Promise<void> {
    return this.#options.offsets.commit(this.group, this.log, nextOffset);
  }

  /** Members of one process need none: the group sees them. */
  async heartbeat(): Promise<void> {}

  setPaused(paused: boolean): void {
    this.#paused = paused;
    this.#wake.wake();
  }

  /** Starts no further batch; the one in flight may end and commit. */
  finish(): void {
    this.#finishing.abort();
    this.#wake.wake();
  }

  /** Takes the partition away: the batch in flight is told, and may no longer commit. */
  revoke(reason: Error): void {
    this.#lost = true;
    this.finish();
    this.#batch?.abort(reason);
  }

  get #over(): boolean {
    return this.#finishing.signal.aborted;
  }

  async #run(after: Promise<void> | undefined): Promise<void> {
    await after;
    const { slots, maxBatchBytes } = this.#options;
    const from = this.#options.offsets.get(this.group, this.log) ?? this.log.begin;
    const reader = new PartitionReader(this.log, this.#options.read, from, { maxBytes: maxBatchBytes, readAhead: true });
    let pauseMs = FIRST_PAUSE_MS;
    this.log.readers.add(this.#wake);
    while (!this.#over) {
      if (this.#paused || !reader.hasMore) {
        await this.#wake.wait();
        continue;
      }
      if (!(await slots.acquire(this.#finishing.signal))) break;
      let outcome: Outcome;
      try {
        outcome = this.#paused || this.#over ? 'done' : await this.#deliver(reader);
      } finally {
        slots.release();
      }
      if (outcome !== 'stuck') pauseMs = FIRST_PAUSE_MS;
      if (outcome !== 'done') await this.#pause(pauseMs);
      if (outcome === 'stuck') pauseMs = Math.min(2 * pauseMs, LONGEST_PAUSE_MS);
    }
    this.log.readers.delete(this.#wake);
    this.#readable();
  }

  /** Hands over one batch and finds out where to go on. */
  async #deliver(reader: PartitionReader): Promise<Outcome> {
    const { onBatch } = this.#options;
    const records = await this.#take(reader);
    if (records === undefined) return 'stuck';
    const first = records[0];
    if (first === undefined || this.#over) return 'done';
    this.#batch = new AbortController();
    const batch = new DeliveryBatch(this, records, this.#batch.signal);
    const resolved = await resolves(() => onBatch(batch));
    await batch.committed();
    this.#batch = undefined;
    const committed = this.#options.offsets.get(this.group, this.log) ?? 0;
    if (committed < batch.end) reader.seek(Math.max(first.offset, committed));
    if (committed <= first.offset) return 'stuck';
    return resolved ? 'done' : 'failed';
  }

  /** The next records, or undefined where they cannot be read just now: the same place is tried again. A thread that died ends the whole member. */
  async #take(reader: PartitionReader): Promise<readonly BusRecord[] | undefined> {
    const { maxBatchBytes, maxBatchRecords, onUnreadable } = this.#options;
    try {
      const records = await reader.take({ maxBytes: maxBatchBytes, maxRecords: maxBatchRecords });
      this.#readable();
      return records;
    } catch (error) {
      this.#unreadable = true;
      onUnreadable?.(this.log, toAppError(error));
      return undefined;
    }
  }

  #readable(): void {
    if (this.#unreadable) this.#options.onUnreadable?.(this.log, undefined);
    this.#unreadable = false;
  }

  async #pause(ms: number): Promise<void> {
    await sleep(ms, undefined, { signal: this.#finishing.signal }).catch(() => undefined);
  }
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
