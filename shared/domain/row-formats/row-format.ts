import { AppError } from '../errors.ts';
import type { AggTrade, Candle, Row, Trade } from '../rows.ts';
import { type Kind, type Series, seriesId } from '../series.ts';
import { aggTradeLine, candleLine, type TimeUnit, tradeLine } from './archive-csv.ts';

/** Text formats of rows, a line each: Binance's archive CSV, or the row as it is in the contract. */
export const ROW_FORMATS = ['csv', 'ndjson'] as const;
export type RowFormat = (typeof ROW_FORMATS)[number];

/** Media types of the formats. */
export const ROW_MEDIA_TYPES = { csv: 'text/csv; charset=utf-8; header=absent', ndjson: 'application/x-ndjson' } as const satisfies Record<
  RowFormat,
  string
>;

/** Kinds that Binance's archive has, and so a CSV form. */
const CSV_KINDS: readonly Kind[] = ['candles', 'bars', 'trades', 'agg-trades'];

/**
 * Writes rows of a series as lines, each with its line end. `timeUnit` is for CSV; NDJSON has the contract's milliseconds.
 * Throws `invalid_request` for CSV of a kind that has none (quotes, depth, tickers).
 */
export function rowWriter(series: Series, format: RowFormat, timeUnit: TimeUnit = 'ms'): (row: Row) => string {
  if (format === 'ndjson') return (row) => `${JSON.stringify(row)}\n`;
  switch (series.kind) {
    case 'candles':
    case 'bars':
      return (row) => `${candleLine(row as Candle, timeUnit)}\n`;
    case 'trades':
      return (row) => `${tradeLine(row as Trade, timeUnit)}\n`;
    case 'agg-trades':
      return (row) => `${aggTradeLine(row as AggTrade, timeUnit)}\n`;
    default: {
      const fields = [{ path: 'format', problem: `has no form for ${series.kind}`, allowed: `ndjson; csv for ${CSV_KINDS.join(', ')}` }];
      throw new AppError('invalid_request', `${seriesId(series)} has no CSV form: ask for ndjson.`, { fields });
    }
  }
}
