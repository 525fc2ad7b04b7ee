import type { BuiltGraph } from './build.ts';
import { EDGE_COLUMNS, type EdgeTable } from './edge-table.ts';
import { type GraphEdge, type GraphNode, RELATIONS, type Relation } from './graph.ts';
import { createContentHasher } from './identity.ts';

/** Nodes and edges a page: what a store writes at once. */
export const NODE_PAGE = 5_000;
export const EDGE_PAGE = 20_000;

/** The nodes of a graph as a store takes them, by `ord`, made page by page; can be gone through again. */
export function nodePages(graph: BuiltGraph): Iterable<readonly GraphNode[]> {
  return pages(graph.grid.imputed.length, NODE_PAGE, (ord) => nodeAt(graph, ord));
}

/** The edges of one relation, by (`dst`, `src`), made page by page; can be gone through again. */
export function edgePages(graph: BuiltGraph, relation: Relation): Iterable<readonly GraphEdge[]> {
  const table = graph.edges[relation];
  return pages(table.src.length, EDGE_PAGE, (e) => edgeAt(relation, table, e));
}

/** The content hash that a reader of the stored graph must get too. */
export function contentHash(graph: BuiltGraph): string {
  const hasher = createContentHasher();
  for (const page of nodePages(graph)) hasher.addNodes(page);
  for (const relation of RELATIONS) for (const page of edgePages(graph, relation)) hasher.addEdges(relation, page);
  return hasher.digest();
}

function nodeAt({ grid, x, featureNames }: BuiltGraph, ord: number): GraphNode {
  const width = grid.symbols.length;
  const s = ord % width;
  const t = (ord - s) / width;
  const count = grid.tradeCount[ord] as number;
  return {
    ord,
    symbol: grid.symbols[s] as string,
    s,
    t,
    open_time: grid.openTime[t] as number,
    close_time: grid.closeTime[t] as number,
    ohlcv: {
      o: grid.open[ord] as number,
      h: grid.high[ord] as number,
      l: grid.low[ord] as number,
      c: grid.close[ord] as number,
      v: grid.volume[ord] as number,
      n: Number.isNaN(count) ? 0 : count,
    },
    x: Array.from(x.subarray(ord * featureNames.length, (ord + 1) * featureNames.length)),
    imputed: grid.imputed[ord] !== 0,
  };
}

function edgeAt(relation: Relation, table: EdgeTable, e: number): GraphEdge {
  const edge: Record<string, number> = { src: table.src[e] as number, dst: table.dst[e] as number };
  EDGE_COLUMNS[relation].forEach((column, k) => {
    edge[column] = (table.columns[k] as Float64Array)[e] as number;
  });
  return edge as unknown as GraphEdge;
}

function pages<T>(count: number, size: number, at: (index: number) => T): Iterable<readonly T[]> {
  return {
    *[Symbol.iterator]() {
      for (let from = 0; from < count; from += size) {
        yield Array.from({ length: Math.min(size, count - from) }, (_, k) => at(from + k));
      }
    },
  };
}
