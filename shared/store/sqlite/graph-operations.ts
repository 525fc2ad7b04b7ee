import { AppError } from '../../domain/errors.ts';
import { type GraphDocument, RELATIONS, type Relation } from '../graph-store.ts';
import type { Database } from './database.ts';
import { edgeColumns } from './graph-blocks.ts';
import { read, steps, write } from './operation.ts';
import { toBytes, toSlots } from './row-table.ts';

/** A block of nodes or edges to write; `relation` and `last_dst` are those of edges. */
export interface GraphBlock {
  readonly build: number;
  readonly block: number;
  readonly count: number;
  readonly slots: Float64Array<ArrayBuffer>;
  readonly edges?: { readonly relation: Relation; readonly last_dst: number };
}

/**
 * What the worker does for graphs. Each write of a graph is a *build* with a number of its own, listed in `mg_builds` until its document is written;
 * what a crash left there is cleaned away when the next build begins.
 */
export function createGraphOperations(database: Database) {
  const sql = (text: string) => database.statement(text);
  /** Builds that this process is writing. */
  const live = new Set<number>();

  const buildOf = (graphId: string): number | undefined =>
    sql('SELECT build FROM mg_graphs WHERE graph_id = ?').get(graphId)?.build as number | undefined;

  const drop = (build: number): void => {
    for (const table of ['mg_nodes', 'mg_edges', 'mg_builds']) sql(`DELETE FROM ${table} WHERE build = ?`).run(build);
  };

  const countOf = (build: number, relation: Relation): number =>
    sql('SELECT coalesce(sum(count), 0) AS count FROM mg_edges WHERE build = ? AND relation = ?').get(build, relation)?.count as number;

  /** Throws where the blocks are not those that the document tells of: a graph that can be read is whole. */
  const checkWhole = (build: number, document: GraphDocument): void => {
    if (sql('SELECT 1 FROM mg_builds WHERE build = ?').get(build) === undefined)
      throw new AppError('store_unavailable', `Another process cleaned this build of graph ${document.graph_id} away; build it again.`);
    const nodes = sql('SELECT coalesce(sum(count), 0) AS count FROM mg_nodes WHERE build = ?').get(build)?.count;
    const wrong = RELATIONS.filter((relation) => countOf(build, relation) !== document.edge_counts[relation]);
    if (nodes === document.node_count && wrong.length === 0) return;
    throw new AppError('invalid_request', `The document of graph ${document.graph_id} tells of other counts than were written.`, {
      nodes,
      wrong,
    });
  };

  return {
    /** The number of the new build, or undefined where the graph is there already. */
    beginGraph: write((graphId: string): number | undefined => {
      if (buildOf(graphId) !== undefined) return undefined;
      for (const { build } of sql('SELECT build FROM mg_builds').all()) if (!live.has(build as number)) drop(build as number);
      const build = Number(sql('INSERT INTO mg_builds (graph_id) VALUES (?)').run(graphId).lastInsertRowid);
      live.add(build);
      return build;
    }),

    putGraphBlock: write(({ build, block, count, slots, edges }: GraphBlock): void => {
      if (edges === undefined)
        sql('INSERT INTO mg_nodes (build, block, count, slots) VALUES (?, ?, ?, ?)').run(build, block, count, toBytes(slots));
      else
        sql('INSERT INTO mg_edges (build, relation, block, last_dst, count, slots) VALUES (?, ?, ?, ?, ?, ?)').run(
          build,
          edges.relation,
          block,
          edges.last_dst,
          count,
          toBytes(slots),
        );
    }),

    finishGraph: write(({ build, document }: { readonly build: number; readonly document: GraphDocument }): 'written' | 'exists' => {
      if (buildOf(document.graph_id) !== undefined) {
        drop(build);
        return 'exists';
      }
      checkWhole(build, document);
      sql('INSERT INTO mg_graphs (graph_id, build, document) VALUES (?, ?, ?)').run(document.graph_id, build, JSON.stringify(document));
      sql('DELETE FROM mg_builds WHERE build = ?').run(build);
      return 'written';
    }),

    discardGraph: write((build: number): void => {
      if (sql('SELECT 1 FROM mg_builds WHERE build = ?').get(build) !== undefined) drop(build);
      live.delete(build);
    }),

    readGraph: read(
      (graphId: string): string | undefined =>
        sql('SELECT document FROM mg_graphs WHERE graph_id = ?').get(graphId)?.document as string | undefined,
    ),

    listGraphs: read((): string[] =>
      sql('SELECT document FROM mg_graphs ORDER BY build DESC')
        .all()
        .map(({ document }) => document as string),
    ),

    readNodeBlock: read(
      ({ graphId, block }: { readonly graphId: string; readonly block: number }): Float64Array<ArrayBuffer> | undefined => {
        const found = sql('SELECT slots FROM mg_nodes WHERE build = ? AND block = ?').get(buildOf(graphId) ?? -1, block);
        return found === undefined ? undefined : toSlots(found.slots);
      },
    ),

    readEdgeBlock: read(
      (args: { readonly graphId: string; readonly relation: Relation; readonly block: number }): Float64Array<ArrayBuffer> | undefined => {
        const found = sql('SELECT slots FROM mg_edges WHERE build = ? AND relation = ? AND block = ?').get(
          buildOf(args.graphId) ?? -1,
          args.relation,
          args.block,
        );
        return found === undefined ? undefined : toSlots(found.slots);
      },
    ),

    /** Breadth first, a block of edges a step. */
    graphSources: steps(function* (args: {
      readonly graphId: string;
      readonly ord: number;
      readonly hops: number;
      readonly relations: readonly Relation[];
    }): Generator<void, number[], void> {
      const build = buildOf(args.graphId) ?? -1;
      const seen = new Set([args.ord]);
      let frontier = [args.ord];
      for (let hop = 0; hop < args.hops && frontier.length > 0; hop += 1) {
        const reached = new Set<number>();
        for (const relation of args.relations) yield* sendersTo(build, relation, frontier, reached);
        frontier = [...reached].filter((ord) => !seen.has(ord)).sort((a, b) => a - b);
        for (const ord of frontier) seen.add(ord);
      }
      seen.delete(args.ord);
      return [...seen].sort((a, b) => a - b);
    }),
  };

  /** Adds every `src` of an edge to one of `receivers` (which rise). */
  function* sendersTo(build: number, relation: Relation, receivers: readonly number[], into: Set<number>): Generator<void> {
    let next = 0;
    let after = -1;
    while (next < receivers.length) {
      const found = sql(
        'SELECT block, last_dst, slots FROM mg_edges WHERE build = ? AND relation = ? AND last_dst >= ? AND block > ? ORDER BY last_dst, block LIMIT 1',
      ).get(build, relation, receivers[next] as number, after);
      if (found === undefined) return;
      const { count, src, dst } = edgeColumns(toSlots(found.slots));
      const last = found.last_dst as number;
      let edge = 0;
      for (; next < receivers.length && (receivers[next] as number) <= last; next += 1) {
        const receiver = receivers[next] as number;
        edge = lowerBound(dst, receiver, edge);
        for (; edge < count && dst[edge] === receiver; edge += 1) into.add(src[edge] as number);
        // Edges to the block's last receiver may go on in the next block.
        if (receiver === last) break;
      }
      after = found.block as number;
      yield;
    }
  }
}

/** The first index from `from` on whose value is at least `wanted`. */
function lowerBound(rising: Float64Array, wanted: number, from: number): number {
  let low = from;
  let high = rising.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((rising[middle] as number) < wanted) low = middle + 1;
    else high = middle;
  }
  return low;
}
