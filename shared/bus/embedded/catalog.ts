import { AppError } from '../../domain/errors.ts';
import type { TopicPartition, TopicState } from '../bus.ts';
import type { LogSnapshot, StoredTopic } from './protocol.ts';
import type { Wake } from './wake.ts';

/** One partition as the bus knows it: its bounds, and who wants to hear of new records. */
export class PartitionLog implements TopicPartition {
  readonly id: number;
  readonly topic: string;
  readonly partition: number;
  /** Readers that wait at the end. */
  readonly readers = new Set<Wake>();
  #begin = 0;
  #end = 0;

  constructor(id: number, topic: string, partition: number) {
    this.id = id;
    this.topic = topic;
    this.partition = partition;
  }

  /** The earliest offset that is still there. */
  get begin(): number {
    return this.#begin;
  }

  /** The offset after the newest durable record. */
  get end(): number {
    return this.#end;
  }

  /** Takes over new bounds; wakes the readers. */
  move(bounds: { readonly begin?: number; readonly end?: number }): void {
    this.#begin = bounds.begin ?? this.#begin;
    this.#end = bounds.end ?? this.#end;
    for (const reader of this.readers) reader.wake();
  }
}

interface Topic {
  readonly stored: StoredTopic;
  readonly partitions: readonly PartitionLog[];
}

/** The topics of the log, in memory. */
export class Catalog {
  readonly #topics = new Map<string, Topic>();
  readonly #byId = new Map<number, PartitionLog>();

  constructor({ topics, bounds }: LogSnapshot) {
    this.add(topics);
    for (const { id, begin, end } of bounds) this.#byId.get(id)?.move({ begin, end });
  }

  /** Adds topics, and takes over the retention of known ones. */
  add(topics: readonly StoredTopic[]): void {
    for (const stored of topics) {
      const partitions = this.#topics.get(stored.name)?.partitions ?? createPartitions(stored);
      this.#topics.set(stored.name, { stored, partitions });
      for (const partition of partitions) this.#byId.set(partition.id, partition);
    }
  }

  /** Throws `not_found`. */
  partitions(topic: string): readonly PartitionLog[] {
    const known = this.#topics.get(topic);
    if (known !== undefined) return known.partitions;
    throw new AppError(
      'not_found',
      `There is no topic ${topic}: topics are declared in shared/events/topics.ts and created at the start.`,
      { topic },
    );
  }

  /** Throws `not_found` for an unknown topic, `invalid_request` for a partition that it does not have. */
  partition(topic: string, partition: number): PartitionLog {
    const partitions = this.partitions(topic);
    const found = partitions[partition];
    if (found !== undefined) return found;
    throw new AppError('invalid_request', `Topic ${topic} has the partitions 0 to ${partitions.length - 1}, not ${partition}.`, {
      fields: [{ path: 'partition', problem: `${partition} does not exist`, allowed: `0 to ${partitions.length - 1}` }],
    });
  }

  byId(id: number): PartitionLog | undefined {
    return this.#byId.get(id);
  }

  /** Throws `not_found`. */
  state(topic: string): TopicState {
    const partitions = this.partitions(topic);
    const retentionMs = this.#topics.get(topic)?.stored.retentionMs ?? 0;
    const offsets = partitions.map(({ partition, begin, end }) => ({ partition, begin, end }));
    return { name: topic, partitions: partitions.length, retentionMs, offsets };
  }

  /** Sorted. */
  names(): readonly string[] {
    return [...this.#topics.keys()].sort();
  }
}

function createPartitions({ name, partitions, firstPartition }: StoredTopic): readonly PartitionLog[] {
  return Array.from({ length: partitions }, (_, index) => new PartitionLog(firstPartition + index, name, index));
}
