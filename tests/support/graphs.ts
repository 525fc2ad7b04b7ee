import {
  type GraphContent,
  type GraphDocument,
  type GraphEdge,
  type GraphNode,
  RELATIONS,
  type Relation,
} from '../../shared/store/graph-store.ts';

export type GraphEdges = Readonly<Record<Relation, readonly GraphEdge[]>>;

export interface Graph {
  readonly nodes: readonly GraphNode[];
  readonly edges: GraphEdges;
}

const SYMBOLS = ['BTCUSDT', 'ETHUSDT', 'SOLUSDT'];

/** A graph of so many nodes, with a few edges to each from nodes before it (`corr`: of the same bar). */
export function aGraph(nodeCount: number, seed = 1): Graph {
  const nodes = Array.from({ length: nodeCount }, (_, ord): GraphNode => {
    const [s, t] = [ord % SYMBOLS.length, Math.floor(ord / SYMBOLS.length)];
    const close = 100 + Math.sin(ord * seed);
    return {
      ...{ ord, symbol: SYMBOLS[s] as string, s, t, open_time: t * 300_000, close_time: t * 300_000 + 299_999 },
      ohlcv: { o: close - 0.1, h: close + 1, l: close - 1, c: close, v: ord / 7, n: ord },
      x: [close / 3, Math.cos(ord), seed],
      imputed: ord % 11 === 0,
    };
  });
  const toEach = (distances: readonly number[], make: (src: number, dst: number) => GraphEdge): GraphEdge[] =>
    nodes.flatMap(({ ord }) =>
      distances
        .map((distance) => ord - distance)
        .filter((src) => src >= 0)
        .map((src) => make(src, ord)),
    );
  return {
    nodes,
    edges: {
      next: toEach([9, 6, 3], (src, dst) => ({ src, dst, lag: (dst - src) / 3 })),
      visible: toEach([21, 12], (src, dst) => ({ src, dst, dt: (dst - src) / 3, slope: Math.sin(src) })),
      corr: toEach([1], (src, dst) => ({ src, dst, rho: Math.cos(dst), win: 288, as_of: dst * 100 })),
      leads: toEach([4], (src, dst) => ({ src, dst, rho: 0.5, win: 2_016, lag: 1, as_of: dst * 100 })),
    },
  };
}

export function documentOf(graph_id: string, { nodes, edges }: Graph): GraphDocument {
  const counts = RELATIONS.map((relation) => [relation, edges[relation].length]);
  return {
    ...{ graph_id, exchange: 'binance', interval: '5m', symbols: SYMBOLS, from: 0, to: 300_000, builder_version: '1' },
    params: { lags: [1, 2, 3], vis_window: 48, vis_cap: 4, corr_window: 288, corr_top: 2, lead_window: 2_016, lead_top: 1 },
    ...{ feature_names: ['a', 'b', 'c'], feature_version: '1', node_count: nodes.length, content_hash: 'c'.repeat(64), created_at: 1 },
    edge_counts: Object.fromEntries(counts) as GraphDocument['edge_counts'],
  };
}

/** The graph in batches of odd sizes. */
export function contentOf({ nodes, edges }: Graph): GraphContent {
  const batches = (relation: Relation) => inBatches(edges[relation], 1_234);
  return {
    nodes: inBatches(nodes, 777),
    edges: { next: batches('next'), visible: batches('visible'), corr: batches('corr'), leads: batches('leads') },
  };
}

function* inBatches<Item>(items: readonly Item[], size: number): Generator<readonly Item[]> {
  for (let at = 0; at < items.length; at += size) yield items.slice(at, at + size);
}
