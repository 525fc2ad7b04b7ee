import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Absence } from '../../shared/domain/coverage.ts';
import { INTERVALS, nextOpenTime, openTimeFrom } from '../../shared/domain/interval.ts';
import { createCandleProver, createIdProver, createProver } from '../../shared/domain/proof.ts';
import { hasIds, mergeRanges } from '../../shared/domain/range.ts';

const FROM = Date.UTC(2024, 1, 1);
const evidence = { method: 'klines', grade: 'two-reads', asked_at: [0, 0] } as const;
const anAbsence = (range: { from: number; to: number; from_id?: number; to_id?: number }): Absence => ({
  ...range,
  kind: 'exchange-outage',
  evidence,
});
const candleAt = (open: number, interval: (typeof INTERVALS)[number], isClosed = true) => ({
  open_time: open,
  close_time: nextOpenTime(interval, open) - 1,
  is_closed: isClosed,
});

test('candles: covered and missing buckets are exactly those that are stored and those that are not', () => {
  fc.assert(
    fc.property(
      fc.constantFrom(...INTERVALS.filter((name) => name !== '3d')),
      fc.array(fc.boolean(), { minLength: 1, maxLength: 40 }),
      fc.nat(999),
      (interval, present, shift) => {
        const from = openTimeFrom(interval, FROM) - (interval === '1s' ? 0 : shift);
        const opens: number[] = [];
        for (let open = openTimeFrom(interval, from); opens.length < present.length; open = nextOpenTime(interval, open)) opens.push(open);
        const to = nextOpenTime(interval, opens.at(-1) ?? 0);
        const prover = createCandleProver(interval, { from, to, absent: [] });

        for (const [index, open] of opens.entries()) if (present[index]) prover.add(candleAt(open, interval));
        const proof = prover.finish();

        assert.equal(proof.counted, present.filter(Boolean).length);
        const inCovered = (open: number): boolean => proof.covered.some((range) => range.from <= open && open < range.to);
        const inMissing = (open: number): boolean => proof.missing.some((range) => range.from <= open && open < range.to);
        for (const [index, open] of opens.entries())
          assert.deepEqual([inCovered(open), inMissing(open)], [present[index], !present[index]]);
        assert.deepEqual(mergeRanges([...proof.covered, ...proof.missing]), [{ from, to }]);
      },
    ),
  );
});

test('candles: a hole is forgiven exactly where an absence covers it', () => {
  const step = 300_000;
  const opens = [0, 1, 4, 5].map((index) => FROM + index * step);
  const prove = (absent: readonly Absence[]) => {
    const prover = createCandleProver('5m', { from: FROM, to: FROM + 6 * step, absent });
    for (const open of opens) prover.add(candleAt(open, '5m'));
    return prover.finish();
  };

  assert.deepEqual(prove([]).missing, [{ from: FROM + 2 * step, to: FROM + 4 * step }]);
  assert.deepEqual(prove([anAbsence({ from: FROM + 2 * step, to: FROM + 4 * step })]).missing, []);
  assert.deepEqual(prove([anAbsence({ from: FROM + 2 * step, to: FROM + 3 * step })]).missing, [
    { from: FROM + 3 * step, to: FROM + 4 * step },
  ]);
});

test('case 17: an open candle, or one whose close time is off, proves nothing', () => {
  const prover = createCandleProver('1m', { from: FROM, to: FROM + 120_000, absent: [] });

  prover.add(candleAt(FROM, '1m', false));
  prover.add({ open_time: FROM + 60_000, close_time: FROM + 119_998, is_closed: true });

  assert.deepEqual(prover.finish(), { counted: 2, covered: [], missing: [{ from: FROM, to: FROM + 120_000 }] });
});

test('3d takes its phase from the first row and still finds a missing bucket', () => {
  const step = 3 * 86_400_000;
  const first = openTimeFrom('3d', FROM) + 86_400_000;
  const claim = { from: first - 1_000, to: first + 4 * step - 1_000, absent: [] };
  const whole = createCandleProver('3d', claim);
  const holed = createCandleProver('3d', claim);

  for (const index of [0, 1, 2, 3]) whole.add(candleAt(first + index * step, '3d'));
  for (const index of [0, 1, 3]) holed.add(candleAt(first + index * step, '3d'));

  assert.deepEqual(whole.finish().missing, []);
  assert.deepEqual(holed.finish().missing, [{ from: first + 2 * step, to: first + 3 * step }]);
});

test('a range in which no bucket opens is proven by nothing at all', () => {
  const prover = createCandleProver('1h', { from: FROM + 1, to: FROM + 1_000, absent: [] });

  assert.deepEqual(prover.finish(), { counted: 0, covered: [{ from: FROM + 1, to: FROM + 1_000 }], missing: [] });
});

test('ids: covered, missing and absent ids are exactly the claim', () => {
  fc.assert(
    fc.property(
      fc.array(fc.boolean(), { minLength: 1, maxLength: 40 }),
      fc.array(fc.tuple(fc.nat(39), fc.nat(5)), { maxLength: 3 }),
      (present, cuts) => {
        const last = 100 + present.length - 1;
        const absent = cuts.map(([start, length]) => anAbsence({ from: 0, to: 1, from_id: 100 + start, to_id: 100 + start + length }));
        const prover = createIdProver({ from: 0, to: 1_000, from_id: 100, to_id: last, absent });

        for (const [index, here] of present.entries()) if (here) prover.add({ id: 100 + index, time: 10 + Math.floor(index / 3) });
        const proof = prover.finish();

        const holds = (ranges: readonly { from_id?: number; to_id?: number }[], id: number): boolean =>
          ranges.some((range) => (range.from_id ?? 0) <= id && id <= (range.to_id ?? 0));
        for (const [index, here] of present.entries()) {
          const id = 100 + index;
          assert.equal(holds(proof.covered, id), here);
          assert.equal(holds(proof.missing, id), !here && !holds(absent, id));
        }
        assert.ok([...proof.covered, ...proof.missing].every(hasIds));
      },
    ),
  );
});

test('ids: an hour without a trade is covered, and keeps its place between its neighbours', () => {
  const prover = createIdProver({ from: 0, to: 10, from_id: 7, to_id: 6, absent: [] });

  assert.deepEqual(prover.finish(), { counted: 0, covered: [{ from: 0, to: 10, from_id: 7, to_id: 6 }], missing: [] });
});

test('rows that nothing can prove yet are refused by name', () => {
  assert.throws(() => createProver({ exchange: 'binance', symbol: 'BTCUSDT', kind: 'quotes' }, { from: 0, to: 1, absent: [] }), {
    code: 'not_yet_supported',
  });
  assert.throws(() => createIdProver({ from: 0, to: 1, absent: [] }), { code: 'invalid_request' });
});
