import type { Row } from '../../domain/rows.ts';
import { hasIntegerIds, parseSeriesId, type Series } from '../../domain/series.ts';
import type { Database } from './database.ts';
import { type RecordCodec, recordCodec } from './records/record-codec.ts';

/** A stored series: its number, and where and how its rows are kept. */
export interface SeriesEntry {
  readonly id: number;
  readonly name: string;
  readonly series: Series;
  readonly codec: RecordCodec<Row>;
  readonly table: RowTableName;
  /** How its rows are keyed: by open time, by integer id, or by time and a text. */
  readonly keyedBy: 'open-time' | 'id' | 'text';
}

/** The tables of rows; `uuid_trades` holds those whose ids are texts (BitMEX). */
export type RowTableName = 'candles' | 'trades' | 'agg_trades' | 'uuid_trades' | 'quotes' | 'depth' | 'tickers';

const TABLES = {
  candles: 'candles',
  bars: 'candles',
  trades: 'trades',
  'agg-trades': 'agg_trades',
  quotes: 'quotes',
  depth: 'depth',
  tickers: 'tickers',
} as const satisfies Record<Series['kind'], RowTableName>;

/** The series of the store by name. What it remembers is forgotten after a rollback, which may have taken a new series back. */
export class SeriesCatalog {
  readonly #database: Database;
  readonly #entries = new Map<string, SeriesEntry>();

  constructor(database: Database) {
    this.#database = database;
  }

  /** Undefined for a series of which nothing is stored. */
  find(name: string): SeriesEntry | undefined {
    const known = this.#entries.get(name);
    if (known !== undefined) return known;
    const stored = this.#database.statement('SELECT id FROM series WHERE name = ?').get(name);
    return stored === undefined ? undefined : this.#remember(stored.id as number, name);
  }

  /** Inside a write: the series, stored where it is new. */
  ensure(name: string): SeriesEntry {
    const known = this.find(name);
    if (known !== undefined) return known;
    const { lastInsertRowid } = this.#database.statement('INSERT INTO series (name) VALUES (?)').run(name);
    return this.#remember(Number(lastInsertRowid), name);
  }

  /** Inside a write: rows added (or, below 0, deleted). */
  addRows(entry: SeriesEntry, count: number): void {
    this.#database.statement('UPDATE series SET row_count = row_count + ? WHERE id = ?').run(count, entry.id);
  }

  countRows(entry: SeriesEntry): number {
    return this.#database.statement('SELECT row_count FROM series WHERE id = ?').get(entry.id)?.row_count as number;
  }

  names(): string[] {
    return this.#database
      .statement('SELECT name FROM series ORDER BY name')
      .all()
      .map((stored) => stored.name as string);
  }

  forget(): void {
    this.#entries.clear();
  }

  #remember(id: number, name: string): SeriesEntry {
    const series = parseSeriesId(name);
    const integerIds = hasIntegerIds(series);
    const keyedBy = series.interval !== undefined ? 'open-time' : integerIds ? 'id' : 'text';
    const table = series.kind === 'trades' && !integerIds ? 'uuid_trades' : TABLES[series.kind];
    const entry: SeriesEntry = { id, name, series, codec: recordCodec(series), table, keyedBy };
    this.#entries.set(name, entry);
    return entry;
  }
}
