import { DAY_MS, MINUTE_MS } from '../buckets.ts';
import { type Decimal, parseDecimal, printDecimal } from '../decimal.ts';
import type { SymbolMarket } from '../market.ts';
import { badCombination, invalidValue, missingParameter } from './api-error.ts';
import { type Call, type Endpoint, printTime } from './call.ts';
import { lastPrice, sumWindow, type WindowSums, windowStart } from './window.ts';

const NO_PRICE = '0.00000000';
/** Digits of a quotient that the exchange prints: percents have three decimals, prices eight. */
const PERCENT_DECIMALS = 3;
const PRICE_DECIMALS = 8;
const MOST_SYMBOLS = 100;
const WEIGHT_CAP = 200;
const WINDOW = /^(?:([1-9]|[1-5]\d)m|([1-9]|1\d|2[0-3])h|([1-7])d)$/;

/** One object for `symbol`, an array for `symbols` or for none. */
function forEach(call: Call, describe: (market: SymbolMarket) => Record<string, unknown>, isNeeded = false): string {
  const { parameters } = call;
  if (parameters.has('symbol') && parameters.has('symbols')) throw badCombination();
  if (parameters.has('symbol')) return JSON.stringify(describe(parameters.symbol()));
  const listed = parameters.symbols();
  if (listed === undefined && isNeeded) throw missingParameter('symbol');
  if (listed !== undefined && listed.length > MOST_SYMBOLS) throw invalidValue('symbols');
  return JSON.stringify((listed ?? parameters.everySymbol()).map(describe));
}

/** `GET ticker/price`: the last price. */
export const tickerPrice: Endpoint = {
  parameters: ['symbol', 'symbols', 'symbolStatus'],
  weight: (query) => (query.has('symbol') ? 2 : 4),
  answer: (call) => forEach(call, (market) => ({ symbol: market.symbol, price: lastPrice(market, call.now) })),
};

/** `GET ticker/bookTicker`: the best bid and ask. */
export const tickerBook: Endpoint = {
  parameters: ['symbol', 'symbols', 'symbolStatus'],
  weight: (query) => (query.has('symbol') ? 2 : 4),
  answer: (call) => forEach(call, (market) => ({ symbol: market.symbol, ...bestQuotes(market, call.now) })),
};

/** `GET ticker/24hr`: the last 24 hours. */
export const ticker24hr: Endpoint = {
  parameters: ['symbol', 'symbols', 'type', 'symbolStatus'],
  weight(query) {
    if (query.has('symbol')) return 2;
    const count = query.has('symbols') ? countSymbols(query) : Number.POSITIVE_INFINITY;
    return count <= 20 ? 2 : count <= 100 ? 40 : 80;
  },
  answer(call) {
    const isMini = readType(call) === 'MINI';
    return forEach(call, (market) => describeDay(call, market, isMini));
  },
};

/** `GET ticker`: a rolling window that begins on a minute. */
export const tickerWindow: Endpoint = {
  parameters: ['symbol', 'symbols', 'windowSize', 'type', 'symbolStatus'],
  weight: weightBySymbol,
  answer(call) {
    const match = WINDOW.exec(call.parameters.text('windowSize') ?? '1d');
    if (match === null) throw invalidValue('windowSize');
    const length = Number(match[1] ?? 0) * MINUTE_MS + Number(match[2] ?? 0) * 60 * MINUTE_MS + Number(match[3] ?? 0) * DAY_MS;
    const isMini = readType(call) === 'MINI';
    const from = Math.floor((call.now - length) / MINUTE_MS) * MINUTE_MS;
    return forEach(call, (market) => describeWindow(call, market, from, call.now, isMini), true);
  },
};

/** `GET ticker/tradingDay`: the day so far, of a time zone. */
export const tickerTradingDay: Endpoint = {
  parameters: ['symbol', 'symbols', 'timeZone', 'type', 'symbolStatus'],
  weight: weightBySymbol,
  answer(call) {
    const shift = call.parameters.timeZoneMs();
    const from = Math.floor((call.now + shift) / DAY_MS) * DAY_MS - shift;
    const isMini = readType(call) === 'MINI';
    return forEach(call, (market) => describeWindow(call, market, from, from + DAY_MS - 1, isMini), true);
  },
};

const AVERAGE_MINUTES = 5;

/** `GET avgPrice`: quote volume by volume of the last five minutes. */
export const avgPrice: Endpoint = {
  parameters: ['symbol'],
  weight: () => 2,
  answer(call) {
    const market = call.parameters.symbol();
    const sums = sumWindow(market, windowStart(market, call.now - AVERAGE_MINUTES * MINUTE_MS), call.now);
    const isKnown = sums.volume.units > 0n && sums.quoteVolume.units > 0n;
    const price = isKnown ? divide(sums.quoteVolume, sums.volume, PRICE_DECIMALS) : lastPrice(market, call.now);
    return JSON.stringify({ mins: AVERAGE_MINUTES, price, closeTime: printTime(call, call.now) });
  },
};

