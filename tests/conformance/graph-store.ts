import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import fc from 'fast-check';
import {
  type GraphContent,
  type GraphDocument,
  type GraphEdge,
  type GraphNode,
  type GraphStore,
  RELATIONS,
} from '../../shared/store/graph-store.ts';
import { aGraph, contentOf, documentOf, type Graph, type GraphEdges } from '../support/graphs.ts';
import { killMidWrite } from '../support/kill-mid-write.ts';
import { collect } from './market-store.ts';
import type { Place, Stores, StoresFactory } from './stores.ts';

/** The promises of `GraphStore`, to be kept by every adapter alike. */
export function describeGraphStore(factory: StoresFactory): void {
  describe('GraphStore', () => {
    let place: Place<Stores>;
    let graphs: GraphStore;
    let names = 0;
    const fresh = (): string => `${process.pid}-${++names}`.padStart(64, '0');
    const write = (document: GraphDocument, graph: Graph) => graphs.writeGraph(document, contentOf(graph));
    const readEdges = async (graphId: string): Promise<GraphEdges> =>
      Object.fromEntries(
        await Promise.all(RELATIONS.map(async (relation) => [relation, await collect(graphs.readEdges(graphId, relation))])),
      ) as GraphEdges;

    before(async () => {
      place = await factory();
      ({ graphs } = await place.open());
    });
    after(() => place.remove());

    test('nodes and edges come back as they were given: doubles bit for bit, absent fields absent', async () => {
      const anyNumber = fc.oneof(fc.double({ noNaN: true, noDefaultInfinity: true }), fc.constantFrom(-0, 0.1 + 0.2));
      const anyEdge: fc.Arbitrary<GraphEdge> = fc.record(
        {
          src: fc.nat(30),
          dst: fc.nat(30),
          lag: fc.nat(9),
          dt: fc.nat(9),
          slope: anyNumber,
          rho: anyNumber,
          win: fc.nat(),
          as_of: fc.maxSafeNat(),
        },
        { requiredKeys: ['src', 'dst'], noNullPrototype: true },
      ) as fc.Arbitrary<GraphEdge>;
      const anyEdges = fc.array(anyEdge, { maxLength: 30 }).map((edges) => edges.sort((a, b) => a.dst - b.dst || a.src - b.src));
      const anyGraph = fc.record({
        next: anyEdges,
        visible: anyEdges,
        corr: anyEdges,
        leads: anyEdges,
        x: fc.array(anyNumber, { maxLength: 4 }),
        v: anyNumber,
      });

      await fc.assert(
        fc.asyncProperty(anyGraph, async ({ x, v, ...edges }) => {
          const base = aGraph(6);
          const graph = { edges, nodes: base.nodes.map((node) => ({ ...node, x, ohlcv: { ...node.ohlcv, v } })) };
          const document = documentOf(fresh(), graph);

          assert.equal(await write(document, graph), 'written');
          assert.deepEqual(await graphs.readGraph(document.graph_id), document);
          assert.deepEqual(await collect(graphs.readNodes(document.graph_id)), graph.nodes);
          assert.deepEqual({ ...(await readEdges(document.graph_id)) }, { ...edges });
        }),
        { numRuns: 30 },
      );
    });

    test('a large graph streams back in bounded pages, in order', async () => {
      const graph = aGraph(12_000);
      const document = documentOf(fresh(), graph);
      await write(document, graph);
      const sizes = { nodes: 0, edges: 0 };
      const nodes: GraphNode[] = [];
      const edges: GraphEdge[] = [];

      for await (const page of graphs.readNodes(document.graph_id)) {
        sizes.nodes = Math.max(sizes.nodes, page.length);
        nodes.push(...page);
      }
      for await (const page of graphs.readEdges(document.graph_id, 'next')) {
        sizes.edges = Math.max(sizes.edges, page.length);
        edges.push(...page);
      }

      assert.deepEqual(nodes, graph.nodes);
      assert.deepEqual(edges, graph.edges.next);
      assert.ok(sizes.nodes <= 5_000 && sizes.edges <= 20_000, JSON.stringify(sizes));
    });

    test('a graph that is there is left as it is, and listed once', async () => {
      const graph = aGraph(10);
      const document = documentOf(fresh(), graph);
      await write(document, graph);

      const again = await graphs.writeGraph({ ...document, content_hash: 'other' }, contentOf(aGraph(20)));

      assert.equal(again, 'exists');
      assert.deepEqual(await graphs.readGraph(document.graph_id), document);
      assert.deepEqual(await collect(graphs.readNodes(document.graph_id)), graph.nodes);
      assert.equal((await graphs.listGraphs()).filter(({ graph_id }) => graph_id === document.graph_id).length, 1);
    });

    test('case 73: a graph of changed data stands beside the old one', async () => {
      const [before, changed] = [aGraph(10), aGraph(10, 7)];
      const [old, rebuilt] = [documentOf(fresh(), before), documentOf(fresh(), changed)];

      await write(old, before);
      await write(rebuilt, changed);

      assert.deepEqual(await collect(graphs.readNodes(old.graph_id)), before.nodes);
      assert.deepEqual(await collect(graphs.readNodes(rebuilt.graph_id)), changed.nodes);
      assert.notDeepEqual(before.nodes, changed.nodes);
    });

    test('of two that write one graph at once, one wins, and the graph is whole', async () => {
      const graph = aGraph(3_000);
      const document = documentOf(fresh(), graph);

      const outcomes = await Promise.all([write(document, graph), write(document, graph), write(document, graph)]);

      assert.deepEqual(outcomes.toSorted(), ['exists', 'exists', 'written']);
      assert.deepEqual(await collect(graphs.readNodes(document.graph_id)), graph.nodes);
      assert.deepEqual(await readEdges(document.graph_id), graph.edges);
    });

    test('a write that fails, or is aborted, half way leaves nothing to be seen, and can be made again', async () => {
      const graph = aGraph(3_000);
      const document = documentOf(fresh(), graph);
      const reason = new Error('stopped');
      const abort = new AbortController();
      function* failing(): Generator<readonly GraphNode[]> {
        yield graph.nodes.slice(0, 2_500);
        throw reason;
      }
      function* aborted(): Generator<readonly GraphEdge[]> {
        yield graph.edges.visible.slice(0, 1);
        abort.abort(reason);
      }
      const content = (over: Partial<GraphContent>): GraphContent => ({ ...contentOf(graph), ...over });

      await assert.rejects(graphs.writeGraph(document, content({ nodes: failing() })), reason);
      await assert.rejects(
        graphs.writeGraph(document, content({ edges: { ...contentOf(graph).edges, visible: aborted() } }), abort.signal),
        reason,
      );

      assert.equal(await graphs.readGraph(document.graph_id), undefined);
      assert.deepEqual(await collect(graphs.readNodes(document.graph_id)), []);
      assert.deepEqual(await collect(graphs.readEdges(document.graph_id, 'next')), []);
      assert.equal(await write(document, graph), 'written');
      assert.deepEqual(await readEdges(document.graph_id), graph.edges);
    });

    test('a build that was killed (SIGKILL) is not to be seen, and the next one is whole', async () => {
      const own = await factory();

      await killMidWrite('write-graph.ts', own, 1);

      const { graphs: reopened } = await own.open();
      assert.deepEqual(await reopened.listGraphs(), []);
      const graph = aGraph(50);
      const document = documentOf('f'.repeat(64), graph);
      assert.equal(await reopened.readGraph(document.graph_id), undefined);
      assert.deepEqual(await collect(reopened.readNodes(document.graph_id)), []);
      assert.equal(await reopened.writeGraph(document, contentOf(graph)), 'written');
      assert.deepEqual(await collect(reopened.readNodes(document.graph_id)), graph.nodes);
      assert.deepEqual(await collect(reopened.readEdges(document.graph_id, 'corr')), graph.edges.corr);
      await own.remove();
    });

    test('a document that tells of other counts, or items out of order, are refused', async () => {
      const graph = aGraph(10);
      const bad: readonly [GraphDocument, Graph][] = [
        [{ ...documentOf(fresh(), graph), node_count: 11 }, graph],
        [{ ...documentOf(fresh(), graph), edge_counts: { ...documentOf('', graph).edge_counts, leads: 0 } }, graph],
        [documentOf(fresh(), graph), { ...graph, nodes: graph.nodes.toReversed() }],
        [documentOf(fresh(), graph), { ...graph, edges: { ...graph.edges, next: graph.edges.next.toReversed() } }],
      ];

      for (const [document, content] of bad) {
        await assert.rejects(write(document, content), { code: 'invalid_request' });
        assert.equal(await graphs.readGraph(document.graph_id), undefined);
      }
    });

    test('sources are the nodes from which a node is reached within so many hops', async () => {
      const graph = aGraph(4_000);
      const document = documentOf(fresh(), graph);
      await write(document, graph);
      const senders = (ord: number, relations: readonly (typeof RELATIONS)[number][]) =>
        relations.flatMap((relation) => graph.edges[relation].filter(({ dst }) => dst === ord).map(({ src }) => src));
      const expected = (ord: number, hops: number, relations: readonly (typeof RELATIONS)[number][]): number[] => {
        let reached = new Set([ord]);
        for (let hop = 0; hop < hops; hop += 1) reached = new Set([...reached, ...[...reached].flatMap((one) => senders(one, relations))]);
        reached.delete(ord);
        return [...reached].sort((a, b) => a - b);
      };

      for (const [ord, hops, relations] of [
        [3_999, 1, RELATIONS],
        [3_999, 4, RELATIONS],
        [2_000, 3, ['next']],
        [2_000, 2, ['corr', 'leads']],
        [0, 3, RELATIONS],
        [2_000, 0, RELATIONS],
      ] as const)
        assert.deepEqual(
          await graphs.sources(document.graph_id, ord, hops, relations),
          expected(ord, hops, relations),
          `${hops} hops from ${ord}`,
        );
      // Wherever an adapter cuts its pages, the edges to one node may lie on both sides of the cut.
      for (let ord = 2_700; ord < 2_760; ord += 1)
        assert.deepEqual(await graphs.sources(document.graph_id, ord, 1, ['next']), [ord - 9, ord - 6, ord - 3]);
      assert.deepEqual(await graphs.sources(document.graph_id, 3_999, 2), expected(3_999, 2, RELATIONS));
      assert.deepEqual(await graphs.sources(fresh(), 5, 2), []);
    });

    test('a closed store answers store_unavailable', async () => {
      const { graphs: closed } = await place.open();

      await closed.close();

      await assert.rejects(closed.readGraph('g'), { code: 'store_unavailable' });
    });
  });
}
