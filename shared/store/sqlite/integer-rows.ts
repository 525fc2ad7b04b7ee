import { AppError } from '../../domain/errors.ts';
import { compareCandles, equalContent } from '../../domain/order.ts';
import type { Database } from './database.ts';
import { IdBlocks } from './id-blocks.ts';
import { candleRecord } from './records/candle-record.ts';
import type { RecordBatch } from './records/record-codec.ts';
import { type Position, type RowBounds, type RowPage, type RowTable, sameSlots, type TableOutcome, toBytes, toSlots } from './row-table.ts';
import type { SeriesEntry } from './series-catalog.ts';

/** A record inside a buffer. */
interface RecordAt {
  readonly slots: Float64Array;
  readonly at: number;
  readonly length: number;
}

const EMPTY = new Float64Array(0);

/** Candles, bars and Binance trades: rows under an integer key, which is slot 0 of every record. */
export class IntegerRows implements RowTable {
  readonly #database: Database;
  readonly #blocks: IdBlocks;

  constructor(database: Database) {
    this.#database = database;
    this.#blocks = new IdBlocks(database);
    if (!database.readOnly) createCounter(database);
  }

  /**
   * New rows go in by `INSERT OR IGNORE`, a run of evenly spaced keys by one statement. Where every row was new, that is all;
   * else the stored rows of the same keys are read, and each row that differs is settled in the order of the batch.
   */
  upsert(entry: SeriesEntry, batch: RecordBatch): TableOutcome {
    const records = listRecords(entry, batch);
    const added = this.#insertNew(entry, batch, records);
    if (added > 0 && entry.keyedBy === 'id') this.#blocks.widen(entry, batch.slots, records);
    if (added === batch.count) return { added, written: added, unchanged: 0, conflicts: [] };
    const { changed, conflicts } = this.#settle(entry, batch.slots, records);
    return { added, written: added + changed, unchanged: batch.count - added - changed - conflicts.length, conflicts };
  }

  page(entry: SeriesEntry, bounds: RowBounds, after: Position | undefined, limit: number): RowPage {
    const range = this.#keyRange(entry, bounds);
    const from = after === undefined ? range?.first : Math.max(range?.first ?? 0, (after as number) + 1);
    if (range === undefined || from === undefined || from > range.last || limit < 1) return { slots: EMPTY, count: 0, next: undefined };
    const byTime = entry.keyedBy === 'id' && (bounds.from !== undefined || bounds.to !== undefined);
    const most = byTime ? MOST_ROWS : limit;
    const { slots, count, last } = this.#read(entry, from, range.last, most);
    const next = count < most ? undefined : last;
    return byTime ? keepTimes(entry, { slots, count, next }, bounds, limit) : { slots, count, next };
  }

  positionOf(entry: SeriesEntry, key: string): Position {
    const position = Number(key);
    if (Number.isSafeInteger(position) && String(position) === key) return position;
    throw new AppError('invalid_request', `${JSON.stringify(key)} is no row key of ${entry.name}: those are whole numbers.`, { key });
  }

  edge(entry: SeriesEntry, which: 'first' | 'last'): Float64Array<ArrayBuffer> | undefined {
    const order = which === 'first' ? 'ASC' : 'DESC';
    const stored = this.#database.statement(`SELECT row FROM ${entry.table} WHERE series = ? ORDER BY key ${order} LIMIT 1`).get(entry.id);
    return stored === undefined ? undefined : toSlots(stored.row);
  }

  remove(entry: SeriesEntry, page: RowPage): number {
    const statement = this.#database.statement(`DELETE FROM ${entry.table} WHERE series = ? AND key = ?`);
    for (let at = 0; at < page.slots.length; at += entry.codec.lengthAt(page.slots, at)) statement.run(entry.id, page.slots[at] as number);
    return page.count;
  }

  /** The keys of exactly the rows inside the bounds, or undefined where only the rows themselves can tell. */
  exactKeyRange(entry: SeriesEntry, bounds: RowBounds): { first: number; last: number } | undefined {
    const exact = entry.keyedBy === 'open-time' || (bounds.from === undefined && bounds.to === undefined);
    return exact ? this.#keyRange(entry, bounds) : undefined;
  }

