import { AppError } from '../errors.ts';
import type { Candle } from '../rows.ts';

/** The columns of a candle table. An absent field is NaN. */
export const CANDLE_COLUMNS = [
  'open_time',
  'close_time',
  'open',
  'high',
  'low',
  'close',
  'volume',
  'quote_volume',
  'trade_count',
  'taker_buy_volume',
  'taker_buy_quote_volume',
] as const satisfies readonly (keyof Candle)[];
export type CandleColumn = (typeof CANDLE_COLUMNS)[number];

const WIDTH = CANDLE_COLUMNS.length;

/**
 * Closed candles of one series in the order of their open times, as numbers side by side (row-major, one row a candle): what travels to another thread, and
 * what the identity of a graph is taken from. `revision` and provenance stay outside: they say how a row came, not what it is.
 */
export type CandleTable = Float64Array;

/** Throws `rows_missing` for a candle that is still open: it is not the row that was proven. */
export function candleTable(candles: readonly Candle[]): CandleTable {
  const table = new Float64Array(candles.length * WIDTH);
  candles.forEach((candle, row) => {
    if (!candle.is_closed) {
      throw new AppError('rows_missing', `The candle of ${new Date(candle.open_time).toISOString()} is still open; load the range again.`, {
        open_time: candle.open_time,
      });
    }
    CANDLE_COLUMNS.forEach((column, k) => {
      table[row * WIDTH + k] = candle[column] ?? Number.NaN;
    });
  });
  return table;
}

/** Pages of one series as one table. */
export function joinTables(pages: readonly CandleTable[]): CandleTable {
  const joined = new Float64Array(pages.reduce((sum, page) => sum + page.length, 0));
  let at = 0;
  for (const page of pages) {
    joined.set(page, at);
    at += page.length;
  }
  return joined;
}

export function candleCount(table: CandleTable): number {
  return table.length / WIDTH;
}

/** One field of one candle; NaN where it is absent. */
export function candleField(table: CandleTable, row: number, column: CandleColumn): number {
  return table[row * WIDTH + CANDLE_COLUMNS.indexOf(column)] as number;
}
