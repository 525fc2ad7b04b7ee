import { createEdgeBuffer, EDGE_COLUMNS, type EdgeTable } from './edge-table.ts';
import { firstBar, logCloses } from './features.ts';
import type { GraphParams } from './graph.ts';
import type { MarketGrid } from './grid.ts';
import { sixDigits } from './round.ts';

/** `next`: from the bars `lags` before, of the same symbol. Imputed nodes neither send nor receive. */
export function nextEdges(grid: MarketGrid, params: GraphParams): EdgeTable {
  const symbols = grid.symbols.length;
  const edges = createEdgeBuffer(EDGE_COLUMNS.next.length);
  const lags = [...new Set(params.lags)].sort((a, b) => b - a);
  for (let node = 0; node < grid.imputed.length; node++) {
    if (grid.imputed[node] !== 0) continue;
    for (const lag of lags) {
      const src = node - lag * symbols;
      if (src >= 0 && grid.imputed[src] === 0) edges.push(src, node, lag);
    }
  }
  return edges.finish();
}

/**
 * `visible`: from the nearest `vis_cap` bars of the last `vis_window` that see the bar in the natural visibility graph of the log close (Lacasa et al. 2008),
 * without its direct neighbour, which `next` has already. A bar without a candle hides nothing and sees nothing.
 */
export function visibleEdges(grid: MarketGrid, params: GraphParams): EdgeTable {
  const symbols = grid.symbols.length;
  const edges = createEdgeBuffer(EDGE_COLUMNS.visible.length);
  const starts = grid.symbols.map((_, s) => firstBar(grid, s));
  const logs = grid.symbols.map((_, s) => logCloses(grid, s, starts[s] ?? grid.bars));
  for (let t = 0; t < grid.bars; t++) {
    for (let s = 0; s < symbols; s++) {
      const dst = t * symbols + s;
      if (grid.imputed[dst] !== 0) continue;
      const prices = logs[s] as Float64Array;
      const seen = sight(
        prices,
        t,
        Math.max(starts[s] ?? t, t - params.vis_window),
        params.vis_cap,
        (j) => grid.imputed[j * symbols + s] === 0,
      );
      for (const { bar, slope } of seen.reverse()) edges.push(bar * symbols + s, dst, t - bar, sixDigits(slope));
    }
  }
  return edges.finish();
}

/** Looking back from `t`: a bar is seen where the line to it is steeper than the lines to all bars between. */
function sight(
  prices: Float64Array,
  t: number,
  oldest: number,
  cap: number,
  isReal: (bar: number) => boolean,
): { bar: number; slope: number }[] {
  const seen: { bar: number; slope: number }[] = [];
  const here = prices[t] as number;
  let steepest = Number.NEGATIVE_INFINITY;
  for (let j = t - 1; j >= oldest && seen.length < cap; j--) {
    if (!isReal(j)) continue;
    const rise = ((prices[j] as number) - here) / (t - j);
    if (rise > steepest) {
      steepest = rise;
      if (j < t - 1) seen.push({ bar: j, slope: -rise });
    }
  }
  return seen;
}
