import type { AppError } from '../../domain/errors.ts';
import type { BusRecord, ReadOptions } from '../bus.ts';
import type { Catalog, PartitionLog } from './catalog.ts';
import { PartitionReader, type ReadLog } from './partition-reader.ts';
import { Wake } from './wake.ts';

const MAX_BYTES = 1_048_576;
const MAX_RECORDS = 500;

/** One partition to read, from an offset and, where it ends, before another. */
export interface TailRange {
  readonly log: PartitionLog;
  readonly from: number;
  readonly before?: number;
}

/** What a reading begins and ends with, as things are now. Throws `not_found`, `invalid_request`. */
export function rangesOf(catalog: Catalog, { topic, partitions, from, untilEnd = false }: ReadOptions): readonly TailRange[] {
  const logs = partitions?.map((partition) => catalog.partition(topic, partition)) ?? catalog.partitions(topic);
  return logs.map((log) => {
    const start = from === 'latest' ? log.end : from === 'earliest' ? log.begin : Math.max(log.begin, from[log.partition] ?? log.begin);
    return untilEnd ? { log, from: start, before: log.end } : { log, from: start };
  });
}

/** A reading without a group. */
export class Tail {
  readonly #wake = new Wake();
  readonly #ranges: readonly TailRange[];
  readonly #read: ReadLog;
  readonly #signal: AbortSignal | undefined;
  #failure: AppError | undefined;

  constructor(ranges: readonly TailRange[], read: ReadLog, signal: AbortSignal | undefined) {
    this.#ranges = ranges;
    this.#read = read;
    this.#signal = signal;
  }

  /** Ends the reading with an error. */
  fail(failure: AppError): void {
    this.#failure ??= failure;
    this.#wake.wake();
  }

  /** Batches of one partition each, the partitions in turn. Ends with its ranges or when the signal aborts. */
  async *batches(): AsyncGenerator<readonly BusRecord[]> {
    const cursors = this.#ranges.map(({ log, from, before }) => ({
      before: before ?? Number.POSITIVE_INFINITY,
      reader: new PartitionReader(log, this.#read, from, { maxBytes: MAX_BYTES, readAhead: false }),
    }));
    const wake = (): void => this.#wake.wake();
    this.#signal?.addEventListener('abort', wake);
    for (const { log } of this.#ranges) log.readers.add(this.#wake);
    try {
      for (;;) {
        let idle = true;
        for (const { reader, before } of cursors) {
          if (this.#failure !== undefined) throw this.#failure;
          if (this.#signal?.aborted) return;
          if (!reader.hasMore || reader.position >= before) continue;
          const records = await reader.take({ maxBytes: MAX_BYTES, maxRecords: MAX_RECORDS, before });
          if (records.length === 0) continue;
          idle = false;
          if (!this.#signal?.aborted) yield records;
        }
        if (!idle) continue;
        if (cursors.every(({ reader, before }) => reader.position >= before)) return;
        await this.#wake.wait();
      }
    } finally {
      this.#signal?.removeEventListener('abort', wake);
      for (const { log } of this.#ranges) log.readers.delete(this.#wake);
    }
  }
}
