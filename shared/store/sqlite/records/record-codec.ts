import { AppError } from '../../../domain/errors.ts';
import type { Row } from '../../../domain/rows.ts';
import type { Series } from '../../../domain/series.ts';
import type { Provenance } from '../../market-store.ts';
import { aggTradeRecord } from './agg-trade-record.ts';
import { candleRecord } from './candle-record.ts';
import { depthRecord } from './depth-record.ts';
import { quoteRecord } from './quote-record.ts';
import { tickerRecord } from './ticker-record.ts';
import { tradeRecord } from './trade-record.ts';

/**
 * How the rows of one kind are laid out as 64-bit floats (little-endian on disk), one *slot* each. A record holds everything of its row, the key too:
 * a page of records is one buffer that moves between threads, into SQLite and out of it without a copy for each field, and every double comes back
 * bit for bit (SQLite's own REAL columns turn -0 into 0). Slot 0 is the integer key or the time, slot 1 holds flags: which optional fields are there,
 * and the booleans. A layout is fixed once written: a change of it needs another schema version.
 */
export interface RecordCodec<R extends Row> {
  /** Slot of the market time. */
  readonly timeSlot: number;
  /** Slots that the row takes. */
  lengthOf(row: R): number;
  /** Writes the row at `at`; returns the slot behind it. */
  encode(row: R, into: Float64Array, at: number, provenance: Provenance): number;
  decode(from: Float64Array, at: number): R;
  /** Slots of the record that begins at `at`. */
  lengthAt(from: Float64Array, at: number): number;
}

/** Records behind each other. `width` is the slots of each where all are equally long, else 0. */
export interface RecordBatch {
  readonly slots: Float64Array<ArrayBuffer>;
  readonly count: number;
  readonly width: number;
}

/** The layout of a series' rows. Throws `invalid_request` for a kind that has none. */
export function recordCodec(series: Series): RecordCodec<Row> {
  switch (series.kind) {
    case 'candles':
    case 'bars':
      return candleRecord as RecordCodec<Row>;
    case 'trades':
      return tradeRecord as RecordCodec<Row>;
    case 'agg-trades':
      return aggTradeRecord as RecordCodec<Row>;
    case 'quotes':
      return quoteRecord as RecordCodec<Row>;
    case 'depth':
      return depthRecord as RecordCodec<Row>;
    case 'tickers':
      return tickerRecord as RecordCodec<Row>;
    default:
      throw new AppError('invalid_request', `${String(series.kind satisfies never)} is no kind of rows.`);
  }
}

/** Lays rows out behind each other, in a buffer of at least the slots asked for. */
export function encodeRows(
  codec: RecordCodec<Row>,
  rows: readonly Row[],
  provenance: Provenance,
  takeSlots: (length: number) => Float64Array<ArrayBuffer>,
): RecordBatch {
  let total = 0;
  let width = -1;
  for (const row of rows) {
    const length = codec.lengthOf(row);
    total += length;
    width = width === -1 || width === length ? length : 0;
  }
  const slots = takeSlots(total);
  let at = 0;
  for (const row of rows) at = codec.encode(row, slots, at, provenance);
  return { slots, count: rows.length, width: Math.max(width, 0) };
}

/** The rows of a buffer that holds nothing but whole records. */
export function decodeRows(codec: RecordCodec<Row>, slots: Float64Array): Row[] {
  const rows: Row[] = [];
  for (let at = 0; at < slots.length; at += codec.lengthAt(slots, at)) rows.push(codec.decode(slots, at));
  return rows;
}
