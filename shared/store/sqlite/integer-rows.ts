import { AppError } from '../../domain/errors.ts';
import { compareCandles, equalContent } from '../../domain/order.ts';
import type { Database } from './database.ts';
import { IntegerKeys } from './integer-keys.ts';
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

interface Settlement {
  readonly changed: number;
  readonly conflicts: TableOutcome['conflicts'];
}

/** Rows of one statement at most: the counter's length. Also the page that a read by time looks through at once. */
const MOST_ROWS = 5_000;
const EMPTY_PAGE: RowPage = { slots: new Float64Array(0), count: 0, next: undefined };

/** Candles, bars and Binance trades: rows under an integer key, which is slot 0 of every record. */
export class IntegerRows implements RowTable {
  readonly #database: Database;
  readonly keys: IntegerKeys;

  constructor(database: Database) {
    this.#database = database;
    this.keys = new IntegerKeys(database);
    if (!database.readOnly) createCounter(database);
  }

  /**
   * New rows go in by `INSERT OR IGNORE`, each run of evenly spaced keys by one statement. Where every row was new, that is all;
   * else the stored rows of the same keys are read, and each row that differs is settled in the order of the batch.
   */
  upsert(entry: SeriesEntry, { slots, count, width }: RecordBatch): TableOutcome {
    const starts = listStarts(entry, slots, count, width);
    const added = this.#writeRuns('INSERT OR IGNORE', entry, slots, starts);
    if (added > 0 && entry.keyedBy === 'id') this.keys.blocks.widen(entry, slots, starts);
    if (added === count) return { added, written: added, unchanged: 0, conflicts: [] };
    const { changed, conflicts } = this.#settle(entry, slots, starts);
    return { added, written: added + changed, unchanged: count - added - changed - conflicts.length, conflicts };
  }

  page(entry: SeriesEntry, bounds: RowBounds, after: Position | undefined, limit: number): RowPage {
    const range = this.keys.within(entry, bounds);
    if (range === undefined) return EMPTY_PAGE;
    const first = after === undefined ? range.first : Math.max(range.first, (after as number) + 1);
    const byTime = entry.keyedBy === 'id' && (bounds.from !== undefined || bounds.to !== undefined);
    const most = byTime ? MOST_ROWS : limit;
    const { slots, count, last } = this.keys.read(entry, { first, last: range.last }, most);
    const page = { slots, count, next: count < most ? undefined : last };
    return byTime ? keepTimes(entry, page, bounds, limit) : page;
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

  /** Returns how many rows were written. */
  #writeRuns(verb: 'INSERT OR IGNORE' | 'INSERT OR REPLACE', entry: SeriesEntry, slots: Float64Array, starts: Int32Array): number {
    const statement = this.#database.statement(
      `${verb} INTO ${entry.table} SELECT ?, ? + i * ?, substr(?, ? + i * ? + 1, ?) FROM temp.counter WHERE i < ?`,
    );
    const bytes = toBytes(slots);
    let written = 0;
    for (let index = 0; index + 1 < starts.length; ) {
      const { at, length, step, count } = runFrom(slots, starts, index);
      const width = length * Float64Array.BYTES_PER_ELEMENT;
      const offset = at * Float64Array.BYTES_PER_ELEMENT;
      written += Number(statement.run(entry.id, slots[at] as number, step, bytes, offset, width, width, count).changes);
      index += count;
    }
    return written;
  }

  /** Decides row by row, in the order of the batch, against what is stored; a row that was just inserted meets itself. */
  #settle(entry: SeriesEntry, slots: Float64Array, starts: Int32Array): Settlement {
    const stored = this.#readStored(entry, slots, starts);
    const conflicts: { index: number; key: string }[] = [];
    const replaced = new Map<number, Float64Array>();
    let changed = 0;
    for (let index = 0; index + 1 < starts.length; index += 1) {
      const at = starts[index] as number;
      const length = (starts[index + 1] as number) - at;
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
    if (replaced.size > 0) this.#replace(entry, [...replaced.values()]);
    return { changed, conflicts };
  }

  #replace(entry: SeriesEntry, records: readonly Float64Array[]): void {
    const slots = new Float64Array(records.reduce((length, record) => length + record.length, 0));
    let at = 0;
    for (const record of records) {
      slots.set(record, at);
      at += record.length;
    }
    this.#writeRuns('INSERT OR REPLACE', entry, slots, listStarts(entry, slots, records.length, 0));
  }

  /** The stored records of a batch's keys: by one range where that holds little else, otherwise one by one. */
  #readStored(entry: SeriesEntry, slots: Float64Array, starts: Int32Array): Map<number, RecordAt> {
    const keys = Array.from(starts.subarray(0, -1), (at) => slots[at] as number);
    const stored = new Map<number, RecordAt>();
    const add = (found: Float64Array): void => {
      for (let at = 0; at < found.length; ) {
        const length = entry.codec.lengthAt(found, at);
        stored.set(found[at] as number, { slots: found, at, length });
        at += length;
      }
    };
    const most = 2 * keys.length;
    const range = this.keys.read(entry, { first: Math.min(...keys), last: Math.max(...keys) }, most);
    if (range.count < most) add(range.slots);
    else for (const key of new Set(keys)) add(this.keys.read(entry, { first: key, last: key }, 1).slots);
    return stored;
  }
}

/** The numbers from 0 on, for the one statement that writes a run of rows. */
function createCounter(database: Database): void {
  database.connection.exec('CREATE TEMP TABLE counter (i INTEGER PRIMARY KEY)');
  const numbers = JSON.stringify(Array.from({ length: MOST_ROWS }, (_, i) => i));
  database.connection.prepare('INSERT INTO temp.counter SELECT value FROM json_each(?)').run(numbers);
}

/** Where each record begins, and at last where the batch ends. */
function listStarts(entry: SeriesEntry, slots: Float64Array, count: number, width: number): Int32Array {
  const starts = new Int32Array(count + 1);
  let at = 0;
  for (let index = 0; index < count; index += 1) {
    starts[index] = at;
    at += width > 0 ? width : entry.codec.lengthAt(slots, at);
  }
  starts[count] = at;
  return starts;
}

/** The longest run from `index` whose keys rise (or fall) by one step and whose records are equally long. */
function runFrom(slots: Float64Array, starts: Int32Array, index: number): { at: number; length: number; step: number; count: number } {
  const at = starts[index] as number;
  const length = (starts[index + 1] as number) - at;
  const isAlike = (other: number): boolean =>
    other + 1 < starts.length && (starts[other + 1] as number) - (starts[other] as number) === length;
  if (!isAlike(index + 1)) return { at, length, step: 0, count: 1 };
  const step = (slots[at + length] as number) - (slots[at] as number);
  let count = 2;
  while (isAlike(index + count)) {
    const next = at + count * length;
    if ((slots[next] as number) - (slots[next - length] as number) !== step) break;
    count += 1;
  }
  return { at, length, step, count };
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
