import type { CandleMark, TradeMark } from '../../domain/proof.ts';
import type { Database } from './database.ts';
import { IdBlocks } from './id-blocks.ts';
import { candleRecord } from './records/candle-record.ts';
import { type RowBounds, toSlots } from './row-table.ts';
import type { SeriesEntry } from './series-catalog.ts';

/** Keys from first to last, both inclusive. */
export interface KeyRange {
  readonly first: number;
  readonly last: number;
}

const EMPTY = new Float64Array(0);
/** What a proof looks at stands in the first slots of a record: of a candle up to its close time, of a trade up to its time. */
const CANDLE_MARK_SLOTS = candleRecord.closeTimeSlot + 1;
const TRADE_MARK_SLOTS = 3;

/** Reads of rows under an integer key, by ranges of keys. */
export class IntegerKeys {
  readonly #database: Database;
  readonly blocks: IdBlocks;

  constructor(database: Database) {
    this.#database = database;
    this.blocks = new IdBlocks(database);
  }

  /** The keys that may lie inside the bounds; undefined where none does. Ids of a time are found by blocks, so the rows at the edges are to be checked. */
  within(entry: SeriesEntry, bounds: RowBounds): KeyRange | undefined {
    const lowest = Number.MIN_SAFE_INTEGER;
    const highest = Number.MAX_SAFE_INTEGER;
    if (entry.keyedBy === 'open-time') return { first: Math.ceil(bounds.from ?? lowest), last: Math.ceil(bounds.to ?? highest) - 1 };
    const ids = { first: bounds.from_id ?? lowest, last: bounds.to_id ?? highest };
    if (bounds.from === undefined && bounds.to === undefined) return ids;
    const times = this.blocks.idsBetween(entry, bounds.from ?? lowest, bounds.to ?? highest);
    return times === undefined ? undefined : { first: Math.max(ids.first, times.first), last: Math.min(ids.last, times.last) };
  }

  /** Records as one blob: SQLite lays them behind each other, so that a page crosses into JavaScript once. `last` is the last key read. */
  read(entry: SeriesEntry, { first, last }: KeyRange, limit: number): { slots: Float64Array<ArrayBuffer>; count: number; last: number } {
    const found = this.#database
      .statement(
        `SELECT CAST(group_concat(row, '') AS BLOB) AS rows, count(*) AS count, max(key) AS last
         FROM (SELECT key, row FROM ${entry.table} WHERE series = ? AND key BETWEEN ? AND ? ORDER BY key LIMIT ?)`,
      )
      .get(entry.id, first, last, limit);
    if (found === undefined || found.count === 0) return { slots: EMPTY, count: 0, last };
    return { slots: toSlots(found.rows), count: found.count as number, last: found.last as number };
  }

  /** How many keys, at most `limit`, and the last of them. */
  count(entry: SeriesEntry, { first, last }: KeyRange, limit: number): { count: number; last: number } {
    const counted = this.#database
      .statement(
        `SELECT count(*) AS count, max(key) AS last
         FROM (SELECT key FROM ${entry.table} WHERE series = ? AND key BETWEEN ? AND ? ORDER BY key LIMIT ?)`,
      )
      .get(entry.id, first, last, limit);
    return { count: counted?.count as number, last: (counted?.last ?? last) as number };
  }

  /**
   * Shows at most `limit` rows to a prover, with the few slots that it looks at; returns the last key, or undefined where no row is left.
   * The mark is one object for all rows: a proof of millions of rows makes no garbage.
   */
  showMarks(entry: SeriesEntry, { first, last }: KeyRange, limit: number, see: (mark: CandleMark & TradeMark) => void): number | undefined {
    const candles = entry.keyedBy === 'open-time';
    const stride = candles ? CANDLE_MARK_SLOTS : TRADE_MARK_SLOTS;
    const found = this.#database
      .statement(
        `SELECT CAST(group_concat(substr(row, 1, ?), '') AS BLOB) AS marks
         FROM (SELECT row FROM ${entry.table} WHERE series = ? AND key BETWEEN ? AND ? ORDER BY key LIMIT ?)`,
      )
      .get(stride * Float64Array.BYTES_PER_ELEMENT, entry.id, first, last, limit);
    if (found === undefined || found.marks === null) return undefined;
    const slots = toSlots(found.marks);
    const mark = { id: 0, time: 0, open_time: 0, close_time: 0, is_closed: false };
    for (let at = 0; at < slots.length; at += stride) {
      mark.id = mark.open_time = slots[at] as number;
      if (candles) {
        mark.close_time = slots[at + candleRecord.closeTimeSlot] as number;
        mark.is_closed = candleRecord.isClosedAt(slots, at);
      } else mark.time = slots[at + entry.codec.timeSlot] as number;
      see(mark);
    }
    return slots.length < limit * stride ? undefined : slots[slots.length - stride];
  }
}
