import type { Candle } from '../../../shared/domain/rows.ts';
import { createRng } from '../../../shared/gnn/rng.ts';

/** A seeded market. `lead`: how much of the first symbol's return the others repeat one bar later. `clustering`: how much volatility persists (0: none). */
export interface MarketOptions {
  readonly symbols?: number;
  readonly bars?: number;
  readonly seed?: number;
  readonly lead?: number;
  readonly clustering?: number;
}

export const BAR_MS = 300_000;
/** 2024-08-01T00:00:00Z. */
export const MARKET_START = 1_722_470_400_000;

export const symbolName = (s: number): string => `${'ABCDEFGHIJ'[s]}USDT`;

/**
 * Closed 5m candles of every symbol from `MARKET_START` on. Returns of all symbols but the first share a common shock; the first moves alone, so that
 * only its lead ties it to the others. Nothing of a bar can be told from the bars before it but `lead` and `clustering`.
 */
export function simulateMarket(options: MarketOptions = {}): readonly (readonly Candle[])[] {
  const { symbols = 5, bars = 2_000, seed = 1, lead = 0, clustering = 0 } = options;
  const rng = createRng(seed);
  const candles: Candle[][] = Array.from({ length: symbols }, () => []);
  const close = Array.from({ length: symbols }, (_, s) => 100 * (s + 1));
  const logVolatility = new Float64Array(symbols);
  let leaderReturn = 0;
  for (let t = 0; t < bars; t++) {
    const common = rng.normal();
    const leaderBefore = leaderReturn;
    for (let s = 0; s < symbols; s++) {
      logVolatility[s] = clustering * (logVolatility[s] ?? 0) + Math.sqrt(1 - clustering * clustering) * 0.6 * rng.normal();
      const volatility = 0.001 * Math.exp(clustering === 0 ? 0 : (logVolatility[s] ?? 0));
      const own = rng.normal();
      const step = volatility * (s === 0 ? own : 0.6 * common + 0.8 * own) + (s === 0 ? 0 : lead * leaderBefore);
      if (s === 0) leaderReturn = step;
      const open = close[s] as number;
      const next = open * Math.exp(step);
      close[s] = next;
      candles[s]?.push(aBar(t, open, next, volatility * rng.uniform(), 50 + 100 * rng.uniform()));
    }
  }
  return candles;
}

function aBar(t: number, open: number, close: number, wick: number, volume: number): Candle {
  return {
    open_time: MARKET_START + t * BAR_MS,
    close_time: MARKET_START + (t + 1) * BAR_MS - 1,
    open,
    high: Math.max(open, close) * (1 + wick),
    low: Math.min(open, close) * (1 - wick),
    close,
    volume,
    quote_volume: (volume * (open + close)) / 2,
    trade_count: Math.floor(volume),
    taker_buy_volume: volume / 2,
    taker_buy_quote_volume: (volume * (open + close)) / 4,
    is_closed: true,
  };
}