  /** How many keys from `first` to `last`, at most `limit`, and the last of them. */
  countKeys(entry: SeriesEntry, first: number, last: number, limit: number): { count: number; last: number } {
    const row = this.#database
      .statement(
        `SELECT count(*) AS count, max(key) AS last FROM (SELECT key FROM ${entry.table} WHERE series = ? AND key BETWEEN ? AND ? ORDER BY key LIMIT ?)`,
      )
      .get(entry.id, first, last, limit);
    return { count: row?.count as number, last: (row?.last ?? last) as number };
  }

  /** Returns how many rows were not there before. */
  #insertNew(entry: SeriesEntry, batch: RecordBatch, records: Int32Array): number {
    const statement = this.#database.statement(
      `INSERT OR IGNORE INTO ${entry.table} SELECT ?, ? + i * ?, substr(?, ? + i * ? + 1, ?) FROM temp.counter WHERE i < ?`,
    );
    const bytes = toBytes(batch.slots);
    let added = 0;
    for (let first = 0; first < batch.count; ) {
      const run = runFrom(batch.slots, records, first);
      const start = (records[first] as number) * 8;
      const width = ((records[first + 1] as number) - (records[first] as number)) * 8;
      const key = batch.slots[records[first] as number] as number;
      added += Number(statement.run(entry.id, key, run.step, bytes, start, width, width, run.count).changes);
      first += run.count;
    }
    return added;
  }

  #settle(entry: SeriesEntry, slots: Float64Array, records: Int32Array): { changed: number; conflicts: { index: number; key: string }[] } {
    const stored = this.#readStored(entry, slots, records);
    const conflicts: { index: number; key: string }[] = [];
    const replaced = new Map<number, Float64Array>();
    let changed = 0;
    for (let index = 0; index + 1 < records.length; index += 1) {
      const at = records[index] as number;
      const length = (records[index + 1] as number) - at;
      const key = slots[at] as number;
      const current = stored.get(key) as RecordAt;
      if (current.length === length && sameSlots(current.slots, current.at, slots, at, length)) continue;
      if (entry.keyedBy === 'id') {
        conflicts.push({ index, key: String(key) });
        continue;
      }
      const winner = betterCandle(current, { slots, at, length });
      if (winner === undefined) continue;
      if (winner.changes) changed += 1;
      replaced.set(key, winner.record);
      stored.set(key, { slots: winner.record, at: 0, length });
    }
    const update = this.#database.statement(`UPDATE ${entry.table} SET row = ? WHERE series = ? AND key = ?`);
    for (const [key, record] of replaced) update.run(toBytes(record), entry.id, key);
    return { changed, conflicts };
  }

  /** The stored records of a batch's keys: by one range where that holds little else, else one by one. */
  #readStored(entry: SeriesEntry, slots: Float64Array, records: Int32Array): Map<number, RecordAt> {
    const count = records.length - 1;
    let first = Infinity;
    let last = -Infinity;
    for (let index = 0; index < count; index += 1) {
      const key = slots[records[index] as number] as number;
      first = Math.min(first, key);
      last = Math.max(last, key);
    }
    const stored = new Map<number, RecordAt>();
    const add = (found: Float64Array): void => {
      for (let at = 0; at < found.length; ) {
        const length = entry.codec.lengthAt(found, at);
        stored.set(found[at] as number, { slots: found, at, length });
        at += length;
      }
    };
    const range = this.#read(entry, first, last, 2 * count);
    if (range.count < 2 * count) {
      add(range.slots);
      return stored;
    }
    for (let index = 0; index < count; index += 1) {
      const key = slots[records[index] as number] as number;
      if (!stored.has(key)) add(this.#read(entry, key, key, 1).slots);
    }
    return stored;
  }

  /** Records from key to key as one blob: SQLite lays them behind each other, so that a page crosses into JavaScript once. */
  #read(entry: SeriesEntry, first: number, last: number, limit: number): { slots: Float64Array<ArrayBuffer>; count: number; last: number } {
    const found = this.#database
      .statement(
        `SELECT CAST(group_concat(row, '') AS BLOB) AS rows, count(*) AS count, max(key) AS last
         FROM (SELECT key, row FROM ${entry.table} WHERE series = ? AND key BETWEEN ? AND ? ORDER BY key LIMIT ?)`,
      )
      .get(entry.id, first, last, limit);
    if (found === undefined || found.count === 0) return { slots: EMPTY, count: 0, last };
    return { slots: toSlots(found.rows), count: found.count as number, last: found.last as number };
  }

  /** The keys that may lie inside the bounds; undefined where none does. Ids of a time are found by blocks, so rows at the edges are to be checked. */
  #keyRange(entry: SeriesEntry, bounds: RowBounds): { first: number; last: number } | undefined {
    const lowest = Number.MIN_SAFE_INTEGER;
    const highest = Number.MAX_SAFE_INTEGER;
    if (entry.keyedBy === 'open-time') return { first: Math.ceil(bounds.from ?? lowest), last: Math.ceil(bounds.to ?? highest) - 1 };
    const ids = { first: bounds.from_id ?? lowest, last: bounds.to_id ?? highest };
    if (bounds.from === undefined && bounds.to === undefined) return ids;
    const times = this.#blocks.idsBetween(entry, bounds.from ?? lowest, bounds.to ?? highest);
    return times === undefined ? undefined : { first: Math.max(ids.first, times.first), last: Math.min(ids.last, times.last) };
  }
}

