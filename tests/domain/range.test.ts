import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { hullOf, intersectRange, mergeRanges, mergeSeriesRanges, subtractRanges, type TimeRange } from '../../shared/domain/range.ts';

const SPAN = 60;
const range = fc.tuple(fc.nat(SPAN), fc.nat(SPAN)).map(([a, b]) => ({ from: Math.min(a, b), to: Math.max(a, b) }));
const ranges = fc.array(range, { maxLength: 8 });
const points = (list: readonly TimeRange[]): Set<number> =>
  new Set(list.flatMap(({ from, to }) => Array.from({ length: to - from }, (_, index) => from + index)));

test('the union of ranges holds exactly their points, sorted, disjoint and never touching', () => {
  fc.assert(
    fc.property(ranges, (list) => {
      const merged = mergeRanges(list);

      assert.deepEqual([...points(merged)].sort(), [...points(list)].sort());
      for (const [index, part] of merged.entries())
        assert.ok(part.to > part.from && (index === 0 || part.from > (merged[index - 1]?.to ?? 0)));
    }),
  );
});

test('a difference holds exactly the points of the first that are not in the second', () => {
  fc.assert(
    fc.property(ranges, ranges, (list, minus) => {
      const left = subtractRanges(list, minus);

      const taken = points(minus);
      assert.deepEqual([...points(left)].sort(), [...points(list)].filter((point) => !taken.has(point)).sort());
    }),
  );
});

test('an intersection is empty where ranges only touch', () => {
  assert.equal(intersectRange({ from: 0, to: 5 }, { from: 5, to: 9 }), undefined);
  assert.deepEqual(intersectRange({ from: 0, to: 6 }, { from: 5, to: 9 }), { from: 5, to: 6 });
});

test('ranges with ids join where the last id + 1 is the first, whatever lies between them in time', () => {
  const merged = mergeSeriesRanges([
    { from: 50, to: 60, from_id: 11, to_id: 20 },
    { from: 0, to: 10, from_id: 1, to_id: 10 },
    { from: 60, to: 70, from_id: 22, to_id: 30 },
  ]);

  assert.deepEqual(merged, [
    { from: 0, to: 60, from_id: 1, to_id: 20 },
    { from: 60, to: 70, from_id: 22, to_id: 30 },
  ]);
});

test('a range without a row keeps its place between its neighbours', () => {
  const merged = mergeSeriesRanges([
    { from: 0, to: 10, from_id: 1, to_id: 4 },
    { from: 10, to: 20, from_id: 5, to_id: 4 },
    { from: 20, to: 30, from_id: 5, to_id: 9 },
  ]);

  assert.deepEqual(merged, [{ from: 0, to: 30, from_id: 1, to_id: 9 }]);
});

test('the union of id ranges holds exactly their ids, in any order of arrival', () => {
  const idRange = fc
    .tuple(fc.nat(40), fc.integer({ min: 1, max: 8 }))
    .map(([first, count]) => ({ from: first, to: first + count, from_id: first, to_id: first + count - 1 }));
  const ids = (list: readonly { from_id: number; to_id: number }[]): number[] =>
    [...new Set(list.flatMap(({ from_id, to_id }) => Array.from({ length: to_id - from_id + 1 }, (_, index) => from_id + index)))].sort(
      (a, b) => a - b,
    );
  fc.assert(
    fc.property(fc.array(idRange, { maxLength: 8 }), (list) => {
      const merged = mergeSeriesRanges(list);

      assert.deepEqual(ids(merged), ids(list));
      assert.deepEqual(mergeSeriesRanges([...list].reverse()), merged);
    }),
  );
});

test('a hull has ids only where every range has them', () => {
  assert.deepEqual(
    hullOf([
      { from: 5, to: 6, from_id: 3, to_id: 4 },
      { from: 1, to: 2, from_id: 1, to_id: 1 },
    ]),
    { from: 1, to: 6, from_id: 1, to_id: 4 },
  );
  assert.deepEqual(
    hullOf([
      { from: 5, to: 6, from_id: 3, to_id: 4 },
      { from: 1, to: 2 },
    ]),
    { from: 1, to: 6 },
  );
  assert.throws(() => hullOf([]), RangeError);
});
