import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { AppError, toAppError } from '../../domain/errors.ts';
import type { Bus, BusRecord, OutgoingRecord, ReadOptions, RecordPosition, SubscribeOptions, Subscription } from '../bus.ts';
import { partitionOf } from '../partitioner.ts';
import { checkRecordSize } from '../record-size.ts';
import { Slots } from '../slots.ts';
import { Catalog } from './catalog.ts';
import { ConsumerGroup } from './consumer-group.ts';
import { EmbeddedAdmin } from './embedded-admin.ts';
import { prepareRecord } from './frames.ts';
import { LogThread } from './log-thread.ts';
import { OffsetTable } from './offset-table.ts';
import type { ReadLog } from './partition-reader.ts';
import type { LogSnapshot } from './protocol.ts';
import { RecentFrames } from './recent-frames.ts';
import { rangesOf, Tail, type TailRange } from './tail.ts';
import { type PlacedRecord, TRANSACTION_BYTES, WriteQueue } from './write-queue.ts';

const DEFAULT_BATCH_BYTES = 1_048_576;
const DEFAULT_BATCH_RECORDS = 500;
/** Records prepared in one turn of the event loop: some 10 ms. */
const SLICE_RECORDS = 5_000;

/** Where the log is, and what it goes by. */
export interface EmbeddedBusOptions {
  /** Data directory; `log.db` and its WAL stand in it. Created where it is missing. */
  readonly dir: string;
  /** Gives the records' timestamps. Default: the machine's clock. */
  readonly clock?: { now(): number };
  /** Largest size of the log in bytes: above it appends are refused with `storage_full` until retention made room. Default: the disk. */
  readonly maxBytes?: number;
}

/**
 * Opens the log of a data directory. It belongs to this bus alone until it is closed or the process ends. Throws `data_dir_locked` where another bus has it,
 * `invalid_setting` for a file that is no log, `storage_full`, `bus_unavailable`.
 */
export async function openEmbeddedBus(options: EmbeddedBusOptions): Promise<EmbeddedBus> {
  const path = join(options.dir, 'log.db');
  try {
    await mkdir(options.dir, { recursive: true });
  } catch (error) {
    throw new AppError(
      'invalid_setting',
      `The data directory ${options.dir} cannot be created: set STREAMFORGE_DATA_DIR.`,
      { path },
      error,
    );
  }
  let bus: EmbeddedBus | undefined;
  const settings = options.maxBytes === undefined ? { path } : { path, maxBytes: options.maxBytes };
  const { thread, snapshot } = await LogThread.open(settings, (failure) => bus?.fail(failure));
  bus = new EmbeddedBus(thread, snapshot, options.clock ?? Date);
  return bus;
}

/** A durable log in one SQLite file, for one process: no replication, no network. Opened by `openEmbeddedBus`. */
export class EmbeddedBus implements Bus {
  readonly admin: EmbeddedAdmin;
  readonly #thread: LogThread;
  readonly #catalog: Catalog;
  readonly #writes: WriteQueue;
  readonly #read: ReadLog;
  readonly #offsets: OffsetTable;
  readonly #groups = new Map<string, ConsumerGroup>();
  readonly #tails = new Set<Tail>();
  /** By group: resolves when its offsets are moved. */
  readonly #moving = new Map<string, Promise<unknown>>();
  /** `closing`: members finish their batches, which may still publish and commit. */
  #state: 'open' | 'closing' | 'closed' = 'open';
  #closed: Promise<void> | undefined;

