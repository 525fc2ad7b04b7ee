import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { AppError } from '../../shared/domain/errors.ts';
import { type Interval, pairedDifference, scoreIntervals, stretch } from '../../shared/gnn/bootstrap.ts';
import { evaluate, majorityOf, persistenceOf } from '../../shared/gnn/evaluate.ts';
import { mostLikely, scoresOf, sumByBlock, type TestNodes } from '../../shared/gnn/metrics.ts';
import { prepare } from '../../shared/gnn/prepare.ts';
import { createRng } from '../../shared/gnn/rng.ts';
import { EMBARGO_BARS, splitByTime } from '../../shared/gnn/split.ts';
import { fitScaler, scaled } from '../../shared/gnn/training-graph.ts';
import { verdictOf } from '../../shared/gnn/verdict.ts';
import { trainingGraph } from './support/graphs.ts';
import { simulateMarket } from './support/market.ts';

describe('the split', () => {
  it('leaves the horizon and the embargo between its parts, and no label of a part reaches into the next', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 200 }), fc.integer({ min: 0, max: 5_000 }), (horizon, more) => {
        const bars = 288 + 200 + 3 * horizon + 2 * EMBARGO_BARS + more;
        const { train, validation, test, warmUp } = splitByTime(bars, horizon);

        assert.equal(train.from, warmUp);
        assert.ok(train.from < train.to && validation.from < validation.to && test.from < test.to);
        assert.equal(validation.from - train.to, horizon + EMBARGO_BARS);
        assert.equal(test.from - validation.to, horizon + EMBARGO_BARS);
        assert.equal(test.to, bars - horizon);
        assert.ok(train.to - 1 + horizon < validation.from && validation.to - 1 + horizon < test.from);
      }),
    );
  });

  it('refuses a graph with too few bars, and says how many it takes', () => {
    assert.throws(
      () => splitByTime(500, 12),
      (error) => error instanceof AppError && error.code === 'invalid_request' && error.message.includes('548 bars'),
    );
    assert.doesNotThrow(() => splitByTime(548, 12));
  });
});

describe('what is fitted', () => {
  const bars = 1_200;
  const market = simulateMarket({ symbols: 2, bars, clustering: 0.9, seed: 5 });
  const task = { task: 'vol', horizon: 12, model: 'sgc', hidden: 4, epochs: 1, seeds: [1] } as const;
  const graph = trainingGraph(market, bars);

  it('knows nothing behind the training bars and their labels: not the scaler, not the cuts, not the prior', () => {
    const { split } = prepare(graph, task);
    const known = split.train.to + task.horizon;
    const other = simulateMarket({ symbols: 2, bars, clustering: 0.9, seed: 77 });
    const changed = trainingGraph(
      market.map((candles, s) => candles.map((candle, t) => (t < known ? candle : (other[s]?.[t] ?? candle)))),
      bars,
    );

    const before = prepare(graph, task);
    const after = prepare(changed, task);

    assert.deepEqual(after.scaler, before.scaler);
    assert.deepEqual(after.cuts, before.cuts);
    assert.deepEqual(after.prior, before.prior);
    assert.notDeepEqual(after.classes, before.classes);
  });

  it('cuts training labels into thirds, and scales training features to mean 0 and deviation 1', () => {
    const { prior, split } = prepare(graph, task);
    assert.ok(prior.every((share) => Math.abs(share - 1 / 3) < 0.01));

    const z = scaled(graph, fitScaler(graph, split.train.from, split.train.to));
    const firstFeature = Array.from(
      { length: (split.train.to - split.train.from) * 2 },
      (_, i) => z[(split.train.from * 2 + i) * graph.features] as number,
    );
    const mean = firstFeature.reduce((sum, value) => sum + value, 0) / firstFeature.length;
    const variance = firstFeature.reduce((sum, value) => sum + (value - mean) ** 2, 0) / firstFeature.length;
    assert.ok(Math.abs(mean) < 1e-4 && Math.abs(variance - 1) < 1e-3);
  });

  it('leaves out nodes without a candle: no label, no part in the scaler, zeros as features', () => {
    const gap = 400;
    const holed = trainingGraph([market[0] ?? [], (market[1] ?? []).filter((_, t) => t !== gap)], bars);
    const { classes } = prepare(holed, task);

    for (let t = gap - task.horizon; t <= gap; t++) assert.equal(classes[t * 2 + 1], -1);
    assert.ok((classes[(gap - task.horizon - 1) * 2 + 1] as number) >= 0);
    assert.ok((classes[gap * 2] as number) >= 0);
    const z = scaled(holed, fitScaler(holed, 300, 500));
    const at = (gap * 2 + 1) * holed.features;
    assert.ok(z.subarray(at, at + holed.features).every((value) => value === 0));
  });

  it('takes for persistence the label that was complete at the bar, and none that was not', () => {
    const prepared = prepare(graph, task);
    const { classes } = persistenceOf(prepared, 2, task.horizon);

    const nodes = Array.from(
      { length: (prepared.split.test.to - prepared.split.test.from) * 2 },
      (_, i) => prepared.split.test.from * 2 + i,
    );
    const expected = nodes
      .filter((node) => (prepared.classes[node] as number) >= 0)
      .map((node) => prepared.classes[node - task.horizon * 2]);
    assert.deepEqual([...classes], expected);
    assert.equal(classes.length, prepared.test.classes.length);
    assert.ok(majorityOf(prepared).classes.every((label) => label === prepared.prior.indexOf(Math.max(...prepared.prior))));
  });

  it('refuses a graph whose test bars have no candle to label, and takes a market that never moves', () => {
    const { split } = prepare(graph, task);
    const dark = market.map((candles) => candles.slice(0, split.test.from));
    const flat = market.map((candles) => candles.map((candle) => ({ ...candle, open: 1, high: 1, low: 1, close: 1 })));

    assert.throws(
      () => prepare(trainingGraph(dark, bars), task),
      (error) => error instanceof AppError && error.code === 'invalid_request',
    );
    assert.ok(prepare(trainingGraph(flat, bars), task).test.classes.every((label) => label === 0));
  });

  it('counts its blocks in whole UTC days', () => {
    const { test, split } = prepare(graph, task);
    const days = new Set(Array.from(graph.openTime.subarray(split.test.from, split.test.to), (time) => Math.floor(time / 86_400_000)));

    assert.equal(test.blocks, days.size);
  });
});

