import type { AggTrade, Candle, Trade } from '../rows.ts';
import { plainDecimal } from './plain-decimal.ts';

/** Unit of the times in a CSV file. Binance's archive has milliseconds up to 2024 and microseconds since (binance-public-data, 2025-01-01). */
export const TIME_UNITS = ['ms', 'us'] as const;
export type TimeUnit = (typeof TIME_UNITS)[number];

/** An absent value is empty, never 0. */
function number(value: number | undefined): string {
  return value === undefined ? '' : plainDecimal(value);
}

function time(ms: number, below: number, unit: TimeUnit): string {
  return unit === 'ms' ? String(ms) : plainDecimal(ms * 1_000 + below);
}

/**
 * A candle as a line of Binance's archive, without line end: open time, open, high, low, close, volume, close time, quote volume, trade count, taker buy
 * volume, taker buy quote volume, and the column that Binance does not use, 0. In microseconds a close time is the last one inside the bucket (…999999).
 */
export function candleLine(row: Candle, unit: TimeUnit): string {
  const { open_time, open, high, low, close, volume, close_time, quote_volume, trade_count, taker_buy_volume, taker_buy_quote_volume } =
    row;
  const prices = `${plainDecimal(open)},${plainDecimal(high)},${plainDecimal(low)},${plainDecimal(close)},${plainDecimal(volume)}`;
  const totals = `${number(quote_volume)},${number(trade_count)},${number(taker_buy_volume)},${number(taker_buy_quote_volume)}`;
  return `${time(open_time, 0, unit)},${prices},${time(close_time, 999, unit)},${totals},0`;
}

/** A trade as a line of Binance's archive: id, price, quantity, quote quantity, time, whether the buyer is the maker, whether it was the best match. */
export function tradeLine(row: Trade, unit: TimeUnit): string {
  const { id, price, quantity, quote_quantity, side, is_best_match } = row;
  const bestMatch = is_best_match === undefined ? '' : truth(is_best_match);
  const at = time(row.time, row.time_us ?? 0, unit);
  return `${id},${plainDecimal(price)},${plainDecimal(quantity)},${number(quote_quantity)},${at},${truth(side === 'sell')},${bestMatch}`;
}

/**
 * An aggregate trade as a line of Binance's archive: id, price, quantity, first trade id, last trade id, time, whether the buyer is the maker, and the
 * column that Binance names `M` and tells readers to ignore: always `True`.
 */
export function aggTradeLine(row: AggTrade, unit: TimeUnit): string {
  const { id, price, quantity, first_trade_id, last_trade_id, side } = row;
  const at = time(row.time, row.time_us ?? 0, unit);
  return `${id},${plainDecimal(price)},${plainDecimal(quantity)},${first_trade_id},${last_trade_id},${at},${truth(side === 'sell')},True`;
}

/** Booleans as the archive writes them. */
function truth(value: boolean): string {
  return value ? 'True' : 'False';
}
