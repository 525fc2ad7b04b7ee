import type { GraphEdge, GraphNode, GraphParams, Relation } from '../domain/graph/graph.ts';

export { type GraphEdge, type GraphNode, type GraphParams, RELATIONS, type Relation } from '../domain/graph/graph.ts';

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
