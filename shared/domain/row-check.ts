import type { ErrorCode } from './errors.ts';
import { hasUnverifiedPhase, nextOpenTime, openTimeAt } from './interval.ts';
import type { AggTrade, Candle, Depth, Quote, Row, Ticker, Trade } from './rows.ts';
import type { Series } from './series.ts';

/** Why a row is refused: it alone goes to the dead letters, its hole is `refused`. */
export interface RowFault {
  readonly code: ErrorCode;
  readonly message: string;
}

/** The latest time that the platform takes for a market time: 2200-01-01. A microsecond value read as milliseconds lies far behind it. */
const LATEST_TIME = Date.UTC(2200, 0, 1);

/**
 * Checks one row by hand-written tests (this runs for every row on the way in and in the sink; a schema library would cost more than the write).
 * Returns undefined for a good row.
 */
export function checkRow(series: Series, row: unknown): RowFault | undefined {
  const problem = typeof row === 'object' && row !== null ? problemOf(series, row as Row) : 'it is not an object';
  return problem === undefined ? undefined : { code: 'row_refused', message: problem };
}

function problemOf(series: Series, row: Row): string | undefined {
  switch (series.kind) {
    case 'candles':
    case 'bars':
      return candleProblem(series, row as Candle);
    case 'trades':
      return tradeProblem(series, row as Trade);
    case 'agg-trades':
      return aggTradeProblem(row as AggTrade);
    case 'quotes':
      return quoteProblem(row as Quote);
    case 'depth':
      return depthProblem(row as Depth);
    case 'tickers':
      return tickerProblem(row as Ticker);
    default:
      return `${String(series.kind satisfies never)} is no kind of rows`;
  }
}

const isTime = (value: unknown): boolean => Number.isSafeInteger(value) && (value as number) >= 0 && (value as number) < LATEST_TIME;
const isId = (value: unknown): boolean => Number.isSafeInteger(value) && (value as number) >= 0;
const isPositive = (value: unknown): boolean => typeof value === 'number' && value > 0 && value < Number.POSITIVE_INFINITY;
const isAmount = (value: unknown): boolean => typeof value === 'number' && value >= 0 && value < Number.POSITIVE_INFINITY;
const isAbsentOr = (test: (value: unknown) => boolean, value: unknown): boolean => value === undefined || test(value);

function candleProblem(series: Series, row: Candle): string | undefined {
  const interval = series.interval ?? '1m';
  if (!isTime(row.open_time)) return 'open_time is not a time in ms';
  if (!hasUnverifiedPhase(interval) && openTimeAt(interval, row.open_time) !== row.open_time)
    return `open_time does not open a bucket of ${interval}`;
  if (row.close_time !== nextOpenTime(interval, row.open_time) - 1)
    return `close_time is not the last millisecond of its ${interval} bucket`;
  if (!isPositive(row.open) || !isPositive(row.high) || !isPositive(row.low) || !isPositive(row.close))
    return 'a price is not a positive number';
  if (row.high < row.open || row.high < row.close || row.high < row.low) return 'high is not the highest price';
  if (row.low > row.open || row.low > row.close) return 'low is not the lowest price';
  if (!isAmount(row.volume)) return 'volume is not a number of at least 0';
  if (!isAbsentOr(isAmount, row.quote_volume)) return 'quote_volume is not a number of at least 0';
  if (!isAbsentOr(isId, row.trade_count)) return 'trade_count is not a whole number of at least 0';
  if (!isAbsentOr(isAmount, row.taker_buy_volume)) return 'taker_buy_volume is not a number of at least 0';
  if (!isAbsentOr(isAmount, row.taker_buy_quote_volume)) return 'taker_buy_quote_volume is not a number of at least 0';
  if (typeof row.is_closed !== 'boolean') return 'is_closed is not true or false';
  if (!isAbsentOr(isId, row.first_trade_id) || !isAbsentOr(isId, row.last_trade_id)) return 'first_trade_id or last_trade_id is not an id';
  return undefined;
}

function fillProblem(row: Trade | AggTrade): string | undefined {
  if (!isTime(row.time)) return 'time is not a time in ms';
  if (row.time_us !== undefined && !(Number.isInteger(row.time_us) && row.time_us >= 1 && row.time_us <= 999))
    return 'time_us is not 1 to 999';
  if (!isPositive(row.price)) return 'price is not a positive number';
  if (!isPositive(row.quantity)) return 'quantity is not a positive number';
  if (row.side !== 'buy' && row.side !== 'sell') return 'side is neither buy nor sell';
  return undefined;
}

function tradeProblem(series: Series, row: Trade): string | undefined {
  const goodId = series.exchange === 'binance' ? isId(row.id) : typeof row.id === 'string' && row.id.length > 0 && row.id.length <= 64;
  if (!goodId) return 'id is not an id of this exchange';
  if (!isAbsentOr(isAmount, row.quote_quantity)) return 'quote_quantity is not a number of at least 0';
  if (row.is_best_match !== undefined && typeof row.is_best_match !== 'boolean') return 'is_best_match is not true or false';
  if (!isAbsentOr(isAmount, row.contracts)) return 'contracts is not a number of at least 0';
  return fillProblem(row);
}

function aggTradeProblem(row: AggTrade): string | undefined {
  if (!isId(row.id)) return 'id is not an id';
  if (!isId(row.first_trade_id) || !isId(row.last_trade_id) || row.last_trade_id < row.first_trade_id)
    return 'first_trade_id and last_trade_id are not a range of ids';
  return fillProblem(row);
}

function quoteProblem(row: Quote): string | undefined {
  if (!isTime(row.time)) return 'time is not a time in ms';
  if (row.time_source !== 'exchange' && row.time_source !== 'receipt') return 'time_source is neither exchange nor receipt';
  if (!isAbsentOr(isId, row.update_id)) return 'update_id is not an id';
  if (!isPositive(row.bid_price) || !isPositive(row.ask_price)) return 'a price is not a positive number';
  if (!isAmount(row.bid_quantity) || !isAmount(row.ask_quantity)) return 'a quantity is not a number of at least 0';
  return undefined;
}

function depthProblem(row: Depth): string | undefined {
  if (!isTime(row.time)) return 'time is not a time in ms';
  if (!isId(row.first_update_id) || !isId(row.last_update_id)) return 'an update id is not an id';
  if (typeof row.snapshot !== 'boolean') return 'snapshot is not true or false';
  if (!isAbsentOr(isId, row.part) || !isAbsentOr(isId, row.parts)) return 'part or parts is not a whole number';
  const goodSide = (side: unknown): boolean =>
    Array.isArray(side) &&
    side.every((level: unknown) => Array.isArray(level) && level.length === 2 && isPositive(level[0]) && isAmount(level[1]));
  return goodSide(row.bids) && goodSide(row.asks) ? undefined : 'bids or asks are not [price, quantity] pairs';
}

function tickerProblem(row: Ticker): string | undefined {
  if (!isTime(row.time)) return 'time is not a time in ms';
  for (const field of ['last_price', 'weighted_average_price', 'open', 'high', 'low', 'volume', 'quote_volume'] as const) {
    if (!isAmount(row[field])) return `${field} is not a number of at least 0`;
  }
  if (!Number.isFinite(row.price_change) || !Number.isFinite(row.price_change_percent))
    return 'price_change or price_change_percent is not a number';
  return isId(row.trade_count) ? undefined : 'trade_count is not a whole number of at least 0';
}
