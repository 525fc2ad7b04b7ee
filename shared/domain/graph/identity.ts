import { createHash } from 'node:crypto';
import type { GraphInput } from './build.ts';
import { EDGE_COLUMNS } from './edge-table.ts';
import type { GraphEdge, GraphNode, Relation } from './graph.ts';

/**
 * The id of a graph: SHA-256 (hex) over everything that goes in, the rows themselves, symbols, range, parameters and the versions of the code. No clock,
 * no provenance: the same rows loaded on another day, from another source, are the same graph.
 */
export function graphId(input: GraphInput, versions: { readonly builder: string; readonly features: string }): string {
  const { lags, vis_window, vis_cap, corr_window, corr_top, lead_window, lead_top } = input.params;
  const hash = createHash('sha256');
  hash.update(
    JSON.stringify([
      'streamforge-graph',
      versions.builder,
      versions.features,
      input.exchange,
      input.interval,
      input.symbols,
      input.from,
      input.to,
      [lags, vis_window, vis_cap, corr_window, corr_top, lead_window, lead_top],
      input.tables.map((table) => table.length),
    ]),
  );
  for (const table of input.tables) hash.update(littleEndian(table));
  return hash.digest('hex');
}

/** Hashes the content of a graph as it is written and as it is read back, whatever the pages: SHA-256 over nodes by `ord`, then edges by (`dst`, `src`). */
export interface ContentHasher {
  addNodes(nodes: readonly GraphNode[]): void;
  /** Relations one after the other, in the order of `RELATIONS`. */
  addEdges(relation: Relation, edges: readonly GraphEdge[]): void;
  /** Lower-case hex. */
  digest(): string;
}

export function createContentHasher(): ContentHasher {
  const hash = createHash('sha256');
  let section: Relation | undefined;
  return {
    addNodes(nodes) {
      const width = 12 + (nodes[0]?.x.length ?? 0);
      const rows = new Float64Array(nodes.length * width);
      nodes.forEach(({ ord, s, t, open_time, close_time, ohlcv, imputed, x }, row) => {
        const { o, h, l, c, v, n } = ohlcv;
        rows.set([ord, s, t, open_time, close_time, o, h, l, c, v, n, imputed ? 1 : 0], row * width);
        rows.set(x, row * width + 12);
      });
      hash.update(littleEndian(rows));
    },
    addEdges(relation, edges) {
      if (edges.length === 0) return;
      if (section !== relation) hash.update(relation);
      section = relation;
      const columns = EDGE_COLUMNS[relation];
      const width = 2 + columns.length;
      const rows = new Float64Array(edges.length * width);
      edges.forEach((edge, row) => {
        rows[row * width] = edge.src;
        rows[row * width + 1] = edge.dst;
        columns.forEach((column, k) => {
          rows[row * width + 2 + k] = edge[column] ?? Number.NaN;
        });
      });
      hash.update(littleEndian(rows));
    },
    digest: () => hash.digest('hex'),
  };
}

/** The bytes of the numbers, least significant first on every machine. */
function littleEndian(values: Float64Array): Uint8Array {
  const bytes = new Uint8Array(values.length * 8);
  const view = new DataView(bytes.buffer);
  for (let i = 0; i < values.length; i++) view.setFloat64(i * 8, values[i] as number, true);
  return bytes;
}
