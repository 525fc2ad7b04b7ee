/** Parameters of a graph build, as the request has them (`contracts.md`, Workflows). Windows are counted in bars. */
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

/** One immutable graph build (`mg_graphs`). `graph_id` and `content_hash` are lower-case hex SHA-256; clocks stay outside of both. */
export interface GraphDocument {
  readonly graph_id: string;
  readonly exchange: string;
  readonly interval: string;
  readonly symbols: readonly string[];
  /** Epoch ms, half-open. */
  readonly from: number;
  readonly to: number;
  readonly builder_version: string;
  readonly params: GraphParams;
  readonly feature_names: readonly string[];
  readonly feature_version: string;
  readonly node_count: number;
  readonly edge_counts: Readonly<Record<Relation, number>>;
  readonly content_hash: string;
  readonly created_at: number;
}

/** One node (`mg_nodes`): symbol `s` at bar `t`; `ord = t * symbols.length + s`. `x` is aligned with `feature_names`. */
export interface GraphNode {
  readonly ord: number;
  readonly symbol: string;
  readonly s: number;
  readonly t: number;
  readonly open_time: number;
  /** When the node's values were known: the close time of its candle, epoch ms. */
  readonly close_time: number;
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

/** A graph to write: nodes by `ord`, edges by (`dst`, `src`). */
export interface GraphContent {
  readonly nodes: Iterable<readonly GraphNode[]>;
  readonly edges: Readonly<Record<Relation, Iterable<readonly GraphEdge[]>>>;
}

/** Graphs. Builds are immutable: the document is written last, so a graph that can be read is whole. Errors: `store_unavailable`, `storage_full`. */
export interface GraphStore {
  /** Writes nodes and edges in bounded batches, then the document. A graph that is there already is left as it is. */
  writeGraph(document: GraphDocument, content: GraphContent, signal?: AbortSignal): Promise<'written' | 'exists'>;
  readGraph(graphId: string): Promise<GraphDocument | undefined>;
  listGraphs(): Promise<readonly GraphDocument[]>;
  /** By `ord`, in pages of at most 5,000. */
  readNodes(graphId: string, signal?: AbortSignal): AsyncIterable<readonly GraphNode[]>;
  /** By (`dst`, `src`), in pages of at most 20,000. */
  readEdges(graphId: string, relation: Relation, signal?: AbortSignal): AsyncIterable<readonly GraphEdge[]>;
  /** `ord`s from which `ord` can be reached over at most `hops` edges of the relations, without itself, sorted. */
  sources(graphId: string, ord: number, hops: number, relations?: readonly Relation[]): Promise<readonly number[]>;
  close(): Promise<void>;
}