describe('scores', () => {
  const nodes: TestNodes = { classes: Int32Array.of(0, 1, 1, 2), block: Int32Array.of(0, 0, 1, 1), blocks: 2, classCount: 3 };
  const probabilities = Float32Array.of(0.5, 0.25, 0.25, 0.25, 0.5, 0.25, 0.5, 0.25, 0.25, 0.25, 0.25, 0.5);

  it('are those worked out by hand', () => {
    const scores = scoresOf(sumByBlock({ classes: mostLikely(probabilities, 3), probabilities }, nodes));

    assert.equal(scores.accuracy, 3 / 4);
    assert.equal(scores.balanced_accuracy, (1 + 1 / 2 + 1) / 3);
    assert.ok(Math.abs((scores.cross_entropy as number) - (3 * Math.log(2) + Math.log(4)) / 4) < 1e-12);
    assert.ok(Math.abs(scores.brier - (3 * (0.25 + 2 * 0.0625) + (0.25 + 0.5625 + 0.0625)) / 4) < 1e-12);
  });

  it('have no cross-entropy where no odds were given', () => {
    assert.equal(scoresOf(sumByBlock({ classes: Int32Array.of(0, 1, 1, 2) }, nodes)).cross_entropy, null);
  });

  it('have an interval around them, the same one each time', () => {
    const rng = createRng(1);
    const truth = Int32Array.from({ length: 2_000 }, () => rng.integer(2));
    const said = truth.map((label) => (rng.uniform() < 0.6 ? label : 1 - label));
    const many: TestNodes = { classes: truth, block: truth.map((_, i) => Math.floor(i / 100)), blocks: 20, classCount: 2 };
    const sums = sumByBlock({ classes: said }, many);

    const { accuracy } = scoreIntervals(sums);
    assert.deepEqual(scoreIntervals(sums).accuracy, accuracy);
    const [low, high] = accuracy as Interval;
    assert.ok(low < 0.6 && high > 0.6 && high - low < 0.1);
  });

  it('cover the truth about as often as they say, though the blocks are few', () => {
    let covered = 0;
    for (let trial = 0; trial < 60; trial++) {
      const rng = createRng(1_000 + trial);
      const blocks = 8;
      const days = Array.from({ length: blocks }, () => 0.5 + 0.05 * rng.normal());
      const truth = new Int32Array(blocks * 50);
      const said = Int32Array.from(truth, (_, i) => (rng.uniform() < (days[Math.floor(i / 50)] as number) ? 0 : 1));
      const block = truth.map((_, i) => Math.floor(i / 50));
      const [low, high] = scoreIntervals(sumByBlock({ classes: said }, { classes: truth, block, blocks, classCount: 2 }))
        .accuracy as Interval;
      if (low <= 0.5 && high >= 0.5) covered++;
    }
    assert.ok(covered >= 53, `${covered} of 60`);
  });

  it('differ by nothing from themselves, and clearly from a worse predictor', () => {
    const truth = Int32Array.from({ length: 600 }, (_, i) => i % 2);
    const many: TestNodes = { classes: truth, block: truth.map((_, i) => Math.floor(i / 100)), blocks: 6, classCount: 2 };
    const right = sumByBlock({ classes: truth }, many);
    const half = sumByBlock({ classes: truth.map(() => 0) }, many);

    assert.deepEqual(pairedDifference(right, right), { diff: 0, ci: [0, 0] });
    assert.ok(pairedDifference(right, half).ci[0] > 0);
    assert.equal(evaluate({ classes: truth }, { majority: { classes: truth.map(() => 0) } }, many).verdict, 'better');
  });

  it('stretch with fewer blocks', () => {
    assert.ok(stretch(5) > stretch(8) && stretch(8) > stretch(30) && stretch(30) > stretch(300) && stretch(300) > 1);
  });
});

describe('the verdict', () => {
  const above = { diff: 0.1, ci: [0.05, 0.15] as Interval };
  const tie = { diff: 0, ci: [-0.02, 0.02] as Interval };
  const below = { diff: -0.1, ci: [-0.15, -0.05] as Interval };
  const cases: [string, Record<string, typeof above>, number, string][] = [
    ['better only above every baseline', { majority: above, logistic: above, sgc: above }, 8, 'better'],
    ['no more than equal where one baseline is not beaten', { majority: above, logistic: above, sgc: tie }, 8, 'baseline-equal'],
    ['no skill where a baseline is better', { majority: above, logistic: above, sgc: below }, 8, 'no-skill'],
    ['no skill where the majority is not beaten', { majority: tie, logistic: above, sgc: above }, 8, 'no-skill'],
    ['no skill where there are too few days to say', { majority: above, logistic: above, sgc: above }, 4, 'no-skill'],
    ['no skill without the majority to hold it against', { logistic: above }, 8, 'no-skill'],
  ];
  for (const [promise, paired, blocks, verdict] of cases) {
    it(`is ${promise}`, () => {
      assert.equal(verdictOf(paired, blocks), verdict);
    });
  }
});
