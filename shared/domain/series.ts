import { AppError } from './errors.ts';
import { INTERVALS, type Interval, isInterval } from './interval.ts';

/** The exchanges that the platform knows by name. */
export const EXCHANGES = ['binance', 'bitmex'] as const;
export type ExchangeName = (typeof EXCHANGES)[number];

/**
 * Kinds of rows. `candles` are the exchange's own, `bars` those that we build from trades; `trades` are single fills,
 * `agg-trades` Binance's aggregates (another id space, never mixed with trades).
 */
export const KINDS = ['candles', 'bars', 'trades', 'agg-trades', 'quotes', 'depth', 'tickers'] as const;
export type Kind = (typeof KINDS)[number];

/** One ordered stream of rows of one market. `interval` is there for candles and bars, and only there. */
export interface Series {
  readonly exchange: ExchangeName;
  readonly symbol: string;
  readonly kind: Kind;
  readonly interval?: Interval;
}

const SYMBOL = /^[A-Z0-9_.-]{1,40}$/;

/** Throws `unsupported_symbol` for a symbol with other characters than `[A-Z0-9_.-]`, or longer than 40. */
export function checkSymbol(symbol: string): string {
  if (!SYMBOL.test(symbol)) {
    throw new AppError('unsupported_symbol', `The symbol ${JSON.stringify(symbol)} has characters other than A-Z, 0-9, "_", "." and "-".`, {
      symbol,
    });
  }
  return symbol;
}

/** `exchange:symbol:kind[:interval]`, as in `binance:BTCUSDT:candles:5m`. */
export function seriesId(series: Series): string {
  const base = `${series.exchange}:${series.symbol}:${series.kind}`;
  return series.interval === undefined ? base : `${base}:${series.interval}`;
}

/** Reads a series id. Throws `invalid_request` for anything that is not one, `unsupported_symbol` for its symbol. */
export function parseSeriesId(id: string): Series {
  const [exchange, symbol, kind, interval, ...rest] = id.split(':');
  const bad = (problem: string, allowed: readonly string[]): AppError =>
    new AppError('invalid_request', `${JSON.stringify(id)} is not a series: ${problem}; allowed: ${allowed.join(', ')}.`, { series: id });
  const venue = EXCHANGES.find((name) => name === exchange);
  if (venue === undefined) throw bad(`the exchange ${JSON.stringify(exchange)} is unknown`, EXCHANGES);
  const rowKind = KINDS.find((name) => name === kind);
  if (rowKind === undefined) throw bad(`the kind ${JSON.stringify(kind)} is unknown`, KINDS);
  checkSymbol(symbol ?? '');
  const wantsInterval = rowKind === 'candles' || rowKind === 'bars';
  if (!wantsInterval) {
    if (interval !== undefined) throw bad(`${rowKind} have no interval`, [`${venue}:${symbol}:${rowKind}`]);
    return { exchange: venue, symbol: symbol as string, kind: rowKind };
  }
  if (interval === undefined || !isInterval(interval) || rest.length > 0)
    throw bad(`the interval ${JSON.stringify(interval)} is unknown`, INTERVALS);
  return { exchange: venue, symbol: symbol as string, kind: rowKind, interval };
}

/** True for kinds whose Binance rows carry integer ids that rise by one. */
export function hasIntegerIds(series: Series): boolean {
  return series.exchange === 'binance' && (series.kind === 'trades' || series.kind === 'agg-trades');
}
