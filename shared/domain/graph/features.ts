import type { MarketGrid } from './grid.ts';
import { sixDigits } from './round.ts';

/** Names of the features in the order of `x`. All look back only; logarithms are natural, windows counted in bars. */
export const FEATURE_NAMES = [
  'return_1',
  'return_3',
  'return_12',
  'return_48',
  'volatility_12',
  'volatility_48',
  'volatility_288',
  'range_1',
  'close_position',
  'volume_48',
  'volume_288',
  'trades_48',
  'taker_imbalance',
  'vwap_gap',
  'day_sin',
  'day_cos',
] as const;

/** Changes with the meaning of any feature. */
export const FEATURE_VERSION = '1';

/** Bars that the longest feature looks back: before them windows are shorter than their name says, so training drops them. */
export const WARM_UP_BARS = 288;

const DAY_MS = 86_400_000;
const WIDTH = FEATURE_NAMES.length;
/** Volatility below a hundredth of a basis point is taken as that: the logarithm of a flat market is finite. */
const LEAST_VOLATILITY = 1e-6;
/** A bar without volume counts as a hundredth of the usual volume. */
const LEAST_SHARE = 0.01;

/**
 * Features of every node, row-major `[nodes, 16]`, six significant digits each. The value at bar `t` is made of candles that closed at `t` or before; a field
 * that the source does not give leaves its features at 0; an imputed node has zeros.
 */
export function features(grid: MarketGrid): Float64Array {
  const x = new Float64Array(grid.imputed.length * WIDTH);
  for (let s = 0; s < grid.symbols.length; s++) symbolFeatures(grid, s, x);
  return x;
}

function symbolFeatures(grid: MarketGrid, s: number, x: Float64Array): void {
  const symbols = grid.symbols.length;
  const at = (column: ArrayLike<number>, t: number): number => column[t * symbols + s] as number;
  const real = (t: number): boolean => at(grid.imputed, t) === 0;
  const first = firstBar(grid, s);
  if (first === undefined) return;
  const logClose = logCloses(grid, s, first);
  const squares = trailing(grid.bars, (t) => (t > first ? ((logClose[t] as number) - (logClose[t - 1] as number)) ** 2 : undefined));
  const volumes = trailing(grid.bars, (t) => (real(t) ? at(grid.volume, t) : undefined));
  const trades = trailing(grid.bars, (t) => (real(t) ? knownOrNothing(at(grid.tradeCount, t)) : undefined));
  const change = (t: number, bars: number): number => (logClose[t] as number) - (logClose[Math.max(first, t - bars)] as number);
  const volatility = (t: number, bars: number): number => Math.log(Math.sqrt(Math.max(0, squares(t, bars) ?? 0)) + LEAST_VOLATILITY);
  const share = (value: number, usual: number | undefined): number =>
    Number.isNaN(value) || usual === undefined || usual <= 0 ? 0 : Math.log(value / usual + LEAST_SHARE);

  for (let t = first; t < grid.bars; t++) {
    if (!real(t)) continue;
    const high = at(grid.high, t);
    const low = at(grid.low, t);
    const close = at(grid.close, t);
    const volume = at(grid.volume, t);
    const averagePrice = at(grid.quoteVolume, t) / volume;
    const angle = (2 * Math.PI * ((grid.openTime[t] as number) % DAY_MS)) / DAY_MS;
    const row = [
      change(t, 1),
      change(t, 3),
      change(t, 12),
      change(t, 48),
      volatility(t, 12),
      volatility(t, 48),
      volatility(t, 288),
      high > 0 && low > 0 ? Math.log(high / low) : 0,
      high > low ? (2 * close - high - low) / (high - low) : 0,
      share(volume, volumes(t, 48)),
      share(volume, volumes(t, 288)),
      share(at(grid.tradeCount, t), trades(t, 48)),
      volume > 0 ? orZero((2 * at(grid.takerBuyVolume, t)) / volume - 1) : 0,
      averagePrice > 0 ? orZero(Math.log(close / averagePrice)) : 0,
      Math.sin(angle),
      Math.cos(angle),
    ];
    row.forEach((value, k) => {
      x[(t * symbols + s) * WIDTH + k] = sixDigits(value);
    });
  }
}

/** The first bar of a symbol that has a candle, or undefined. */
export function firstBar(grid: MarketGrid, s: number): number | undefined {
  for (let t = 0; t < grid.bars; t++) if (grid.imputed[t * grid.symbols.length + s] === 0) return t;
  return undefined;
}

/** Logarithms of the closes of one symbol from `first` on; before it 0. */
export function logCloses(grid: MarketGrid, s: number, first: number): Float64Array {
  const logs = new Float64Array(grid.bars);
  for (let t = first; t < grid.bars; t++) logs[t] = Math.log(grid.close[t * grid.symbols.length + s] as number);
  return logs;
}

/** Mean of the known values among the last `bars` bars up to `t`; undefined where none is known. Sums run forward, so no value depends on a later one. */
function trailing(length: number, valueAt: (t: number) => number | undefined): (t: number, bars: number) => number | undefined {
  const sums = new Float64Array(length + 1);
  const counts = new Int32Array(length + 1);
  for (let t = 0; t < length; t++) {
    const value = valueAt(t);
    sums[t + 1] = (sums[t] as number) + (value ?? 0);
    counts[t + 1] = (counts[t] as number) + (value === undefined ? 0 : 1);
  }
  return (t, bars) => {
    const from = Math.max(0, t + 1 - bars);
    const count = (counts[t + 1] as number) - (counts[from] as number);
    return count === 0 ? undefined : ((sums[t + 1] as number) - (sums[from] as number)) / count;
  };
}

function knownOrNothing(value: number): number | undefined {
  return Number.isNaN(value) ? undefined : value;
}

function orZero(value: number): number {
  return Number.isFinite(value) ? value : 0;
}
