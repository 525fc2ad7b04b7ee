/** One synthetic market: what it trades in, how much, and since when. */
export interface Listing {
  readonly baseAsset: string;
  readonly quoteAsset: string;
  /** Decimals of a price and its smallest step, counted in that last decimal: 0.0005 is `{decimals: 4, step: 5}`. */
  readonly price: { readonly decimals: number; readonly step: number };
  readonly quantity: { readonly decimals: number; readonly step: number };
  /** Price that the market keeps coming back to, in quote units. */
  readonly level: number;
  /** Standard deviation of a day's log return. */
  readonly dailyVolatility: number;
  /** Aggregate trades a day: between these, a multiple of eight. */
  readonly aggregatesPerDay: readonly [least: number, most: number];
  /** Mean quantity of a fill, in quantity steps. */
  readonly meanFill: number;
  /** Part of the minutes without a trade. */
  readonly quietMinutes: number;
  /** First millisecond of trading; the market's own beginning unless said. */
  readonly listedAt?: number;
  /** First millisecond without trading: the symbol's status is then BREAK. */
  readonly endedAt?: number;
}

/** The synthetic market's beginning: 2022-01-01T00:00:00Z. */
export const MARKET_BEGIN = Date.UTC(2022, 0, 1);

/** Where the synthetic clock starts: ten seconds into 2027, so that every month before is whole and closed. */
export const MARKET_NOW = Date.UTC(2027, 0, 1) + 10_000;

/** The symbol whose moves the others repeat later. */
export const LEADER = 'BTCUSDT';

/** The symbol that has a burst of trades in a single millisecond on the 15th of each month at 12:00 UTC. */
export const BURST_SYMBOL = 'XRPUSDT';

/** A price and a quantity together have at most eight decimals, so that a quote volume prints without rounding, as the exchange's do. */
export const LISTINGS: readonly Listing[] = [
  {
    baseAsset: 'BTC',
    quoteAsset: 'USDT',
    price: { decimals: 2, step: 1 },
    quantity: { decimals: 5, step: 1 },
    level: 46_000,
    dailyVolatility: 0.03,
    aggregatesPerDay: [6_800, 8_000],
    meanFill: 2_000,
    quietMinutes: 0.01,
  },
  {
    baseAsset: 'ETH',
    quoteAsset: 'USDT',
    price: { decimals: 2, step: 1 },
    quantity: { decimals: 4, step: 1 },
    level: 2_600,
    dailyVolatility: 0.036,
    aggregatesPerDay: [3_600, 4_400],
    meanFill: 3_000,
    quietMinutes: 0.02,
  },
  {
    baseAsset: 'SOL',
    quoteAsset: 'USDT',
    price: { decimals: 2, step: 1 },
    quantity: { decimals: 3, step: 1 },
    level: 110,
    dailyVolatility: 0.048,
    aggregatesPerDay: [2_400, 3_000],
    meanFill: 12_000,
    quietMinutes: 0.04,
  },
  {
    baseAsset: 'ADA',
    quoteAsset: 'USDT',
    price: { decimals: 4, step: 1 },
    quantity: { decimals: 1, step: 1 },
    level: 0.62,
    dailyVolatility: 0.042,
    aggregatesPerDay: [1_600, 2_000],
    meanFill: 9_000,
    quietMinutes: 0.08,
  },
  {
    baseAsset: 'XRP',
    quoteAsset: 'USDT',
    price: { decimals: 4, step: 1 },
    quantity: { decimals: 0, step: 1 },
    level: 0.74,
    dailyVolatility: 0.04,
    aggregatesPerDay: [1_800, 2_200],
    meanFill: 1_200,
    quietMinutes: 0.06,
  },
  {
    baseAsset: 'BNB',
    quoteAsset: 'USDT',
    price: { decimals: 1, step: 1 },
    quantity: { decimals: 3, step: 1 },
    level: 420,
    dailyVolatility: 0.034,
    aggregatesPerDay: [1_400, 1_800],
    meanFill: 900,
    quietMinutes: 0.08,
  },
  {
    baseAsset: 'LINK',
    quoteAsset: 'USDT',
    price: { decimals: 3, step: 1 },
    quantity: { decimals: 2, step: 1 },
    level: 14,
    dailyVolatility: 0.045,
    aggregatesPerDay: [800, 1_200],
    meanFill: 3_000,
    quietMinutes: 0.15,
    listedAt: Date.UTC(2023, 5, 15, 9, 30),
  },
  {
    baseAsset: 'PEPE',
    quoteAsset: 'USDT',
    price: { decimals: 8, step: 1 },
    quantity: { decimals: 0, step: 1 },
    level: 0.000_012_3,
    dailyVolatility: 0.06,
    aggregatesPerDay: [1_000, 1_400],
    meanFill: 8_000_000,
    quietMinutes: 0.1,
    listedAt: Date.UTC(2024, 4, 7, 16),
  },
  {
    baseAsset: 'WAVES',
    quoteAsset: 'USDT',
    price: { decimals: 4, step: 5 },
    quantity: { decimals: 2, step: 25 },
    level: 2.4,
    dailyVolatility: 0.05,
    aggregatesPerDay: [400, 640],
    meanFill: 160,
    quietMinutes: 0.35,
    endedAt: Date.UTC(2024, 5, 17, 3),
  },
];
