import type { AppError } from '../domain/errors.ts';

/** A record to publish. The partition is murmur2(key) modulo the topic's partition count, as every Kafka client has it. */
export interface OutgoingRecord {
  readonly topic: string;
  readonly key: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly value: Uint8Array | null;
}

/** Where a record stands in the log. Offsets start at 0 and rise by one inside a partition. */
export interface RecordPosition {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
}

/** A record as it was read. Header values are UTF-8 text. `timestamp` is epoch ms of the append. */
export interface BusRecord extends RecordPosition {
  readonly timestamp: number;
  readonly key: string | null;
  readonly headers: Readonly<Record<string, string>>;
  /** Often a view of a buffer that other readers see too: never write into it, and copy what is kept for long. */
  readonly value: Uint8Array | null;
}

/** One partition of a topic, numbered from 0. */
export interface TopicPartition {
  readonly topic: string;
  readonly partition: number;
}

/**
 * Records of one partition in offset order, handed to one member of a group. Nothing is committed unless `commit` is called.
 * `signal` aborts when the partition is lost to another member or the subscription stops: finish or drop, and do not commit.
 */
export interface PartitionBatch extends TopicPartition {
  readonly records: readonly BusRecord[];
  /** The group's generation under which the partition was assigned. */
  readonly generation: number;
  readonly signal: AbortSignal;
  /** True once the partition belongs to a later generation. */
  isStale(): boolean;
  /**
   * Commits `nextOffset`, the next offset to read. Durable when it resolves. Throws `state_conflict` from an old generation and `invalid_request` for
   * an offset behind the batch's last record (records that were never handed over would be skipped); never lowers an offset.
   */
  commit(nextOffset: number): Promise<void>;
  /** Tells the group that a long batch is alive. */
  heartbeat(): Promise<void>;
}

/** How a member reads. */
export interface SubscribeOptions {
  readonly group: string;
  readonly topics: readonly string[];
  /**
   * Called side by side for different partitions, never twice at once for one. When it resolves, reading goes on behind the last record of the
   * batch, or behind the highest commit if that is lower than the batch's end: uncommitted records come again, all of them where nothing was
   * committed. When it rejects, what it did not commit comes again too. A batch that rejected or committed nothing comes again after a short pause.
   */
  readonly onBatch: (batch: PartitionBatch) => Promise<void>;
  /**
   * Told whenever the records of a partition that the member holds cannot be read (they are tried again), and with `undefined` once they can
   * or the partition is another's. What ends the whole member is told by `ended` instead.
   */
  readonly onUnreadable?: (partition: TopicPartition, error: AppError | undefined) => void;
  /** Most bytes and records of one batch; defaults 1 MiB and 500. At least one record is always handed over. */
  readonly maxBatchBytes?: number;
  readonly maxBatchRecords?: number;
  /** How many partitions are worked on at once; default: all that are assigned. */
  readonly concurrency?: number;
}

/** One member of a consumer group. A new group starts at the earliest record. */
export interface Subscription {
  /** The partitions that this member holds now, sorted. */
  assignment(): readonly TopicPartition[];
  /** Stops and starts delivery of partitions without leaving the group; batches in flight go on. */
  pause(partitions: readonly TopicPartition[]): void;
  resume(partitions: readonly TopicPartition[]): void;
  /** Stops fetching, waits for the batches in flight (their signal aborts after `graceMs`, default 10,000), leaves the group. */
  stop(options?: { readonly graceMs?: number }): Promise<void>;
  /** Settles when the member ends: resolves after `stop`, rejects with the failure that ended it. */
  readonly ended: Promise<void>;
}

/** A topic as it is declared: see `shared/events/topics.ts`. */
export interface TopicDeclaration {
  readonly name: string;
  readonly partitions: number;
  readonly retentionMs: number;
}

/** A topic as it is. */
export interface TopicState extends TopicDeclaration {
  /** Per partition: the earliest offset that is still there and the offset after the newest. */
  readonly offsets: readonly { readonly partition: number; readonly begin: number; readonly end: number }[];
}

/** How far a group is in one partition. */
export interface PartitionLag extends TopicPartition {
  /** Next offset to read, or null where the group never committed. */
  readonly committed: number | null;
  readonly end: number;
  /** Records between the committed offset (or the begin of the log) and the end. */
  readonly lag: number;
}

/** Topics, groups and retention. */
export interface BusAdmin {
  /** Creates what is missing. A topic with another partition count is refused with `invalid_setting`, never altered. */
  ensureTopics(topics: readonly TopicDeclaration[]): Promise<void>;
  /** Throws `not_found` for a topic that does not exist. */
  topic(name: string): Promise<TopicState>;
  topics(): Promise<readonly TopicState[]>;
  groups(): Promise<readonly string[]>;
  lag(group: string, topics?: readonly string[]): Promise<readonly PartitionLag[]>;
  /** Moves a group that has no members, within the log: an offset behind its end means the end. Throws `state_conflict` while it has a member. */
  resetOffsets(
    group: string,
    topic: string,
    to: 'earliest' | 'latest' | readonly { readonly partition: number; readonly offset: number }[],
  ): Promise<void>;
  /** Forgets a group that has no members: it starts at the earliest record again. Throws `state_conflict` while it has a member. */
  deleteGroup(group: string): Promise<void>;
  /** Deletes the oldest records of each partition as far as they are older than their topic's retention, seen from `now` (epoch ms). Returns how many. */
  applyRetention(now: number): Promise<number>;
}

/** What to read without a group. */
export interface ReadOptions {
  readonly topic: string;
  /** Default: all. */
  readonly partitions?: readonly number[];
  /** Where to begin in each partition. An offset below the log's begin starts at the begin, as does a partition that is not named. */
  readonly from: 'earliest' | 'latest' | { readonly [partition: number]: number };
  /** True: end at the offsets that were the end when the call was made. False (default): follow until `signal` aborts. */
  readonly untilEnd?: boolean;
  readonly signal?: AbortSignal;
}

/**
 * A durable partitioned log. Adapters: `embedded/` (SQLite, one process), `kafka/` (a cluster). Errors: `bus_unavailable`, `storage_full` (retryable),
 * `not_found` for an unknown topic, `payload_too_large` for a record above 1 MiB.
 */
export interface Bus {
  /**
   * Resolves when every record is durable, with their positions in the order given. Order is kept per partition within one call and between awaited
   * calls. A call that is refused (`not_found`, `payload_too_large`) appends nothing; one that fails or is aborted half way may have appended some.
   */
  publish(records: readonly OutgoingRecord[], options?: { readonly signal?: AbortSignal }): Promise<readonly RecordPosition[]>;
  subscribe(options: SubscribeOptions): Promise<Subscription>;
  /** Reads without a group, in batches of at most 500 records, ordered inside a partition. */
  read(options: ReadOptions): AsyncIterable<readonly BusRecord[]>;
  readonly admin: BusAdmin;
  close(): Promise<void>;
}

/** The largest record (key, headers and value) that the bus takes: Kafka's `message.max.bytes` of the platform. */
export const MAX_RECORD_BYTES = 1_048_576;
