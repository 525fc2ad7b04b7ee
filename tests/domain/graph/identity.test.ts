import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { buildGraph, type GraphInput } from '../../../shared/domain/graph/build.ts';
import { candleTable, joinTables } from '../../../shared/domain/graph/candle-table.ts';
import { contentHash, edgePages, nodePages } from '../../../shared/domain/graph/content.ts';
import { RELATIONS } from '../../../shared/domain/graph/graph.ts';
import { createContentHasher } from '../../../shared/domain/graph/identity.ts';
import { simulateMarket } from '../../gnn/support/market.ts';
import { FROM, inputOf, PARAMS } from './a-market.ts';

const BARS = 320;
const market = simulateMarket({ symbols: 3, bars: BARS, seed: 9, clustering: 0.9 });
const input = inputOf(market, BARS, { params: { ...PARAMS, corr_window: 100, lead_window: 100 } });

describe('the identity of a graph', () => {
  it('is the same for the same rows, whatever the pages they came in and whenever they were received', () => {
    const paged = market.map((candles) =>
      joinTables([candleTable(candles.slice(0, 100)), candleTable([]), candleTable(candles.slice(100))]),
    );
    const revised = market.map((candles) => candleTable(candles.map((candle) => ({ ...candle, revision: 3, first_trade_id: 7 }))));

    const { graphId } = buildGraph(input);

    assert.match(graphId, /^[0-9a-f]{64}$/);
    assert.equal(buildGraph({ ...input, tables: paged }).graphId, graphId);
    assert.equal(buildGraph({ ...input, tables: revised }).graphId, graphId);
  });

  const edited = market.map((candles, s) =>
    candles.map((candle, t) => (s === 2 && t === 50 ? { ...candle, taker_buy_volume: 1e-9 } : candle)),
  );
  const changes: [string, Partial<GraphInput>][] = [
    ['one number of one candle', { tables: edited.map(candleTable) }],
    ['a candle less', { tables: market.map((candles) => candleTable(candles.slice(0, -1))) }],
    ['the order of the symbols', { symbols: [...input.symbols].reverse(), tables: [...input.tables].reverse() }],
    ['a symbol', { symbols: ['S0', 'S1', 'S9'] }],
    ['the exchange', { exchange: 'bitmex' }],
    ['the range', { to: input.to + 300_000 }],
    ['a parameter', { params: { ...input.params, vis_cap: 3 } }],
    ['a lag', { params: { ...input.params, lags: [1, 2, 3] } }],
  ];
  for (const [what, change] of changes) {
    it(`is another for another ${what}`, () => {
      assert.notEqual(buildGraph({ ...input, ...change }).graphId, buildGraph(input).graphId);
    });
  }

  it('stays what it was: a changed builder needs a new version', () => {
    const tiny = inputOf(simulateMarket({ symbols: 2, bars: 40, seed: 1, clustering: 0.5 }), 40);

    const graph = buildGraph(tiny);

    assert.equal(tiny.from, FROM);
    assert.deepEqual([graph.builderVersion, graph.featureVersion], ['1', '1']);
    assert.equal(graph.graphId, '647fafb3bc28e62b79bcca5e462d9f110a80e6285203a6a946e46c04c397fcdd');
    assert.equal(contentHash(graph), '3838ec69e13762cbd0f4b5c9f81bbf0d3786ec4070dbed5760df00715fbc0e12');
  });
});

describe('the content of a graph', () => {
  it('has one hash, whatever the pages it is read in', () => {
    const graph = buildGraph(input);
    const hasher = createContentHasher();

    const nodes = [...nodePages(graph)].flat();
    hasher.addNodes(nodes.slice(0, 7));
    hasher.addNodes(nodes.slice(7));
    for (const relation of RELATIONS) {
      const edges = [...edgePages(graph, relation)].flat();
      assert.ok(edges.length > 0);
      hasher.addEdges(relation, edges.slice(0, 1));
      hasher.addEdges(relation, []);
      hasher.addEdges(relation, edges.slice(1));
    }

    assert.equal(hasher.digest(), contentHash(graph));
  });

  it('has another hash where one feature or one edge differs', () => {
    const graph = buildGraph(input);
    const x = graph.x.slice();
    x[500] = (x[500] as number) + 1e-6;
    const src = graph.edges.corr.src.slice();
    src[0] = (src[0] as number) + 1;

    const hashes = [graph, { ...graph, x }, { ...graph, edges: { ...graph.edges, corr: { ...graph.edges.corr, src } } }].map(contentHash);

    assert.equal(new Set(hashes).size, 3);
  });

  it('comes by ord, and by dst then src, with what stands on each edge', () => {
    const graph = buildGraph(input);

    const nodes = [...nodePages(graph)].flat();
    assert.deepEqual(
      nodes.map(({ ord }) => ord),
      Array.from({ length: BARS * 3 }, (_, ord) => ord),
    );
    assert.deepEqual([nodes[4]?.symbol, nodes[4]?.s, nodes[4]?.t, nodes[4]?.ohlcv.c], ['S1', 1, 1, market[1]?.[1]?.close]);
    for (const relation of RELATIONS) {
      const edges = [...edgePages(graph, relation)].flat();
      assert.ok(
        edges.every(
          (edge, e) =>
            e === 0 ||
            (edges[e - 1]?.dst as number) < edge.dst ||
            ((edges[e - 1]?.dst as number) === edge.dst && (edges[e - 1]?.src as number) < edge.src),
        ),
      );
    }
    const [next] = [...edgePages(graph, 'next')].flat();
    assert.deepEqual(next, { src: 0, dst: 3, lag: 1 });
  });
});
