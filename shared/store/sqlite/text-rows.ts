import { AppError } from '../../domain/errors.ts';
import { rowKey } from '../../domain/row-key.ts';
import type { Depth, Quote, Row, Ticker } from '../../domain/rows.ts';
import type { Database } from './database.ts';
import type { RecordBatch } from './records/record-codec.ts';
import { type Position, type RowBounds, type RowPage, type RowTable, sameSlots, type TableOutcome, toBytes, toSlots } from './row-table.ts';
import type { SeriesEntry } from './series-catalog.ts';

/** The position before every row. */
const START: Position = [-Infinity, -Infinity, ''];

/** Quotes, depth, tickers and BitMEX trades: rows under a text key, in the order of time, then update id, then key. */
export class TextRows implements RowTable {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  upsert(entry: SeriesEntry, { slots, count }: RecordBatch): TableOutcome {
    const insert = this.#database.statement(`INSERT OR IGNORE INTO ${entry.table} (series, time, tie, key, row) VALUES (?, ?, ?, ?, ?)`);
    const conflicts: { index: number; key: string }[] = [];
    const latest = latestTable(entry);
    let newest: Newest | undefined;
    let added = 0;
    for (let at = 0, index = 0; at < slots.length; index += 1) {
      const length = entry.codec.lengthAt(slots, at);
      const row = entry.codec.decode(slots, at);
      const [time, tie, key] = positionOfRow(entry, row);
      if (insert.run(entry.id, time, tie, key, toBytes(slots, at, length)).changes === 0) {
        const stored = this.#find(entry, key);
        if (stored?.length !== length || !sameSlots(stored, 0, slots, at, length)) conflicts.push({ index, key });
      } else {
        added += 1;
        const candidate = { update_id: (row as Quote).update_id ?? -1, time, key, at, length };
        if (latest !== undefined && (newest === undefined || compareNewest(candidate, newest) > 0)) newest = candidate;
      }
      at += length;
    }
    if (latest !== undefined && newest !== undefined) this.#keepLatest(entry, latest, newest, slots);
    return { added, written: added, unchanged: count - added - conflicts.length, conflicts };
  }

  page(entry: SeriesEntry, bounds: RowBounds, after: Position | undefined, limit: number): RowPage {
    const { from, to } = { from: bounds.from ?? -Infinity, to: bounds.to ?? Infinity };
    const [time, tie, key] = (after ?? START) as Exclude<Position, number>;
    const found = this.#database
      .statement(
        `SELECT CAST(group_concat(row, '') AS BLOB) AS rows, count(*) AS count FROM (SELECT row FROM ${entry.table}
         WHERE series = ? AND time >= ? AND time < ? AND (time, tie, key) > (?, ?, ?) ORDER BY time, tie, key LIMIT ?)`,
      )
      .get(entry.id, Math.max(from, time), to, time, tie, key, limit);
    if (found === undefined || found.count === 0) return { slots: new Float64Array(0), count: 0, next: undefined };
    const slots = toSlots(found.rows);
    return { slots, count: found.count as number, next: found.count === limit ? lastPosition(entry, slots) : undefined };
  }

  positionOf(entry: SeriesEntry, key: string): Position {
    const found = this.#database.statement(`SELECT time, tie FROM ${entry.table} WHERE series = ? AND key = ?`).get(entry.id, key);
    if (found !== undefined) return [found.time as number, found.tie as number, key];
    throw new AppError('invalid_request', `${entry.name} has no row ${JSON.stringify(key)} to go on behind.`, { key });
  }

  edge(entry: SeriesEntry, which: 'first' | 'last'): Float64Array<ArrayBuffer> | undefined {
    const order = which === 'first' ? 'ASC' : 'DESC';
    const stored = this.#database
      .statement(`SELECT row FROM ${entry.table} WHERE series = ? ORDER BY time ${order}, tie ${order}, key ${order} LIMIT 1`)
      .get(entry.id);
    return stored === undefined ? undefined : toSlots(stored.row);
  }

  remove(entry: SeriesEntry, page: RowPage): number {
    const statement = this.#database.statement(`DELETE FROM ${entry.table} WHERE series = ? AND key = ?`);
    for (let at = 0; at < page.slots.length; at += entry.codec.lengthAt(page.slots, at))
      statement.run(entry.id, rowKey(entry.series, entry.codec.decode(page.slots, at)));
    return page.count;
  }

  /** The newest quote or ticker that was ever stored. */
  latest(entry: SeriesEntry): Float64Array<ArrayBuffer> | undefined {
    const table = latestTable(entry);
    const stored = table === undefined ? undefined : this.#database.statement(`SELECT row FROM ${table} WHERE series = ?`).get(entry.id);
    return stored === undefined ? undefined : toSlots(stored.row);
  }

  #find(entry: SeriesEntry, key: string): Float64Array<ArrayBuffer> | undefined {
    const stored = this.#database.statement(`SELECT row FROM ${entry.table} WHERE series = ? AND key = ?`).get(entry.id, key);
    return stored === undefined ? undefined : toSlots(stored.row);
  }

  #keepLatest(entry: SeriesEntry, table: string, newest: Newest, slots: Float64Array): void {
    this.#database
      .statement(
        `INSERT INTO ${table} (series, update_id, time, key, row) VALUES (?, ?, ?, ?, ?) ON CONFLICT DO UPDATE
         SET update_id = excluded.update_id, time = excluded.time, key = excluded.key, row = excluded.row
         WHERE (excluded.update_id, excluded.time, excluded.key) > (update_id, time, key)`,
      )
      .run(entry.id, newest.update_id, newest.time, newest.key, toBytes(slots, newest.at, newest.length));
  }
}

/** A row that may be the latest; `update_id` is -1 where the venue has none. */
interface Newest {
  readonly update_id: number;
  readonly time: number;
  readonly key: string;
  readonly at: number;
  readonly length: number;
}

function compareNewest(a: Newest, b: Newest): number {
  return a.update_id - b.update_id || a.time - b.time || (a.key < b.key ? -1 : a.key > b.key ? 1 : 0);
}

function latestTable(entry: SeriesEntry): string | undefined {
  return entry.table === 'quotes' ? 'latest_quotes' : entry.table === 'tickers' ? 'latest_tickers' : undefined;
}

/** Rows of one time stand in the order of their update ids where they have any. */
function positionOfRow(entry: SeriesEntry, row: Row): readonly [time: number, tie: number, key: string] {
  const tie = (row as Quote).update_id ?? (row as Depth).last_update_id ?? 0;
  return [(row as Ticker).time, tie, rowKey(entry.series, row)];
}

function lastPosition(entry: SeriesEntry, slots: Float64Array): Position {
  let last = 0;
  for (let at = 0; at < slots.length; at += entry.codec.lengthAt(slots, at)) last = at;
  return positionOfRow(entry, entry.codec.decode(slots, last));
}
