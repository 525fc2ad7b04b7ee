import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { countBuckets, INTERVALS } from '../../shared/domain/interval.ts';
import { countPlannedRows, countShards, parseShardId, type SeriesPlan, type Shard, shardAt } from '../../shared/domain/plan.ts';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const from = fc.integer({ min: Date.UTC(2017, 0, 1), max: Date.UTC(2026, 0, 1) });
const series = fc.oneof(
  fc.constantFrom(...INTERVALS.filter((name) => name !== '1s')).map((name) => `binance:BTCUSDT:candles:${name}`),
  fc.constantFrom('binance:BTCUSDT:trades', 'binance:BTCUSDT:agg-trades'),
);

/** All shards of a plan, by their numbers. */
function layOut(plan: readonly SeriesPlan[]): readonly Shard[] {
  return Array.from({ length: countShards(plan) }, (_, index) => shardAt(plan, index) as Shard);
}

test('shards of a range follow each other without gap or overlap from its start to its end', () => {
  fc.assert(
    fc.property(series, from, fc.integer({ min: 1, max: 40 * DAY }), (id, start, length) => {
      const plan = [{ series: id, ranges: [{ from: start, to: start + length }] }];

      const shards = layOut(plan);

      assert.equal(shards.length, countShards(plan));
      if (shards.length === 0) return;
      assert.equal(shards[0]?.from, start);
      assert.equal(shards.at(-1)?.to, start + length);
      for (const [index, shard] of shards.entries()) {
        assert.ok(shard.to > shard.from);
        if (index > 0) assert.equal(shard.from, shards[index - 1]?.to);
        const { parsed: _, ...read } = parseShardId(shard.shard);
        assert.deepEqual(read, shard);
      }
      assert.equal(shardAt(plan, shards.length), undefined);
    }),
    { numRuns: 200 },
  );
});

test('series take turns, a shard each in its own order, until they have no more', () => {
  const day = Date.UTC(2024, 7, 1);
  const lengths = fc.array(fc.array(fc.integer({ min: 0, max: 9 }), { maxLength: 3 }), { maxLength: 6 });
  fc.assert(
    fc.property(lengths, (hours) => {
      const plan = hours.map((ranges, series) => ({
        series: `binance:S${series}:trades`,
        ranges: ranges.map((length, index) => ({ from: day + index * DAY, to: day + index * DAY + length * HOUR })),
      }));
      const own = new Map(plan.map((one) => [one.series, layOut([one])]));

      const shards = layOut(plan);

      assert.equal(shardAt(plan, shards.length), undefined);
      const rounds = shards.map((shard) => [shards.filter(({ series }) => series === shard.series).indexOf(shard), shard.series] as const);
      assert.deepEqual(
        shards,
        rounds.map(([round, series]) => own.get(series)?.[round]),
      );
      assert.deepEqual(
        rounds,
        [...rounds].sort(([a, one], [b, two]) => a - b || (one < two ? -1 : 1)),
      );
    }),
  );
});

test('a month of 5m candles is nine pages; a shard of candles is one page at most', () => {
  const plan = [{ series: 'binance:BTCUSDT:candles:5m', ranges: [{ from: Date.UTC(2024, 7, 1), to: Date.UTC(2024, 8, 1) }] }];

  assert.equal(countShards(plan), 9);
  assert.equal(countPlannedRows(plan), 8_928);
  for (const shard of layOut(plan)) assert.ok(countBuckets('5m', shard.from, shard.to) <= 1_000);
});

test('a range in which no bucket opens is asked for as well: nobody else tells the ledger that nothing is missing there', () => {
  const [from, to] = [Date.UTC(2024, 7, 3), Date.UTC(2024, 7, 5)];
  const plan = [{ series: 'binance:BTCUSDT:candles:1w', ranges: [{ from, to }] }];

  assert.equal(countBuckets('1w', from, to), 0);
  assert.deepEqual(
    layOut(plan).map((shard) => [shard.from, shard.to]),
    [[from, to]],
  );
});

test('shards of trades end at full hours, so none crosses a month', () => {
  const plan = [
    { series: 'binance:BTCUSDT:agg-trades', ranges: [{ from: Date.UTC(2024, 6, 31, 22, 30), to: Date.UTC(2024, 7, 1, 1, 15) }] },
  ];

  assert.deepEqual(
    layOut(plan).map((shard) => [new Date(shard.from).toISOString().slice(11, 16), new Date(shard.to).toISOString().slice(11, 16)]),
    [
      ['22:30', '23:00'],
      ['23:00', '00:00'],
      ['00:00', '01:00'],
      ['01:00', '01:15'],
    ],
  );
  assert.equal(countPlannedRows(plan), null);
});