/** Rows that one call may bring: the counter's length. */
const MOST_ROWS = 5_000;

/** The numbers from 0 on, for the one statement that writes a run of rows. */
function createCounter(database: Database): void {
  database.connection.exec('CREATE TEMP TABLE counter (i INTEGER PRIMARY KEY)');
  const numbers = JSON.stringify(Array.from({ length: MOST_ROWS }, (_, i) => i));
  database.connection.prepare('INSERT INTO temp.counter SELECT value FROM json_each(?)').run(numbers);
}

/** Where each record begins, and at last where the batch ends. */
function listRecords(entry: SeriesEntry, { slots, count, width }: RecordBatch): Int32Array {
  const starts = new Int32Array(count + 1);
  let at = 0;
  for (let index = 0; index < count; index += 1) {
    starts[index] = at;
    at += width > 0 ? width : entry.codec.lengthAt(slots, at);
  }
  starts[count] = at;
  return starts;
}

/** The longest run from `first` whose keys rise (or fall) by one step and whose records are equally long. */
function runFrom(slots: Float64Array, starts: Int32Array, first: number): { count: number; step: number } {
  const start = (index: number): number => starts[index] as number;
  const width = start(first + 1) - start(first);
  if (first + 2 >= starts.length || start(first + 2) - start(first + 1) !== width) return { count: 1, step: 0 };
  const step = (slots[start(first + 1)] as number) - (slots[start(first)] as number);
  let count = 2;
  while (first + count + 1 < starts.length) {
    const at = start(first + count);
    if (start(first + count + 1) - at !== width || (slots[at] as number) - (slots[at - width] as number) !== step) break;
    count += 1;
  }
  return { count, step };
}

/** What replaces the stored candle, or undefined where that one stays. */
function betterCandle(stored: RecordAt, arrived: RecordAt): { record: Float64Array; changes: boolean } | undefined {
  const standing = candleRecord.standingAt(stored.slots, stored.at);
  const before = { row: candleRecord.decode(stored.slots, stored.at), ...standing };
  const after = { row: candleRecord.decode(arrived.slots, arrived.at), ...candleRecord.standingAt(arrived.slots, arrived.at) };
  if (compareCandles(after, before) <= 0) return undefined;
  const changes = !equalContent(after.row, before.row);
  const record = arrived.slots.slice(arrived.at, arrived.at + arrived.length);
  candleRecord.setRevision(record, 0, standing.revision + (changes && before.row.is_closed ? 1 : 0));
  return { record, changes };
}

/** The first `limit` records of a page whose time lies in the bounds. */
function keepTimes(entry: SeriesEntry, { slots, next }: RowPage, { from = -Infinity, to = Infinity }: RowBounds, limit: number): RowPage {
  let count = 0;
  let end = 0;
  let last = 0;
  for (let at = 0; at < slots.length; ) {
    const length = entry.codec.lengthAt(slots, at);
    const time = slots[at + entry.codec.timeSlot] as number;
    if (time >= from && time < to) {
      if (count === limit) return { slots: slots.slice(0, end), count, next: last };
      last = slots[at] as number;
      if (end !== at) slots.copyWithin(end, at, at + length);
      end += length;
      count += 1;
    }
    at += length;
  }
  return { slots: end === slots.length ? slots : slots.slice(0, end), count, next };
}
