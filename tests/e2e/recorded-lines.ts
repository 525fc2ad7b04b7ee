import assert from 'node:assert/strict';
import { parseSeriesId } from '../../shared/domain/series.ts';
import { END, FIRST_DAY, REMOVED, type Recorded, type SourceRow } from './recording-files.ts';

const HOUR = 3_600_000;
const NEW_YEAR = Date.UTC(2025, 0, 1);

/** What of the recordings is asked for: all that is there. */
export const RANGES: Readonly<Record<string, { readonly from: number; readonly to: number }>> = {
  'binance:BTCUSDT:candles:5m': { from: FIRST_DAY, to: END },
  'binance:1000SATSUSDT:candles:15m': { from: FIRST_DAY, to: END },
  'binance:SHIBUSDT:candles:1h': { from: FIRST_DAY, to: END },
  'binance:ETHUSDT:trades': { from: NEW_YEAR - HOUR, to: NEW_YEAR + HOUR },
  'binance:SOLUSDT:agg-trades': { from: REMOVED.from - HOUR / 2, to: REMOVED.to + HOUR / 2 },
};

const rangeOf = (series: string): { time_range: string } => {
  const { from, to } = RANGES[series] ?? { from: 0, to: 0 };
  return { time_range: `${new Date(from).toISOString()}/${new Date(to).toISOString()}` };
};

/** The workflows that load them. */
export const REQUESTS: readonly Readonly<Record<string, unknown>>[] = [
  {
    loads: [
      { symbols: ['BTCUSDT'], types: ['api_candles_5m'] },
      { symbols: ['1000SATSUSDT'], types: ['api_candles_15m'] },
      { symbols: ['SHIBUSDT'], types: ['api_candles_1h'] },
    ],
    time_range: '2024-12-31:2025-01-01',
    collection_name: 'odd_candles',
  },
  { symbol: 'ETHUSDT', type: 'api_trades', ...rangeOf('binance:ETHUSDT:trades') },
  { symbol: 'SOLUSDT', type: 'api_agg_trades', ...rangeOf('binance:SOLUSDT:agg-trades') },
];

/** The column of a series' time, and of a second one where there is one. */
function timeColumns(series: string): readonly number[] {
  const { kind } = parseSeriesId(series);
  return kind === 'candles' ? [0, 6] : kind === 'trades' ? [4] : [5];
}

/** Asserts that lines say the same as the source, number by number in every column; times in `unit`, whatever the source's was. An absent value is empty. */
export function assertSameLines(
  { rows }: Recorded,
  series: string,
  text: string,
  unit: 'ms' | 'us',
  { from = 0, to = Number.POSITIVE_INFINITY } = {},
): void {
  const times = timeColumns(series);
  const [timeColumn = 0, closeColumn] = times;
  const inMs = (time: string | undefined): number => (Number(time) > 1e14 ? Math.floor(Number(time) / 1_000) : Number(time));
  const source = (rows.get(series) ?? []).filter((row) => inMs(row[timeColumn]) >= from && inMs(row[timeColumn]) < to);
  const lines = text.split('\n').slice(0, -1);
  assert.equal(lines.length, source.length, `${series}: lines`);
  const expected = (row: SourceRow, column: number, width: number): string | number => {
    const written = row[column];
    if (column === width - 1 && closeColumn !== undefined) return 0;
    if (column === closeColumn && written === undefined) return closeOf(series, inMs(row[0]), unit);
    if (written === undefined) return '';
    if (/^[TF]/.test(written)) return written;
    if (!times.includes(column)) return Number(written);
    if (unit === 'ms') return inMs(written);
    return Number(written) > 1e14 ? Number(written) : Number(written) * 1_000 + (column === closeColumn ? 999 : 0);
  };
  lines.forEach((line, index) => {
    const columns = line.split(',');
    const row = source[index] ?? [];
    const found = columns.map((text) => (text === '' || /^[TF]/.test(text) ? text : Number(text)));
    assert.deepEqual(
      found,
      columns.map((_, column) => expected(row, column, columns.length)),
      `${series}: line ${index + 1}: ${line}`,
    );
  });
}

/** The last ms (or µs) inside a bucket of a source that does not write it. */
function closeOf(series: string, open: number, unit: 'ms' | 'us'): number {
  const length = series.endsWith('1h') ? HOUR : Number.NaN;
  return unit === 'ms' ? open + length - 1 : (open + length) * 1_000 - 1;
}
