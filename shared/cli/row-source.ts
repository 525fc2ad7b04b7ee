import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { readCoverage } from '../../functions/stats/known-extent.ts';
import type { Coverage } from '../domain/coverage.ts';
import { AppError } from '../domain/errors.ts';
import type { TimeUnit } from '../domain/row-formats/archive-csv.ts';
import { type RowFormat, rowWriter } from '../domain/row-formats/row-format.ts';
import { parseSeriesId } from '../domain/series.ts';
import { dataDir, hostClient } from './settings.ts';

/** A part of a series to read; half-open, epoch ms. */
export interface Selection {
  readonly series: string;
  readonly from?: number;
  readonly to?: number;
}

/** Half-open, epoch ms; what is not given is open. */
export type Bounds = Omit<Selection, 'series'>;

/** Where `export` and `coverage` read: the store's files, or a running host. */
export interface RowSource {
  /** Lines of the rows in order, in chunks. */
  lines(selection: Selection, format: RowFormat, timeUnit: TimeUnit): AsyncIterable<string>;
  /** Undefined where nothing is known of the series. */
  coverage(selection: Selection): Promise<Coverage | undefined>;
  /** The same of every series of a saved collection, one after the other, narrowed to the bounds. Throws `not_found`. */
  collectionLines(name: string, bounds: Bounds, format: RowFormat, timeUnit: TimeUnit): AsyncIterable<string>;
  close(): Promise<void>;
}

/** The host of `STREAMFORGE_URL` where that is set; else the files of the data folder; else a host at the default address. */
export async function openRowSource(): Promise<RowSource> {
  if (process.env.STREAMFORGE_URL !== undefined) return hostSource();
  const dir = dataDir();
  return existsSync(join(dir, 'store.db')) ? fileSource(dir) : hostSource();
}

async function fileSource(dir: string): Promise<RowSource> {
  const { openSqliteStore } = await import('../store/sqlite/open-sqlite-store.ts');
  const store = await openSqliteStore({ dir, readOnly: true });
  const bounds = ({ from, to }: Bounds) => ({ ...(from === undefined ? {} : { from }), ...(to === undefined ? {} : { to }) });
  async function* lines(selection: Selection, format: RowFormat, timeUnit: TimeUnit): AsyncGenerator<string, void, undefined> {
    const series = parseSeriesId(selection.series);
    const write = rowWriter(series, format, timeUnit);
    for await (const rows of store.market.readRows(series, bounds(selection))) yield rows.map(write).join('');
  }
  return {
    lines,
    async *collectionLines(name, { from = 0, to = Number.MAX_SAFE_INTEGER }, format, timeUnit) {
      const found = await store.workflows.readCollection(name);
      if (found === undefined) throw new AppError('not_found', `There is no collection ${JSON.stringify(name)} in ${dir}.`, { name });
      for (const { series, ...range } of found.selections) {
        yield* lines({ series, from: Math.max(from, range.from), to: Math.min(to, range.to) }, format, timeUnit);
      }
    },
    coverage: (selection) => readCoverage(store.market, parseSeriesId(selection.series), bounds(selection)),
    close: () => store.close(),
  };
}

/** Rows of one request to a host. */
const PAGE_ROWS = 10_000;

function hostSource(): RowSource {
  const client = hostClient();
  return {
    async *lines(selection, format, timeUnit) {
      rowWriter(parseSeriesId(selection.series), format, timeUnit);
      yield* pages(`/series/${encodeURIComponent(selection.series)}/rows`, { ...queryOf(selection), format, time_unit: timeUnit });
    },
    async coverage(selection) {
      const query = new URLSearchParams(queryOf(selection));
      try {
        return await client.get<Coverage>(`/coverage/${encodeURIComponent(selection.series)}?${query}`);
      } catch (error) {
        if (error instanceof AppError && error.code === 'not_found') return undefined;
        throw error;
      }
    },
    async *collectionLines(name, bounds, format, timeUnit) {
      yield* pages(`/collections/${encodeURIComponent(name)}/rows`, { ...queryOf(bounds), format, time_unit: timeUnit });
    },
    async close() {},
  };

  async function* pages(path: string, query: Readonly<Record<string, string>>): AsyncGenerator<string, void, undefined> {
    for (let cursor: string | null = ''; cursor !== null; ) {
      const search = new URLSearchParams({ ...query, limit: String(PAGE_ROWS), ...(cursor === '' ? {} : { cursor }) });
      const page = await client.text(`${path}?${search}`);
      yield page.text;
      cursor = page.headers.get('x-next-cursor');
    }
  }
}

function queryOf({ from, to }: Bounds): Record<string, string> {
  return { ...(from === undefined ? {} : { from: String(from) }), ...(to === undefined ? {} : { to: String(to) }) };
}