  constructor(thread: LogThread, snapshot: LogSnapshot, clock: { now(): number }) {
    this.#thread = thread;
    this.#catalog = new Catalog(snapshot);
    const recent = new RecentFrames();
    this.#writes = new WriteQueue(
      (request) => thread.call('write', request, [request.buffer]),
      () => clock.now(),
      recent,
    );
    this.#read = async (request) => recent.read(request) ?? thread.call('read', request);
    this.#offsets = new OffsetTable(snapshot.offsets, (offset) => this.#writes.commit(offset));
    this.admin = new EmbeddedAdmin({
      thread,
      catalog: this.#catalog,
      offsets: this.#offsets,
      groups: this.#groups,
      withoutMembers: (group, work) => this.#withoutMembers(group, work),
      assertOpen: () => this.#assertOpen(),
    });
  }

  async publish(
    records: readonly OutgoingRecord[],
    { signal }: { readonly signal?: AbortSignal } = {},
  ): Promise<readonly RecordPosition[]> {
    if (this.#state === 'closed') throw this.#unavailable();
    signal?.throwIfAborted();
    for (const record of records) {
      this.#catalog.partitions(record.topic);
      checkRecordSize(record);
    }
    const positions: RecordPosition[] = [];
    while (positions.length < records.length) {
      const slice = this.#place(records, positions.length);
      const offsets = await this.#writes.append(slice, signal);
      for (const [index, { log }] of slice.entries()) {
        positions.push({ topic: log.topic, partition: log.partition, offset: offsets[index] ?? 0 });
      }
    }
    return positions;
  }

  async subscribe(options: SubscribeOptions): Promise<Subscription> {
    this.#assertOpen();
    const { group: name, topics, maxBatchBytes = DEFAULT_BATCH_BYTES, maxBatchRecords = DEFAULT_BATCH_RECORDS } = options;
    for (const topic of topics) this.#catalog.partitions(topic);
    while (this.#moving.has(name)) await this.#moving.get(name);
    this.#assertOpen();
    const group = this.#groups.get(name) ?? new ConsumerGroup(name, (topic) => this.#catalog.partitions(topic));
    this.#groups.set(name, group);
    return group.join(topics, {
      group: name,
      onBatch: options.onBatch,
      onUnreadable: options.onUnreadable,
      maxBatchBytes,
      maxBatchRecords,
      slots: new Slots(options.concurrency ?? Number.POSITIVE_INFINITY),
      offsets: this.#offsets,
      read: this.#read,
    });
  }

  read(options: ReadOptions): AsyncIterable<readonly BusRecord[]> {
    // The ends that count are those of the call; what is wrong with it is said where it is read.
    let ranges: readonly TailRange[] | AppError;
    try {
      ranges = rangesOf(this.#catalog, options);
    } catch (error) {
      ranges = toAppError(error);
    }
    return this.#readRanges(ranges, options.signal);
  }

  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  /** Ends everything that hangs on the log, because its thread died. */
  fail(failure: AppError): void {
    for (const tail of this.#tails) tail.fail(failure);
    for (const group of this.#groups.values()) group.fail(failure);
  }

  async *#readRanges(ranges: readonly TailRange[] | AppError, signal: AbortSignal | undefined): AsyncGenerator<readonly BusRecord[]> {
    if (ranges instanceof AppError) throw ranges;
    this.#assertOpen();
    const tail = new Tail(ranges, this.#read, signal);
    this.#tails.add(tail);
    try {
      yield* tail.batches();
    } finally {
      this.#tails.delete(tail);
    }
  }

  async #close(): Promise<void> {
    this.#state = 'closing';
    const members = [...this.#groups.values()].flatMap((group) => group.members);
    await Promise.all(members.map((member) => member.stop()));
    this.#state = 'closed';
    for (const tail of this.#tails) tail.fail(this.#unavailable());
    await this.#writes.drained();
    await this.#thread.close();
  }

  /** The next records of a call that go together, with their partitions. */
  #place(records: readonly OutgoingRecord[], from: number): PlacedRecord[] {
    const slice: PlacedRecord[] = [];
    let bytes = 0;
    for (let at = from; at < records.length && slice.length < SLICE_RECORDS && bytes < TRANSACTION_BYTES; at++) {
      const outgoing = records[at];
      if (outgoing === undefined) break;
      const record = prepareRecord(outgoing);
      const logs = this.#catalog.partitions(outgoing.topic);
      const log = logs[partitionOf(record.key, logs.length)];
      if (log === undefined) break;
      slice.push({ log, record });
      bytes += record.frameBytes;
    }
    return slice;
  }

  async #withoutMembers<T>(group: string, work: () => Promise<T>): Promise<T> {
    while (this.#moving.has(group)) await this.#moving.get(group);
    const members = this.#groups.get(group)?.members.length ?? 0;
    if (members > 0) {
      throw new AppError('state_conflict', `Group ${group} has ${members} members: stop them first.`, { group, members });
    }
    const moving = work();
    this.#moving.set(
      group,
      moving.catch(() => undefined),
    );
    try {
      return await moving;
    } finally {
      this.#moving.delete(group);
    }
  }

  #assertOpen(): void {
    if (this.#state !== 'open' || this.#thread.failure !== undefined) throw this.#unavailable();
  }

  #unavailable(): AppError {
    return this.#thread.failure ?? new AppError('bus_unavailable', 'The bus is closed: open it again.', {});
  }
}
