import { fixedLengthMs, MINUTE_MS } from '../buckets.ts';
import { addDecimals, compareDecimals, type Decimal, parseDecimal, printDecimal } from '../decimal.ts';
import type { CandleFacts, SymbolMarket } from '../market.ts';

/** What a symbol did between two moments, summed from its finest candles of a minute or more. Decimals are printed; times are epoch ms. */
export interface WindowSums {
  /** `undefined` where nothing was traded. */
  readonly prices: { readonly open: string; readonly high: string; readonly low: string; readonly close: string } | undefined;
  readonly volume: Decimal;
  readonly quoteVolume: Decimal;
  readonly tradeCount: number;
  /** First and last trade id, -1 where there is none or none is known. */
  readonly firstId: number;
  readonly lastId: number;
}

const ZERO: Decimal = { units: 0n, decimals: 0 };

/** Sums `[fromMs, now]`, the candle that is forming included. `fromMs` should be on a bucket's border: a candle counts where it opens. */
export function sumWindow(market: SymbolMarket, fromMs: number, now: number): WindowSums {
  let [volume, quoteVolume, tradeCount] = [ZERO, ZERO, 0];
  let [open, high, low, close]: (Decimal | undefined)[] = [];
  for (const row of candlesOf(market, fromMs, now)) {
    const base = parseDecimal(row.volume) ?? ZERO;
    if (base.units === 0n) continue;
    const [rowOpen, rowHigh, rowLow] = [parseDecimal(row.open), parseDecimal(row.high), parseDecimal(row.low)];
    open ??= rowOpen;
    if (rowHigh !== undefined && (high === undefined || compareDecimals(rowHigh, high) > 0)) high = rowHigh;
    if (rowLow !== undefined && (low === undefined || compareDecimals(rowLow, low) < 0)) low = rowLow;
    close = parseDecimal(row.close);
    volume = addDecimals(volume, base);
    quoteVolume = addDecimals(quoteVolume, parseDecimal(row.quoteVolume ?? '0') ?? ZERO);
    tradeCount += row.tradeCount ?? 0;
  }
  const prices =
    open && high && low && close
      ? { open: printDecimal(open), high: printDecimal(high), low: printDecimal(low), close: printDecimal(close) }
      : undefined;
  return { prices, volume, quoteVolume, tradeCount, ...tradeIds(market, fromMs, now) };
}

/** Close of the newest candle with a trade, as printed; zero before the first. */
export function lastPrice(market: SymbolMarket, now: number): string {
  const count = market.trades?.countUntil(now * 1_000 + 999) ?? 0;
  if (count > 0) return market.trades?.facts(count - 1, count)[0]?.price ?? printDecimal(ZERO);
  const table = market.finestInterval === undefined ? undefined : market.candles(market.finestInterval);
  const opened = table?.indexFrom(now + 1) ?? 0;
  return opened > 0 ? (table?.asOf(opened - 1, now).close ?? printDecimal(ZERO)) : printDecimal(ZERO);
}

/** The start of the finest candle at or after `time`. */
export function windowStart(market: SymbolMarket, time: number): number {
  const length = windowLength(market);
  return Math.ceil(time / length) * length;
}

function windowLength(market: SymbolMarket): number {
  const finest = market.finestInterval === undefined ? undefined : fixedLengthMs(market.finestInterval);
  return Math.max(MINUTE_MS, finest ?? MINUTE_MS);
}

function candlesOf(market: SymbolMarket, fromMs: number, now: number): CandleFacts[] {
  const finest = market.finestInterval;
  if (finest === undefined) return [];
  const table = market.candles(finest === '1s' ? '1m' : finest);
  if (table === undefined) return [];
  const from = table.indexFrom(fromMs);
  const opened = table.indexFrom(now + 1);
  if (from >= opened) return [];
  const isForming = table.nextOpenOf(opened - 1) > now;
  const rows = table.facts(from, isForming ? opened - 1 : opened);
  return isForming ? [...rows, table.asOf(opened - 1, now)] : rows;
}

function tradeIds(market: SymbolMarket, fromMs: number, now: number): { firstId: number; lastId: number } {
  const table = market.trades;
  const [from, to] = table === undefined ? [0, 0] : [table.countUntil(fromMs * 1_000 - 1), table.countUntil(now * 1_000 + 999)];
  if (table === undefined || from >= to) return { firstId: -1, lastId: -1 };
  return { firstId: table.facts(from, from + 1)[0]?.id ?? -1, lastId: table.facts(to - 1, to)[0]?.id ?? -1 };
}
