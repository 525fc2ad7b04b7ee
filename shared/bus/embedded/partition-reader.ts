import { AppError } from '../../domain/errors.ts';
import type { BusRecord } from '../bus.ts';
import type { PartitionLog } from './catalog.ts';
import { frameBytesAt, readFrame } from './frames.ts';
import type { ReadReply, ReadRequest } from './protocol.ts';

/** Reads rows of the log. */
export type ReadLog = (request: ReadRequest) => Promise<ReadReply>;

/** How much of the log one `take` returns: at most so many bytes and records, none at or behind `before`. */
export interface TakeLimits {
  readonly maxBytes: number;
  readonly maxRecords: number;
  readonly before?: number;
}

/**
 * A place in a partition that moves forward. Keeps what was read and not yet taken; with `readAhead` it fetches the next records while those taken are
 * worked on. Memory: at most twice `maxBytes`, and one row more.
 */
export class PartitionReader {
  readonly #log: PartitionLog;
  readonly #read: ReadLog;
  readonly #maxBytes: number;
  readonly #readAhead: boolean;
  #chunks: Buffer[] = [];
  /** Place in the first chunk. */
  #at = 0;
  #buffered = 0;
  /** Offset of the next record to take, and of the next to fetch. */
  #position: number;
  #fetched: number;
  /** Counts seeks: what was fetched before one is thrown away. */
  #epoch = 0;
  #fetching: Promise<void> | undefined;

  constructor(log: PartitionLog, read: ReadLog, from: number, options: { readonly maxBytes: number; readonly readAhead: boolean }) {
    this.#log = log;
    this.#read = read;
    this.#maxBytes = options.maxBytes;
    this.#readAhead = options.readAhead;
    this.#position = from;
    this.#fetched = from;
  }

  /** Offset of the next record; never below the log's begin once nothing is buffered. */
  get position(): number {
    return this.#buffered === 0 ? Math.max(this.#position, this.#log.begin) : this.#position;
  }

  /** True while `take` would find a record. */
  get hasMore(): boolean {
    return this.#buffered > 0 || this.position < this.#log.end;
  }

  /** Moves to another offset. */
  seek(offset: number): void {
    this.#epoch += 1;
    this.#fetching = undefined;
    this.#chunks = [];
    this.#at = 0;
    this.#buffered = 0;
    this.#position = offset;
    this.#fetched = offset;
  }

  /** The next records, at least one where there are any (and it stands before `before`). */
  async take({ maxBytes, maxRecords, before = Number.POSITIVE_INFINITY }: TakeLimits): Promise<readonly BusRecord[]> {
    while (this.#buffered === 0 && this.hasMore) await this.#fetch();
    const records: BusRecord[] = [];
    let bytes = 0;
    while (this.#position < before && records.length < maxRecords) {
      const chunk = this.#chunks[0];
      if (chunk === undefined) break;
      const frameBytes = frameBytesAt(chunk, this.#at);
      bytes += frameBytes;
      if (records.length > 0 && bytes > maxBytes) break;
      records.push(readFrame(chunk, this.#at, this.#log.topic, this.#log.partition, this.#position));
      this.#advance(chunk, frameBytes);
    }
    if (this.#readAhead && this.#buffered < this.#maxBytes && this.#fetched < this.#log.end) {
      // A failure here shows again, and is answered, when the records are wanted.
      this.#fetch().catch(() => undefined);
    }
    return records;
  }

  /** Fetches the next rows; one fetch at a time. */
  #fetch(): Promise<void> {
    this.#fetching ??= this.#fetchRows(this.#epoch);
    return this.#fetching;
  }

  async #fetchRows(epoch: number): Promise<void> {
    try {
      const from = Math.max(this.#fetched, this.#log.begin);
      const { base, next, chunks } = await this.#read({ id: this.#log.id, from, maxBytes: this.#maxBytes });
      if (epoch !== this.#epoch) return;
      // Offsets are counted along the buffer: behind a hole (retention came between) it has to start anew.
      if (this.#buffered > 0 && base !== this.#fetched) return;
      if (chunks.length === 0 && from >= this.#log.begin && from < this.#log.end) throw damaged(this.#log, from);
      const startsEmpty = this.#buffered === 0;
      for (const chunk of chunks) {
        this.#chunks.push(Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength));
        this.#buffered += chunk.byteLength;
      }
      this.#fetched = next;
      if (!startsEmpty) return;
      this.#position = base;
      // A row may begin before the offset that was asked for.
      while (this.#position < from) this.#skip();
    } finally {
      if (epoch === this.#epoch) this.#fetching = undefined;
    }
  }

  #skip(): void {
    const chunk = this.#chunks[0];
    if (chunk === undefined) this.#position += 1;
    else this.#advance(chunk, frameBytesAt(chunk, this.#at));
  }

  #advance(chunk: Buffer, frameBytes: number): void {
    this.#position += 1;
    this.#at += frameBytes;
    this.#buffered -= frameBytes;
    if (this.#at < chunk.length) return;
    this.#chunks.shift();
    this.#at = 0;
  }
}

function damaged({ topic, partition, end }: PartitionLog, from: number): AppError {
  const place = `${topic}/${partition}`;
  return new AppError('bus_unavailable', `The log has no record at ${place}/${from} although it reaches to ${end}: its file is damaged.`, {
    topic,
    partition,
    offset: from,
  });
}
