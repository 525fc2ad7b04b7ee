import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { addBuckets, countBuckets, INTERVALS, isInterval, nextOpenTime, openTimeAt, openTimeFrom } from '../../shared/domain/interval.ts';

const DAY = 86_400_000;
const time = fc.integer({ min: Date.UTC(2009, 0, 1), max: Date.UTC(2040, 0, 1) });
const interval = fc.constantFrom(...INTERVALS);

test('every time lies in exactly one bucket of every interval', () => {
  fc.assert(
    fc.property(interval, time, (name, at) => {
      const open = openTimeAt(name, at);
      const next = nextOpenTime(name, open);

      assert.ok(open <= at && at < next);
      assert.equal(openTimeAt(name, open), open);
      assert.equal(openTimeAt(name, next), next);
      assert.equal(openTimeAt(name, next - 1), open);
    }),
  );
});

test('weeks open on Mondays, months on the first, both at midnight UTC', () => {
  fc.assert(
    fc.property(time, (at) => {
      const week = new Date(openTimeAt('1w', at));
      const month = new Date(openTimeAt('1M', at));

      assert.equal(week.getUTCDay(), 1);
      assert.equal(week.getTime() % DAY, 0);
      assert.equal(month.getUTCDate(), 1);
      assert.equal(month.getTime() % DAY, 0);
    }),
  );
});

test('buckets counted are buckets stepped through', () => {
  fc.assert(
    fc.property(fc.constantFrom('1h', '1d', '3d', '1w', '1M'), time, fc.integer({ min: 0, max: 200 * DAY }), (name, from, length) => {
      let stepped = 0;
      for (let open = openTimeFrom(name, from); open < from + length; open = nextOpenTime(name, open)) stepped += 1;

      assert.equal(countBuckets(name, from, from + length), stepped);
      assert.equal(
        addBuckets(name, openTimeAt(name, from), stepped),
        Array.from({ length: stepped }).reduce<number>((open) => nextOpenTime(name, open), openTimeAt(name, from)),
      );
    }),
    { numRuns: 60 },
  );
});

test('intervals are told apart by case: 1m is a minute, 1M a month', () => {
  assert.equal(nextOpenTime('1m', 0), 60_000);
  assert.equal(nextOpenTime('1M', 0), 31 * DAY);
  assert.ok(!isInterval('7m') && !isInterval('1H') && isInterval('1M'));
});