function readType(call: Call): 'FULL' | 'MINI' {
  const type = call.parameters.text('type') ?? 'FULL';
  if (type !== 'FULL' && type !== 'MINI') throw invalidValue('type');
  return type;
}

function countSymbols(query: URLSearchParams): number {
  return (query.get('symbols') ?? '').split(',').length;
}

function weightBySymbol(query: URLSearchParams): number {
  return Math.min(WEIGHT_CAP, 4 * (query.has('symbols') ? countSymbols(query) : 1));
}

function bestQuotes(market: SymbolMarket, now: number): Record<string, string> {
  const book = market.book(now, 1);
  const [bid, ask] = [book.bids[0], book.asks[0]];
  return {
    bidPrice: bid?.[0] ?? NO_PRICE,
    bidQty: bid?.[1] ?? NO_PRICE,
    askPrice: ask?.[0] ?? NO_PRICE,
    askQty: ask?.[1] ?? NO_PRICE,
  };
}

/** The last 24 hours, from the first whole minute in them. */
function describeDay(call: Call, market: SymbolMarket, isMini: boolean): Record<string, unknown> {
  const from = windowStart(market, call.now - DAY_MS);
  if (isMini) return describeWindow(call, market, from, call.now, true);
  const { now } = call;
  const trades = market.trades;
  const count = trades?.countUntil(now * 1_000 + 999) ?? 0;
  const lastQuantity = count > 0 ? trades?.facts(count - 1, count)[0]?.quantity : undefined;
  const {
    symbol,
    priceChange,
    priceChangePercent,
    weightedAvgPrice,
    lastPrice: last,
    ...rest
  } = describeWindow(call, market, from, now, false);
  return {
    symbol,
    priceChange,
    priceChangePercent,
    weightedAvgPrice,
    prevClosePrice: lastPrice(market, from - 1),
    lastPrice: last,
    lastQty: lastQuantity ?? NO_PRICE,
    ...bestQuotes(market, now),
    ...rest,
  };
}

function describeWindow(call: Call, market: SymbolMarket, from: number, closeTime: number, isMini: boolean): Record<string, unknown> {
  const sums = sumWindow(market, from, call.now);
  const last = sums.prices?.close ?? lastPrice(market, call.now);
  const change = isMini ? {} : changeOf(sums);
  return {
    symbol: market.symbol,
    ...change,
    openPrice: sums.prices?.open ?? last,
    highPrice: sums.prices?.high ?? last,
    lowPrice: sums.prices?.low ?? last,
    lastPrice: last,
    volume: printDecimal(sums.volume),
    quoteVolume: printDecimal(sums.quoteVolume),
    openTime: printTime(call, from),
    closeTime: printTime(call, closeTime),
    firstId: sums.firstId,
    lastId: sums.lastId,
    count: sums.tradeCount,
  };
}

function changeOf(sums: WindowSums): Record<string, string> {
  const [open, close] = [parseDecimal(sums.prices?.open ?? '0'), parseDecimal(sums.prices?.close ?? '0')];
  if (open === undefined || close === undefined || open.units === 0n) {
    return { priceChange: NO_PRICE, priceChangePercent: '0.000', weightedAvgPrice: NO_PRICE };
  }
  const decimals = Math.max(open.decimals, close.decimals);
  const scaled = (value: Decimal): bigint => value.units * 10n ** BigInt(decimals - value.decimals);
  const difference: Decimal = { units: scaled(close) - scaled(open), decimals };
  return {
    priceChange: printDecimal(difference),
    priceChangePercent: divide({ ...difference, units: difference.units * 100n }, open, PERCENT_DECIMALS),
    weightedAvgPrice: divide(sums.quoteVolume, sums.volume, PRICE_DECIMALS),
  };
}

/** `a / b`, rounded half away from zero to exactly `decimals` decimals. */
function divide(a: Decimal, b: Decimal, decimals: number): string {
  const top = a.units * 10n ** BigInt(decimals + b.decimals);
  const bottom = b.units * 10n ** BigInt(a.decimals);
  if (bottom === 0n) return `0.${'0'.repeat(decimals)}`;
  const isNegative = top < 0n;
  const size = isNegative ? -top : top;
  const digits = ((size * 2n + bottom) / (bottom * 2n)).toString().padStart(decimals + 1, '0');
  return `${isNegative ? '-' : ''}${digits.slice(0, -decimals)}.${digits.slice(-decimals)}`;
}
