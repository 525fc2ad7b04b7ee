import type { Database } from './database.ts';
import type { SeriesEntry } from './series-catalog.ts';

/** Ids of one block. */
const BLOCK_IDS = 4_096;

/**
 * First and last time of each 4,096 ids of a series. One line is written for thousands of trades, and reads by time are exact even where times do not
 * rise with ids: a block that may hold a row in the range is read, and its rows are checked. Lines only widen; deleted rows leave them wide.
 */
export class IdBlocks {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  /** Inside a write: takes the times of a batch in. */
  widen(entry: SeriesEntry, slots: Float64Array, starts: Int32Array): void {
    const times = new Map<number, { first: number; last: number }>();
    let block = Number.NaN;
    let span = { first: 0, last: 0 };
    for (let index = 0; index + 1 < starts.length; index += 1) {
      const at = starts[index] as number;
      const time = slots[at + entry.codec.timeSlot] as number;
      const own = Math.floor((slots[at] as number) / BLOCK_IDS);
      if (own !== block) {
        block = own;
        span = times.get(own) ?? { first: time, last: time };
        times.set(own, span);
      }
      if (time < span.first) span.first = time;
      if (time > span.last) span.last = time;
    }
    const statement = this.#database.statement(
      `INSERT INTO id_blocks VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE
       SET first_time = min(first_time, excluded.first_time), last_time = max(last_time, excluded.last_time)
       WHERE excluded.first_time < first_time OR excluded.last_time > last_time`,
    );
    for (const [id, { first, last }] of times) statement.run(entry.id, id, first, last);
  }

  /** The ids between which every row with a time in `[from, to)` lies; undefined where there is none. */
  idsBetween(entry: SeriesEntry, from: number, to: number): { first: number; last: number } | undefined {
    const found = this.#database
      .statement('SELECT min(block) AS first, max(block) AS last FROM id_blocks WHERE series = ? AND last_time >= ? AND first_time < ?')
      .get(entry.id, from, to);
    if (found === undefined || found.first === null) return undefined;
    return { first: (found.first as number) * BLOCK_IDS, last: ((found.last as number) + 1) * BLOCK_IDS - 1 };
  }
}
