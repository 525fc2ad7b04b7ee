import type { ErrorCode, ErrorContext } from '../../domain/errors.ts';
import type { TopicDeclaration } from '../bus.ts';

/** A topic as the log stores it: its partitions have the ids `firstPartition` and on. */
export interface StoredTopic extends TopicDeclaration {
  readonly firstPartition: number;
}

/** All that the bus keeps in memory of the log. */
export interface LogSnapshot {
  readonly topics: readonly StoredTopic[];
  /** Begin and end offset of each partition, by partition id. */
  readonly bounds: readonly { readonly id: number; readonly begin: number; readonly end: number }[];
  readonly offsets: readonly CommittedOffset[];
}

/** The next offset that a group reads in a partition. */
export interface CommittedOffset {
  readonly group: string;
  /** Partition id. */
  readonly id: number;
  readonly nextOffset: number;
}

/** Frames of consecutive records of one partition: `bytes` bytes at `at` of the request's buffer. */
export interface Append {
  readonly id: number;
  readonly count: number;
  readonly at: number;
  readonly bytes: number;
}

/** One transaction: appends and commits of many callers. */
export interface WriteRequest {
  readonly buffer: ArrayBuffer;
  /** Epoch ms. */
  readonly timestamp: number;
  readonly appends: readonly Append[];
  readonly commits: readonly CommittedOffset[];
}

/** Offset of the first record of each append; the buffer comes back to be used again. */
export interface WriteReply {
  readonly bases: readonly number[];
  readonly buffer: ArrayBuffer;
}

/** Rows of one partition, from an offset on. */
export interface ReadRequest {
  readonly id: number;
  readonly from: number;
  /** Stops behind the row that reaches this many bytes; at least one row is read. */
  readonly maxBytes: number;
}

/** Frames of consecutive records, the first of them at offset `base` (which may be below or, where records are gone, above `from`), the last before `next`. */
export interface ReadReply {
  readonly base: number;
  readonly next: number;
  readonly chunks: readonly Uint8Array<ArrayBuffer>[];
}

/** Deletes rows older than `before` (epoch ms) from the front, a bounded number at once. */
export interface RetainRequest {
  readonly id: number;
  readonly before: number;
}

/** The partition's new begin, how many records went, and whether older ones are still there. */
export interface RetainReply {
  readonly begin: number;
  readonly deleted: number;
  readonly more: boolean;
}

/** Every call of the log's thread: what it takes and what it gives. */
export interface LogCalls {
  write: { request: WriteRequest; reply: WriteReply };
  read: { request: ReadRequest; reply: ReadReply };
  createTopics: { request: readonly TopicDeclaration[]; reply: readonly StoredTopic[] };
  retain: { request: RetainRequest; reply: RetainReply };
  moveOffsets: { request: readonly CommittedOffset[]; reply: null };
  deleteGroup: { request: string; reply: null };
  close: { request: null; reply: null };
}

/** Name of a call. */
export type LogCallName = keyof LogCalls;

/** A call on its way to the thread; `number` is answered by the reply. */
export type LogCall = {
  [K in LogCallName]: { readonly number: number; readonly name: K; readonly request: LogCalls[K]['request'] };
}[LogCallName];

/** An `AppError` on its way between threads. */
export interface Failure {
  readonly code: ErrorCode;
  readonly message: string;
  readonly context: ErrorContext;
  /** What SQLite said. */
  readonly cause?: string;
}

/** The answer to call `number`; call 0 is the opening, answered with the snapshot. */
export type LogReply = { readonly number: number; readonly value: unknown } | { readonly number: number; readonly failure: Failure };

/** What the thread is started with. */
export interface LogOptions {
  readonly path: string;
  /** Largest size of the log file in bytes; without it the disk is the limit. */
  readonly maxBytes?: number;
}
