import { createEdgeBuffer, EDGE_COLUMNS, type EdgeTable } from './edge-table.ts';
import { firstBar, logCloses, WARM_UP_BARS } from './features.ts';
import type { GraphParams } from './graph.ts';
import type { MarketGrid } from './grid.ts';
import { sixDigits } from './round.ts';

const DAY_MS = 86_400_000;
/** By how many bars a leader leads: its return is held against the other's next one. */
const LEAD_BARS = 1;

interface Ranking {
  /** Newest bar that went in. */
  readonly asOf: number;
  readonly bars: number;
  /** For each receiving symbol: its senders, by symbol. */
  readonly senders: readonly (readonly { readonly symbol: number; readonly rho: number }[])[];
}

/**
 * `corr`: from the `corr_top` symbols whose returns correlated most with the receiver's (by amount) over the `corr_window` bars before the receiver's UTC day,
 * at the same close.
 */
export function corrEdges(grid: MarketGrid, params: GraphParams): EdgeTable {
  const edges = createEdgeBuffer(EDGE_COLUMNS.corr.length);
  forEachPeer(grid, 0, params.corr_window, params.corr_top, (src, dst, rho, bars, asOf) => edges.push(src, dst, rho, bars, asOf));
  return edges.finish();
}

/**
 * `leads`: from the `lead_top` symbols whose return correlated most (by amount) with the receiver's return one bar later, over the `lead_window` bars before the
 * receiver's UTC day. The edge stands at the same close: what the leader did in this bar is news for the receiver's next one.
 */
export function leadEdges(grid: MarketGrid, params: GraphParams): EdgeTable {
  const edges = createEdgeBuffer(EDGE_COLUMNS.leads.length);
  forEachPeer(grid, LEAD_BARS, params.lead_window, params.lead_top, (src, dst, rho, bars, asOf) =>
    edges.push(src, dst, LEAD_BARS, rho, bars, asOf),
  );
  return edges.finish();
}

function forEachPeer(
  grid: MarketGrid,
  lead: number,
  window: number,
  top: number,
  visit: (src: number, dst: number, rho: number, bars: number, asOf: number) => void,
): void {
  const symbols = grid.symbols.length;
  if (top === 0 || symbols < 2) return;
  const returns = grid.symbols.map((_, s) => oneBarReturns(grid, s));
  let ranking: Ranking | undefined;
  for (let t = 1; t < grid.bars; t++) {
    if (dayOf(grid, t) !== dayOf(grid, t - 1)) ranking = rank(returns, t, lead, window, top) ?? ranking;
    if (ranking === undefined) continue;
    for (let s = 0; s < symbols; s++) {
      const dst = t * symbols + s;
      if (grid.imputed[dst] !== 0) continue;
      for (const { symbol, rho } of ranking.senders[s] ?? []) {
        const src = t * symbols + symbol;
        if (grid.imputed[src] === 0) visit(src, dst, rho, ranking.bars, grid.closeTime[ranking.asOf] as number);
      }
    }
  }
}

/** The ranking from the bars before `t`; a window that is not full yet is taken from its warm-up on. Undefined where there is too little. */
function rank(returns: readonly Float64Array[], t: number, lead: number, window: number, top: number): Ranking | undefined {
  const bars = Math.min(window, t);
  const least = Math.min(window, WARM_UP_BARS);
  if (bars < least) return undefined;
  const senders = returns.map((own, s) =>
    returns
      .map((other, q) => ({ symbol: q, rho: q === s ? Number.NaN : correlation(other, own, lead, t - bars, t, least / 2) }))
      .filter(({ rho }) => Number.isFinite(rho))
      .sort((a, b) => Math.abs(b.rho) - Math.abs(a.rho) || a.symbol - b.symbol)
      .slice(0, top)
      .sort((a, b) => a.symbol - b.symbol)
      .map(({ symbol, rho }) => ({ symbol, rho: sixDigits(rho) })),
  );
  return { asOf: t - 1, bars, senders };
}

/** Pearson's correlation of `a[k - lead]` and `b[k]` for `k` in `[from, to)`, over the pairs where both are known; NaN below `least` pairs. */
function correlation(a: Float64Array, b: Float64Array, lead: number, from: number, to: number, least: number): number {
  let n = 0;
  let sumA = 0;
  let sumB = 0;
  let sumAA = 0;
  let sumBB = 0;
  let sumAB = 0;
  for (let k = from + lead; k < to; k++) {
    const x = a[k - lead] as number;
    const y = b[k] as number;
    const product = x * y;
    if (Number.isNaN(product)) continue;
    n++;
    sumA += x;
    sumB += y;
    sumAA += x * x;
    sumBB += y * y;
    sumAB += product;
  }
  if (n < Math.max(3, least)) return Number.NaN;
  const varianceA = sumAA - (sumA * sumA) / n;
  const varianceB = sumBB - (sumB * sumB) / n;
  // What a flat series leaves is rounding.
  if (varianceA <= 1e-12 * sumAA || varianceB <= 1e-12 * sumBB) return Number.NaN;
  return (sumAB - (sumA * sumB) / n) / Math.sqrt(varianceA * varianceB);
}

/** Log returns of one symbol from bar to bar; NaN where either bar has no candle. */
function oneBarReturns(grid: MarketGrid, s: number): Float64Array {
  const symbols = grid.symbols.length;
  const logs = logCloses(grid, s, firstBar(grid, s) ?? grid.bars);
  return logs.map((log, t) =>
    t > 0 && grid.imputed[t * symbols + s] === 0 && grid.imputed[(t - 1) * symbols + s] === 0 ? log - (logs[t - 1] as number) : Number.NaN,
  );
}

function dayOf(grid: MarketGrid, t: number): number {
  return Math.floor((grid.openTime[t] as number) / DAY_MS);
}
