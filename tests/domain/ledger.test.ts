import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Absence, LedgerAddition, LedgerMonth } from '../../shared/domain/coverage.ts';
import { coverageOf, emptyMonth, extendMonth, lackingRanges, monthsOf, sameMonth, splitByMonth } from '../../shared/domain/ledger.ts';
import { mergeRanges, subtractRanges } from '../../shared/domain/range.ts';
import { parseSeriesId } from '../../shared/domain/series.ts';

const HOUR = 3_600_000;
const START = Date.UTC(2024, 0, 30);
const END = START + 96 * HOUR;
const candles = parseSeriesId('binance:BTCUSDT:candles:1h');
const trades = parseSeriesId('binance:BTCUSDT:trades');
const evidence = { method: 'klines', grade: 'two-reads', asked_at: [0, 0] } as const;
const covers = (...ranges: readonly (readonly [number, number])[]): LedgerAddition => ({
  covered: ranges.map(([from, to]) => ({ from: START + from * HOUR, to: START + to * HOUR, origin: 'rest' as const })),
  absent: [],
  open: [],
});

function ledgerOf(additions: readonly LedgerAddition[], series = candles): LedgerMonth[] {
  const months = new Map<string, LedgerMonth>();
  for (const addition of additions) {
    for (const [name, part] of splitByMonth(addition)) months.set(name, extendMonth(months.get(name) ?? emptyMonth(series, name), part));
  }
  return [...months.values()];
}

const spans = fc.array(
  fc.tuple(fc.nat(96), fc.nat(96)).map(([a, b]) => [Math.min(a, b), Math.max(a, b)] as const),
  { maxLength: 6 },
);

test('the ledger is the union of what was added, in any order, any number of times, over the edge of months', () => {
  fc.assert(
    fc.property(fc.array(spans, { maxLength: 5 }), (additions) => {
      const list = additions.map((ranges) => covers(...ranges));

      const once = coverageOf(candles, ledgerOf(list), START, END);
      const shuffled = coverageOf(candles, ledgerOf([...list, ...list].reverse()), START, END);

      assert.deepEqual(shuffled, once);
      assert.deepEqual(
        once.ranges.map(({ from, to }) => ({ from, to })),
        mergeRanges(list.flatMap((addition) => addition.covered)),
      );
      assert.deepEqual(lackingRanges(once), subtractRanges([{ from: START, to: END }], once.ranges));
      assert.equal(once.complete, once.holes.length === 0);
    }),
  );
});

test('the ledger only grows: no addition ever uncovers what was covered', () => {
  fc.assert(
    fc.property(spans, spans, (first, second) => {
      const before = coverageOf(candles, ledgerOf([covers(...first)]), START, END);
      const after = coverageOf(candles, ledgerOf([covers(...first), covers(...second)]), START, END);

      assert.deepEqual(subtractRanges(before.ranges, after.ranges), []);
    }),
  );
});

test('a hole carries the kind of the absence that covers it, and only what is left is missing', () => {
  const outage: Absence = { from: START + 2 * HOUR, to: START + 4 * HOUR, kind: 'exchange-outage', evidence };
  const months = ledgerOf([covers([0, 2], [5, 96]), { covered: [], absent: [outage], open: [] }]);

  const coverage = coverageOf(candles, months, START, END);

  assert.deepEqual(
    coverage.holes.map((hole) => [hole.kind, (hole.from - START) / HOUR, (hole.to - START) / HOUR]),
    [
      ['exchange-outage', 2, 4],
      ['missing', 4, 5],
    ],
  );
  assert.equal(coverage.complete, false);
  assert.equal(coverageOf(candles, months, START, START + 4 * HOUR).complete, true);
});

test('a refused row keeps its range incomplete until a row covers it', () => {
  const refused: LedgerAddition = {
    covered: [],
    absent: [],
    open: [{ from: START + HOUR, to: START + 2 * HOUR, kind: 'refused', code: 'precision_lost' }],
  };
  const before = coverageOf(candles, ledgerOf([covers([0, 1], [2, 96]), refused]), START, END);
  const after = coverageOf(candles, ledgerOf([covers([0, 96]), refused]), START, END);

  assert.deepEqual([before.complete, before.holes.map((hole) => hole.kind)], [false, ['refused']]);
  assert.deepEqual([after.complete, after.holes], [true, []]);
});

test('ids that do not join are a hole, even where the times touch; a quiet hour between ids that join is none', () => {
  const range = (from: number, to: number, from_id: number, to_id: number) => ({
    from: START + from * HOUR,
    to: START + to * HOUR,
    from_id,
    to_id,
    origin: 'rest' as const,
  });
  const skipping = ledgerOf([{ covered: [range(0, 1, 1, 10), range(1, 96, 12, 20)], absent: [], open: [] }], trades);
  const quiet = ledgerOf([{ covered: [range(0, 1, 1, 10), range(2, 96, 11, 20)], absent: [], open: [] }], trades);
  const skipped: Absence = { from: START + HOUR, to: START + HOUR, from_id: 11, to_id: 11, kind: 'id-skipped', evidence };

  assert.deepEqual(coverageOf(trades, skipping, START, END).holes, [
    { from: START + HOUR, to: START + HOUR, from_id: 11, to_id: 11, kind: 'missing' },
  ]);
  assert.deepEqual(lackingRanges(coverageOf(trades, skipping, START, END)), [{ from: START + HOUR, to: START + HOUR + 1 }]);
  assert.equal(coverageOf(trades, quiet, START, END).complete, true);
  const explained = coverageOf(
    trades,
    ledgerOf([{ covered: skipping.flatMap((month) => month.covered), absent: [skipped], open: [] }], trades),
    START,
    END,
  );
  assert.deepEqual([explained.complete, explained.holes.map((hole) => hole.kind)], [true, ['id-skipped']]);
});

test('months are told in UTC, and a range that ends at midnight stays in its month', () => {
  assert.deepEqual(monthsOf({ from: Date.UTC(2024, 0, 31, 23), to: Date.UTC(2024, 1, 1) }), ['2024-01']);
  assert.deepEqual(monthsOf({ from: Date.UTC(2023, 11, 31), to: Date.UTC(2024, 1, 1, 0, 0, 0, 1) }), ['2023-12', '2024-01', '2024-02']);
});

test('the same addition twice leaves the month as it was', () => {
  const [month] = ledgerOf([covers([0, 5], [7, 9])]);
  assert.ok(month);

  assert.ok(sameMonth(month, extendMonth(month, covers([0, 5]))));
  assert.ok(!sameMonth(month, extendMonth(month, covers([5, 6]))));
});
