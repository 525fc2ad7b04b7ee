import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import * as tf from '@tensorflow/tfjs';
import { type BuiltGraph, buildGraph } from '../../shared/domain/graph/build.ts';
import { RELATIONS } from '../../shared/domain/graph/graph.ts';
import type { Candle } from '../../shared/domain/rows.ts';
import { loadBackend } from '../../shared/gnn/backend.ts';
import { type BlockSource, cutBlocks } from '../../shared/gnn/blocks.ts';
import { type Csr, csrOf } from '../../shared/gnn/csr.ts';
import { writeWeights } from '../../shared/gnn/models/model.ts';
import { createRsage } from '../../shared/gnn/models/rsage.ts';
import { createRng } from '../../shared/gnn/rng.ts';
import { gatherFeatures, reachOf, relationMatrices, type TrainingGraph } from '../../shared/gnn/training-graph.ts';
import { graphInput, trainingGraph } from './support/graphs.ts';
import { simulateMarket } from './support/market.ts';

const BARS = 900;
const KNOWN = 590;
const SYMBOLS = 3;
const PARAMS = { lead_window: 300 };

/** The market with every bar from `KNOWN` on another: prices, volumes, counts. */
function withAnotherFuture(market: readonly (readonly Candle[])[]): readonly (readonly Candle[])[] {
  const other = simulateMarket({ symbols: SYMBOLS, bars: BARS, seed: 99, clustering: 0.9 });
  return market.map((candles, s) => candles.map((candle, t) => (t < KNOWN ? candle : (other[s]?.[t] as Candle))));
}

/** Logits of every node by a model with fixed random weights over the whole graph at once. */
function logitsOf(graph: TrainingGraph, relations: readonly Csr[]): Float32Array {
  const nodes = graph.bars * graph.symbols;
  const source: BlockSource = {
    symbols: graph.symbols,
    gathered: gatherFeatures(graph.x, relations, nodes, graph.features),
    width: (relations.length + 1) * graph.features,
    relations,
    reach: reachOf(graph),
    layers: 2,
    classes: new Int32Array(nodes),
  };
  const model = createRsage({ features: graph.features, relations: relations.length, hidden: 16, layers: 2, classes: 2, wide: true }, 5);
  const rng = createRng(8);
  writeWeights(
    model,
    model.variables.map((variable) => Float32Array.from({ length: variable.size }, () => 0.2 * rng.normal())),
  );
  const [block] = cutBlocks(source, { from: 0, to: graph.bars }, graph.bars);
  assert.ok(block);
  const logits = tf.tidy(() => Float32Array.from(model.logits(block.input()).dataSync()));
  model.dispose();
  block.dispose();
  return logits;
}

/** How many known nodes have another logit, to the bit. */
function changed(before: Float32Array, after: Float32Array): number {
  let count = 0;
  for (let i = 0; i < KNOWN * SYMBOLS * 2; i++) if (!Object.is(before[i], after[i])) count++;
  return count;
}

describe('what a later bar can change', () => {
  let builtBefore: BuiltGraph;
  let builtAfter: BuiltGraph;
  let before_: TrainingGraph;
  let after_: TrainingGraph;

  before(async () => {
    await loadBackend(['wasm']);
    const market = simulateMarket({ symbols: SYMBOLS, bars: BARS, seed: 4, lead: 0.2, clustering: 0.9 });
    const changedMarket = withAnotherFuture(market);
    builtBefore = buildGraph(graphInput(market, BARS, PARAMS));
    builtAfter = buildGraph(graphInput(changedMarket, BARS, PARAMS));
    before_ = trainingGraph(market, BARS, PARAMS);
    after_ = trainingGraph(changedMarket, BARS, PARAMS);
  });

  it('is no feature and no edge of a bar before it', () => {
    const known = KNOWN * SYMBOLS;
    assert.deepEqual(after_.x.subarray(0, known * after_.features), before_.x.subarray(0, known * before_.features));
    assert.notDeepEqual(after_.x, before_.x);
    for (const relation of RELATIONS) {
      const { src, dst, columns } = builtBefore.edges[relation];
      const other = builtAfter.edges[relation];
      const count = dst.findIndex((node) => node >= known);
      assert.ok(count > 0, `${relation} has edges into known bars`);
      assert.deepEqual(other.src.subarray(0, count), src.subarray(0, count));
      assert.deepEqual(other.dst.subarray(0, count), dst.subarray(0, count));
      columns.forEach((column, k) => {
        assert.deepEqual(other.columns[k]?.subarray(0, count), column.subarray(0, count), relation);
      });
      assert.ok((other.dst[count] as number) >= known);
      assert.ok(src.every((node, e) => Math.floor(node / SYMBOLS) <= Math.floor((dst[e] as number) / SYMBOLS)));
    }
  });

  it('is no logit of a bar before it, to the bit', () => {
    assert.equal(changed(logitsOf(before_, relationMatrices(before_)), logitsOf(after_, relationMatrices(after_))), 0);
  });

  it('would be logits, were edges to run both ways', () => {
    const bothWays = (graph: TrainingGraph): TrainingGraph => ({
      ...graph,
      edges: {
        ...graph.edges,
        visible: {
          src: Int32Array.from([...graph.edges.visible.src, ...graph.edges.visible.dst]),
          dst: Int32Array.from([...graph.edges.visible.dst, ...graph.edges.visible.src]),
        },
      },
    });

    const [a, b] = [bothWays(before_), bothWays(after_)];
    assert.ok(changed(logitsOf(a, relationMatrices(a)), logitsOf(b, relationMatrices(b))) > 30);
  });

  it("would be logits, were a sender's degree to count: it is the number of later bars that see it", () => {
    const symmetric = (graph: TrainingGraph): Csr[] =>
      Object.values(graph.edges).map(({ src, dst }) => {
        const nodes = graph.bars * graph.symbols;
        const sent = new Float64Array(nodes);
        for (const node of src) sent[node] = (sent[node] as number) + 1;
        return csrOf(
          nodes,
          src,
          dst,
          Array.from(src, (node) => 1 / Math.sqrt(sent[node] as number)),
        );
      });

    assert.ok(changed(logitsOf(before_, symmetric(before_)), logitsOf(after_, symmetric(after_))) > 30);
  });
});
