import { nextOpenTime, openTimeFrom } from '../../domain/interval.ts';
import type { TimeRange } from '../../domain/range.ts';
import { checkRow } from '../../domain/row-check.ts';
import type { Candle } from '../../domain/rows.ts';
import type { Series } from '../../domain/series.ts';
import type { RefusedRow } from '../exchange.ts';
import { losesPrecision, readDecimal, wholeMs } from './decimal.ts';
import { scanKlines } from './scan-klines.ts';

/** A kline series: candles always have an interval. */
export type CandleSeries = Series & { readonly interval: NonNullable<Series['interval']> };

/** Candles of one answer inside a window, by rising open time, each once; and the rows that failed their checks. */
export interface CandleRows {
  readonly rows: readonly Candle[];
  readonly refused: readonly RefusedRow[];
}

/**
 * Maps klines (12 columns: open time, open, high, low, close, volume, close time, quote volume, trade count, taker buy base, taker buy quote, unused).
 * `null` means that the source does not give the value: the field is absent. All rows are marked closed: the caller leaves open ones out.
 */
export function mapCandles(series: CandleSeries, raw: readonly unknown[], window: TimeRange): CandleRows {
  const rows: Candle[] = [];
  const refused: RefusedRow[] = [];
  let ordered = true;
  let next = openTimeFrom(series.interval, window.from);
  for (let index = 0; index < raw.length; index += 1) {
    const fields = raw[index] as readonly unknown[];
    const open = wholeMs(Array.isArray(fields) ? fields[0] : undefined);
    const opensAt = Number.isSafeInteger(open) ? open : next;
    if (opensAt < window.from || opensAt >= window.to) continue;
    if (opensAt < next) ordered = false;
    next = nextOpenTime(series.interval, opensAt);
    const row = Array.isArray(fields) ? mapCandle(fields) : undefined;
    const fault =
      row === undefined ? { code: 'row_refused' as const, message: 'it is not a list of columns' } : faultOf(series, fields, row);
    if (fault === undefined) rows.push(row as Candle);
    else refused.push({ index, from: opensAt, to: Math.min(next, window.to), raw: fields, ...fault });
  }
  return { rows: ordered ? rows : inOrder(rows), refused };
}

/** The same for the bytes of a page as it nearly always is: every row whole, inside the window and in order. Undefined for any other page. */
export function scanCandles(series: CandleSeries, body: Uint8Array, window: TimeRange): CandleRows | undefined {
  const rows = scanKlines(body);
  if (rows === undefined) return undefined;
  let next = window.from;
  for (const row of rows) {
    if (row.open_time < next || row.open_time >= window.to || checkRow(series, row) !== undefined) return undefined;
    next = row.close_time + 1;
  }
  return { rows, refused: [] };
}

/** Columns by index: taking a row apart by destructuring goes through its iterator, which is slow for what runs once a row. */
function mapCandle(fields: readonly unknown[]): Candle {
  if (fields[7] === null || fields[8] === null || fields[9] === null || fields[10] === null) return mapSparseCandle(fields);
  return {
    open_time: wholeMs(fields[0]),
    close_time: wholeMs(fields[6]),
    open: readDecimal(fields[1]),
    high: readDecimal(fields[2]),
    low: readDecimal(fields[3]),
    close: readDecimal(fields[4]),
    volume: readDecimal(fields[5]),
    quote_volume: readDecimal(fields[7]),
    trade_count: fields[8] as number,
    taker_buy_volume: readDecimal(fields[9]),
    taker_buy_quote_volume: readDecimal(fields[10]),
    is_closed: true,
  };
}

function mapSparseCandle(fields: readonly unknown[]): Candle {
  return {
    open_time: wholeMs(fields[0]),
    close_time: wholeMs(fields[6]),
    open: readDecimal(fields[1]),
    high: readDecimal(fields[2]),
    low: readDecimal(fields[3]),
    close: readDecimal(fields[4]),
    volume: readDecimal(fields[5]),
    ...(fields[7] === null ? {} : { quote_volume: readDecimal(fields[7]) }),
    ...(fields[8] === null ? {} : { trade_count: fields[8] as number }),
    ...(fields[9] === null ? {} : { taker_buy_volume: readDecimal(fields[9]) }),
    ...(fields[10] === null ? {} : { taker_buy_quote_volume: readDecimal(fields[10]) }),
    is_closed: true,
  };
}

/** Prices must survive exactly; volumes are totals, for which the nearest double is enough. */
function faultOf(series: Series, fields: readonly unknown[], row: Candle): Pick<RefusedRow, 'code' | 'message'> | undefined {
  for (let column = 1; column <= 4; column += 1) {
    if (losesPrecision(fields[column]))
      return { code: 'precision_lost', message: `a price has more than 15 significant digits: ${String(fields[column])}` };
  }
  return checkRow(series, row);
}

function inOrder(rows: readonly Candle[]): Candle[] {
  const sorted = [...rows].sort((a, b) => a.open_time - b.open_time);
  return sorted.filter((row, index) => row.open_time !== sorted[index - 1]?.open_time);
}
