import { AppError } from '../domain/errors.ts';
import type { BusRecord, PartitionBatch, TopicPartition } from './bus.ts';

/** What a batch needs of the partition that it came from. */
export interface BatchHolder extends TopicPartition {
  readonly group: string;
  readonly generation: number;
  /** True once the partition was taken away. */
  readonly lost: boolean;
  commit(nextOffset: number): Promise<void>;
  heartbeat(): Promise<void>;
}

/** One batch in a handler's hands. */
export class DeliveryBatch implements PartitionBatch {
  readonly topic: string;
  readonly partition: number;
  readonly records: readonly BusRecord[];
  readonly generation: number;
  readonly signal: AbortSignal;
  readonly #holder: BatchHolder;
  readonly #commits = new Set<Promise<void>>();

  constructor(holder: BatchHolder, records: readonly BusRecord[], signal: AbortSignal) {
    this.topic = holder.topic;
    this.partition = holder.partition;
    this.records = records;
    this.generation = holder.generation;
    this.signal = signal;
    this.#holder = holder;
  }

  /** Offset behind the last record. */
  get end(): number {
    return (this.records.at(-1)?.offset ?? -1) + 1;
  }

  isStale(): boolean {
    return this.#holder.lost;
  }

  async commit(nextOffset: number): Promise<void> {
    const place = `${this.topic}/${this.partition}`;
    if (this.#holder.lost) {
      const message = `Group ${this.#holder.group} lost ${place} after generation ${this.generation}: offset ${nextOffset} is not committed, the records come again at the new owner.`;
      throw new AppError('state_conflict', message, { topic: this.topic, partition: this.partition, generation: this.generation });
    }
    if (!Number.isSafeInteger(nextOffset) || nextOffset < 0 || nextOffset > this.end) {
      const message = `Offset ${nextOffset} cannot be committed on ${place}: the batch ends before ${this.end}, records behind it would be skipped.`;
      throw new AppError('invalid_request', message, {
        fields: [{ path: 'nextOffset', problem: `${nextOffset} is not in the batch`, allowed: `at most ${this.end}` }],
      });
    }
    const commit = this.#holder.commit(nextOffset);
    this.#commits.add(commit);
    try {
      await commit;
    } finally {
      this.#commits.delete(commit);
    }
  }

  async heartbeat(): Promise<void> {
    await this.#holder.heartbeat();
  }

  /** Resolves when no commit is on its way, whatever became of it. */
  async committed(): Promise<void> {
    await Promise.allSettled(this.#commits);
  }
}
