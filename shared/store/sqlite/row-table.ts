import type { UpsertOutcome } from '../market-store.ts';
import type { RecordBatch } from './records/record-codec.ts';
import type { SeriesEntry } from './series-catalog.ts';

/** Bounds of a read inside the worker. Times are half-open, ids inclusive. */
export interface RowBounds {
  readonly from?: number;
  readonly to?: number;
  readonly from_id?: number;
  readonly to_id?: number;
}

/** Where a page ends, to begin the next one behind it: the integer key, or time, tie and key. */
export type Position = number | readonly [time: number, tie: number, key: string];

/** A page of rows, and where the next one begins. */
export interface RowPage {
  /** Records behind each other. */
  readonly slots: Float64Array<ArrayBuffer>;
  readonly count: number;
  /** Undefined: nothing lies behind this page. */
  readonly next: Position | undefined;
}

/** What an upsert did, and how many rows the series has more by it. */
export interface TableOutcome extends UpsertOutcome {
  readonly added: number;
}

/** The rows of one kind of key. `upsert` and `remove` run inside a write. */
export interface RowTable {
  upsert(entry: SeriesEntry, batch: RecordBatch): TableOutcome;
  /** At most `limit` rows behind `after`; a page may hold fewer, even none, and still have a `next`. */
  page(entry: SeriesEntry, bounds: RowBounds, after: Position | undefined, limit: number): RowPage;
  /** The position behind which a read goes on after the row with this key. Throws `invalid_request` for a key of no row. */
  positionOf(entry: SeriesEntry, key: string): Position;
  /** The first or the last record. */
  edge(entry: SeriesEntry, which: 'first' | 'last'): Float64Array<ArrayBuffer> | undefined;
  /** Deletes the rows of a page; returns how many. */
  remove(entry: SeriesEntry, page: RowPage): number;
}

/** A blob of SQLite as slots. */
export function toSlots(blob: unknown): Float64Array<ArrayBuffer> {
  const bytes = blob as Uint8Array<ArrayBuffer>;
  return new Float64Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / Float64Array.BYTES_PER_ELEMENT);
}

/** The bytes of `length` slots from `at`: no copy. */
export function toBytes(slots: Float64Array, at = 0, length = slots.length - at): Uint8Array {
  return new Uint8Array(slots.buffer, slots.byteOffset + at * Float64Array.BYTES_PER_ELEMENT, length * Float64Array.BYTES_PER_ELEMENT);
}

/** True where two records hold the same numbers, 0 and -0 told apart. */
export function sameSlots(a: Float64Array, aAt: number, b: Float64Array, bAt: number, length: number): boolean {
  for (let i = 0; i < length; i += 1) if (!Object.is(a[aAt + i], b[bAt + i])) return false;
  return true;
}
