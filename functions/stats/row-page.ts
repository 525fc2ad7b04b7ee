import type { TimeUnit } from '../../shared/domain/row-formats/archive-csv.ts';
import { ROW_MEDIA_TYPES, type RowFormat, rowWriter } from '../../shared/domain/row-formats/row-format.ts';
import { rowKey } from '../../shared/domain/row-key.ts';
import type { Row } from '../../shared/domain/rows.ts';
import { hasIntegerIds, type Series, seriesId } from '../../shared/domain/series.ts';
import type { HttpResponse } from '../../shared/runtime/define-function.ts';
import type { MarketStore, RowQuery } from '../../shared/store/market-store.ts';
import { refused } from './read-input.ts';

/** Rows that are made into text at a time: some 100 KiB, a few milliseconds. */
const ROWS_A_CHUNK = 500;
/** Unless the caller says another number. */
export const DEFAULT_LIMIT = 1_000;

/** At most `limit` rows of one series, and the key behind which the next ones begin, absent where there are none. */
export interface RowPage {
  readonly series: Series;
  readonly rows: readonly Row[];
  readonly next?: string;
}

/** Reads one page: one row more than asked tells whether there is another page. Throws `invalid_request` for a cursor that is no row key. */
export async function readPage(market: MarketStore, series: Series, query: RowQuery, limit: number, signal: AbortSignal): Promise<RowPage> {
  const { after } = query;
  if (after !== undefined && !isRowKey(series, after)) {
    throw refused({ path: 'cursor', problem: 'is not a cursor of this series', allowed: 'the cursor of the answer before' });
  }
  const rows: Row[] = [];
  for await (const page of market.readRows(series, { ...query, limit: limit + 1 }, signal)) rows.push(...page);
  if (rows.length <= limit) return { series, rows };
  rows.length = limit;
  return { series, rows, next: rowKey(series, rows.at(-1) as Row) };
}

function isRowKey(series: Series, key: string): boolean {
  const whole = series.kind === 'candles' || series.kind === 'bars' || series.kind === 'tickers' || hasIntegerIds(series);
  return whole ? /^\d{1,16}$/.test(key) : /^[\w:-]{1,100}$/.test(key);
}

/** How rows are to be written. */
export interface RowsForm {
  readonly format: RowFormat | 'json';
  readonly timeUnit: TimeUnit;
}

/**
 * Rows as an answer, written while they are sent. JSON is `{series, rows, cursor?}` with `extra` in front; the other formats have the series and the
 * cursor in the headers `x-series` and `x-next-cursor`, which JSON has too.
 */
export function answerRows(
  page: RowPage,
  cursor: string | undefined,
  form: RowsForm,
  extra: Readonly<Record<string, string>> = {},
): HttpResponse {
  const id = seriesId(page.series);
  const headers = { 'x-series': id, ...(cursor === undefined ? {} : { 'x-next-cursor': cursor }) };
  if (form.format === 'json') {
    const head = JSON.stringify({ ...extra, series: id });
    const tail = cursor === undefined ? ']}' : `],"cursor":${JSON.stringify(cursor)}}`;
    return {
      status: 200,
      headers: { ...headers, 'content-type': 'application/json; charset=utf-8' },
      stream: jsonChunks(page.rows, `${head.slice(0, -1)},"rows":[`, tail),
    };
  }
  const write = rowWriter(page.series, form.format, form.timeUnit);
  return { status: 200, headers: { ...headers, 'content-type': ROW_MEDIA_TYPES[form.format] }, stream: lineChunks(page.rows, write) };
}

async function* jsonChunks(rows: readonly Row[], head: string, tail: string): AsyncGenerator<string, void, undefined> {
  yield head;
  for (let start = 0; start < rows.length; start += ROWS_A_CHUNK) {
    yield (start === 0 ? '' : ',') + JSON.stringify(rows.slice(start, start + ROWS_A_CHUNK)).slice(1, -1);
  }
  yield tail;
}

async function* lineChunks(rows: readonly Row[], write: (row: Row) => string): AsyncGenerator<string, void, undefined> {
  for (let start = 0; start < rows.length; start += ROWS_A_CHUNK) {
    yield rows
      .slice(start, start + ROWS_A_CHUNK)
      .map(write)
      .join('');
  }
}
