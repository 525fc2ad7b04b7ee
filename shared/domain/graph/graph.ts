/** Parameters of a graph build, as the request has them (README, "Workflows"). Lags and windows are counted in bars. */
export interface GraphParams {
  readonly lags: readonly number[];
  readonly vis_window: number;
  readonly vis_cap: number;
  readonly corr_window: number;
  readonly corr_top: number;
  readonly lead_window: number;
  readonly lead_top: number;
}

/** The four edge relations; every edge goes from the past (or the same close) to the receiver `dst`. */
export const RELATIONS = ['next', 'visible', 'corr', 'leads'] as const;
export type Relation = (typeof RELATIONS)[number];

/** One node (`mg_nodes`): symbol `s` at bar `t`; `ord = t * symbols.length + s`. `x` is aligned with `feature_names`. */
export interface GraphNode {
  readonly ord: number;
  readonly symbol: string;
  readonly s: number;
  readonly t: number;
  readonly open_time: number;
  /** When the node's values were known: the close time of its candle, epoch ms. */
  readonly close_time: number;
  /** `n` is the trade count, 0 where the source does not give it; of an imputed node: the last close, and no volume. */
  readonly ohlcv: {
    readonly o: number;
    readonly h: number;
    readonly l: number;
    readonly c: number;
    readonly v: number;
    readonly n: number;
  };
  readonly x: readonly number[];
  /** No candle there: filled in the graph only, without label, sending no edges. */
  readonly imputed: boolean;
}

/** One edge; `lag` for next and leads, `dt` and `slope` for visible, `rho`, `win` and `as_of` (epoch ms, at most the receiver's close) for corr and leads. */
export interface GraphEdge {
  readonly src: number;
  readonly dst: number;
  readonly lag?: number;
  readonly dt?: number;
  readonly slope?: number;
  readonly rho?: number;
  readonly win?: number;
  readonly as_of?: number;
}
