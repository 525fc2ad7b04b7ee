import { type CandleInterval, isCandleInterval } from '../buckets.ts';

/** What the name of a recorded file says. */
export interface FileName {
  readonly symbol: string | undefined;
  readonly interval: CandleInterval | undefined;
}

/** The exchange's archive spells a month `1mo`. */
const NAMED_INTERVAL = /^([^-]+?)[-_](1s|1m|3m|5m|15m|30m|1h|2h|4h|6h|8h|12h|1d|3d|1w|1M|1mo)(?=[-_.]|$)/;

/** Longest first where one ends another. */
const QUOTE_ASSETS = [
  'FDUSD',
  'USDT',
  'USDC',
  'TUSD',
  'BUSD',
  'USDS',
  'USD',
  'DAI',
  'EUR',
  'GBP',
  'TRY',
  'BRL',
  'JPY',
  'BTC',
  'ETH',
  'BNB',
  'TRX',
];

/** Reads `BTCUSDT-5m-2024-12.csv`, `BTC_USDT-5m.json.gz`, `ETHUSDT-aggTrades-2024-08-01.csv`. */
export function readFileName(name: string): FileName {
  const match = NAMED_INTERVAL.exec(name);
  const words = match?.[1] ?? name.split(/[-.]/, 1)[0] ?? '';
  const symbol = words.replaceAll('_', '').toUpperCase();
  const interval = match?.[2] === '1mo' ? '1M' : match?.[2];
  return {
    symbol: /^[A-Z0-9]{3,20}$/.test(symbol) ? symbol : undefined,
    interval: interval !== undefined && isCandleInterval(interval) ? interval : undefined,
  };
}

/** Base and quote asset of a symbol, by the quote assets that the exchange trades in; the whole as base where none ends it. */
export function splitSymbol(symbol: string): { readonly base: string; readonly quote: string } {
  const quote = QUOTE_ASSETS.find((asset) => symbol.endsWith(asset) && symbol.length > asset.length) ?? '';
  return { base: symbol.slice(0, symbol.length - quote.length), quote };
}
