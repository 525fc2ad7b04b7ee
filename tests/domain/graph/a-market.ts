import { buildGraph, type GraphInput } from '../../../shared/domain/graph/build.ts';
import { candleTable } from '../../../shared/domain/graph/candle-table.ts';
import type { GraphParams } from '../../../shared/domain/graph/graph.ts';
import type { Candle } from '../../../shared/domain/rows.ts';

export const FROM = Date.UTC(2024, 7, 1);
export const BAR = 300_000;

/** A closed 5m candle at bar `t` that opened at `open` and closed at `close`. */
export function aCandle(t: number, close: number, overrides: Partial<Candle> = {}): Candle {
  const open_time = FROM + t * BAR;
  return {
    open_time,
    close_time: open_time + BAR - 1,
    open: close,
    high: close * 1.01,
    low: close * 0.99,
    close,
    volume: 10,
    is_closed: true,
    ...overrides,
  };
}

/** Candles with these closes from bar 0 on; undefined is a bar without a candle. */
export function candlesOf(closes: readonly (number | undefined)[], overrides: Partial<Candle> = {}): Candle[] {
  return closes.flatMap((close, t) => (close === undefined ? [] : [aCandle(t, close, overrides)]));
}

export const PARAMS: GraphParams = {
  lags: [1, 2, 3, 12],
  vis_window: 48,
  vis_cap: 4,
  corr_window: 288,
  corr_top: 2,
  lead_window: 2_016,
  lead_top: 1,
};

/** The input of a 5m graph over `bars` bars, one series of candles a symbol (`S0`, `S1`, …). */
export function inputOf(candles: readonly (readonly Candle[])[], bars: number, overrides: Partial<GraphInput> = {}): GraphInput {
  return {
    exchange: 'binance',
    interval: '5m',
    symbols: candles.map((_, s) => `S${s}`),
    from: FROM,
    to: FROM + bars * BAR,
    params: PARAMS,
    tables: candles.map(candleTable),
    ...overrides,
  };
}

export const build = (candles: readonly (readonly Candle[])[], bars: number, params: Partial<GraphParams> = {}) =>
  buildGraph(inputOf(candles, bars, { params: { ...PARAMS, ...params } }));

/** The edges of a table as `[src, dst, …columns]`. */
export function rowsOf(table: {
  readonly src: Int32Array;
  readonly dst: Int32Array;
  readonly columns: readonly Float64Array[];
}): number[][] {
  return Array.from(table.src, (src, e) => [src, table.dst[e] as number, ...table.columns.map((column) => column[e] as number)]);
}
