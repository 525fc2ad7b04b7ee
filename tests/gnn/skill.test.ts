import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import { loadBackend } from '../../shared/gnn/backend.ts';
import { type Experiment, runExperiment } from '../../shared/gnn/experiment.ts';
import type { TrainingTask } from '../../shared/gnn/hyper.ts';
import { createRng, shuffle } from '../../shared/gnn/rng.ts';
import { splitByTime } from '../../shared/gnn/split.ts';
import type { TrainingGraph } from '../../shared/gnn/training-graph.ts';
import { trainingGraph } from './support/graphs.ts';
import { simulateMarket } from './support/market.ts';

const BARS = 6_000;
const DIRECTION: TrainingTask = { task: 'dir', horizon: 1, model: 'rsage', hidden: 8, epochs: 12, seeds: [1] };
const PARAMS = { lead_window: 1_000 };

const market = (options: { readonly lead?: number; readonly seed: number }): TrainingGraph =>
  trainingGraph(simulateMarket({ symbols: 4, bars: BARS, ...options }), BARS, PARAMS);

/** Pooled accuracy and what it was held against. */
function accuracyOf({ evaluation }: Experiment): number {
  return evaluation.metrics.accuracy;
}

describe('what the evaluation says', () => {
  before(() => loadBackend(['wasm']));

  it('of a market where one symbol leads: better than every model that does not look at the others', async () => {
    const { evaluation } = await runExperiment(market({ lead: 0.6, seed: 2 }), DIRECTION);

    for (const name of ['majority', 'persistence', 'logistic', 'mlp']) {
      const { diff, ci } = evaluation.paired[name] as (typeof evaluation.paired)[string];
      assert.ok(ci[0] > 0, `${name}: ${diff} [${ci.join()}]`);
    }
    assert.ok(['better', 'baseline-equal'].includes(evaluation.verdict));
  });

  it('of a market without any signal: no skill, with the majority inside of the interval', async () => {
    for (const seed of [3, 4]) {
      const { evaluation } = await runExperiment(market({ seed }), DIRECTION);

      const { diff, ci } = evaluation.paired.majority as (typeof evaluation.paired)[string];
      assert.equal(evaluation.verdict, 'no-skill');
      assert.ok(ci[0] <= 0 && ci[1] >= 0, `${diff} [${ci.join()}]`);
    }
  });

  it('of a market whose training and validation closes were shuffled: no skill, though the test bars have one', async () => {
    const graph = market({ lead: 0.6, seed: 2 });
    const { train, validation } = splitByTime(BARS, 1);

    const { evaluation } = await runExperiment(withShuffledReturns(graph, train.from, validation.to), DIRECTION);

    const { ci } = evaluation.paired.majority as (typeof evaluation.paired)[string];
    assert.ok(ci[0] <= 0, `[${ci.join()}]`);
    assert.equal(evaluation.verdict, 'no-skill');
  });

  it('would be fooled by a leak: with edges from the next bar it finds what is not there', async () => {
    const graph = market({ seed: 3 });
    const count = (BARS - 1) * graph.symbols;
    const src = Int32Array.from({ length: count }, (_, node) => node + graph.symbols);
    const leaky: TrainingGraph = {
      ...graph,
      edges: { ...graph.edges, next: { src, dst: Int32Array.from({ length: count }, (_, node) => node) } },
    };

    const leaked = await runExperiment(leaky, DIRECTION);

    assert.ok(accuracyOf(leaked) > 0.75, `accuracy ${accuracyOf(leaked)}`);
  });
});

/** The graph with the closes between two bars put together from the same returns in another order: labels there say nothing about features. */
function withShuffledReturns(graph: TrainingGraph, fromBar: number, toBar: number): TrainingGraph {
  const close = graph.close.slice();
  for (let s = 0; s < graph.symbols; s++) {
    const at = (bar: number): number => bar * graph.symbols + s;
    const returns = Array.from({ length: toBar - fromBar }, (_, k) =>
      Math.log((graph.close[at(fromBar + k)] as number) / (graph.close[at(fromBar + k - 1)] as number)),
    );
    shuffle(createRng(17 + s), returns).forEach((step, k) => {
      close[at(fromBar + k)] = (close[at(fromBar + k - 1)] as number) * Math.exp(step);
    });
  }
  return { ...graph, close };
}
