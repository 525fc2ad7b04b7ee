import { buildGraph } from '../../../shared/domain/graph/build.ts';
import { candleTable } from '../../../shared/domain/graph/candle-table.ts';
import type { GraphParams } from '../../../shared/domain/graph/graph.ts';
import type { Candle } from '../../../shared/domain/rows.ts';
import type { TrainingGraph } from '../../../shared/gnn/training-graph.ts';
import { BAR_MS, MARKET_START, symbolName } from './market.ts';

/** The defaults of a request. */
export const GRAPH_PARAMS: GraphParams = {
  lags: [1, 2, 3, 12],
  vis_window: 48,
  vis_cap: 4,
  corr_window: 288,
  corr_top: 2,
  lead_window: 2_016,
  lead_top: 1,
};

/** The input of a graph over `bars` bars from `MARKET_START`, one series of candles a symbol. */
export function graphInput(candles: readonly (readonly Candle[])[], bars: number, params: Partial<GraphParams> = {}) {
  return {
    exchange: 'binance' as const,
    interval: '5m' as const,
    symbols: candles.map((_, s) => symbolName(s)),
    from: MARKET_START,
    to: MARKET_START + bars * BAR_MS,
    params: { ...GRAPH_PARAMS, ...params },
    tables: candles.map(candleTable),
  };
}

/** The graph of these candles, as training takes it. */
export function trainingGraph(candles: readonly (readonly Candle[])[], bars: number, params: Partial<GraphParams> = {}): TrainingGraph {
  const { grid, x, edges, featureNames } = buildGraph(graphInput(candles, bars, params));
  return {
    symbols: candles.length,
    bars,
    features: featureNames.length,
    openTime: grid.openTime,
    close: grid.close,
    imputed: grid.imputed,
    x: Float32Array.from(x),
    edges,
  };
}
