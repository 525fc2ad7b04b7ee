import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { mergeRanges, subtractRanges } from '../../../shared/domain/range.ts';
import { boundPlan, planFigures } from '../../../shared/domain/workflow/plan-figures.ts';
import { buckets, SERIES } from './builders.ts';

test('a month of 5m candles is the plan of the contract', () => {
  assert.deepEqual(planFigures([{ series: SERIES, ranges: [buckets(0, 8_928)] }]), { shards: 9, rows: 8_928, calls: 9, seconds: 2 });
});

test('figures that depend on unknown ids are null; of trades that are all proven they are not', () => {
  const trades = 'binance:BTCUSDT:trades';
  const day = { from: 0, to: 86_400_000 };

  assert.deepEqual(planFigures([{ series: trades, ranges: [day] }]), { shards: 24, rows: null, calls: null, seconds: null });
  assert.deepEqual(planFigures([{ series: trades, ranges: [] }]), { shards: 0, rows: 0, calls: 0, seconds: 0 });
});

test('a plan of very many holes is bounded: no hole is left out, and only what lies between neighbours is added', () => {
  const holes = fc
    .array(fc.tuple(fc.integer({ min: 1, max: 50 }), fc.integer({ min: 1, max: 50 })), { minLength: 1, maxLength: 60 })
    .map((parts) => {
      let at = 0;
      return parts.map(([gap, length]) => {
        const range = { from: at + gap, to: at + gap + length };
        at = range.to;
        return range;
      });
    });
  fc.assert(
    fc.property(fc.array(holes, { minLength: 1, maxLength: 4 }), fc.integer({ min: 0, max: 40 }), (all, most) => {
      const plan = all.map((ranges, index) => ({ series: `binance:S${index}:candles:5m`, ranges }));

      const bounded = boundPlan(plan, most);

      assert.ok(bounded.reduce((sum, { ranges }) => sum + ranges.length, 0) <= most + plan.length);
      bounded.forEach(({ series, ranges }, index) => {
        assert.equal(series, plan[index]?.series);
        assert.deepEqual(subtractRanges(plan[index]?.ranges ?? [], ranges), []);
        assert.deepEqual(mergeRanges(ranges), ranges);
        assert.equal(ranges[0]?.from, plan[index]?.ranges[0]?.from);
        assert.equal(ranges.at(-1)?.to, plan[index]?.ranges.at(-1)?.to);
      });
    }),
  );
});
