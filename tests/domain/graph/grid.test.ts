import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { AppError, type ErrorCode } from '../../../shared/domain/errors.ts';
import { candleTable } from '../../../shared/domain/graph/candle-table.ts';
import { createGrid } from '../../../shared/domain/graph/grid.ts';
import { aCandle, BAR, candlesOf, FROM } from './a-market.ts';

const code =
  (expected: ErrorCode) =>
  (error: unknown): boolean =>
    error instanceof AppError && error.code === expected;

describe('the grid', () => {
  it('is dense and time-major: a bar without a candle is imputed with the close before it and no volume', () => {
    const tables = [candlesOf([1, 2, 3]), candlesOf([undefined, 20, undefined])].map(candleTable);

    const grid = createGrid(['A', 'B'], '5m', FROM, FROM + 3 * BAR, tables);

    assert.equal(grid.bars, 3);
    assert.deepEqual([...grid.imputed], [0, 1, 0, 0, 0, 1]);
    assert.deepEqual([...grid.close], [1, 0, 2, 20, 3, 20]);
    assert.deepEqual([...grid.open].slice(5), [20]);
    assert.deepEqual([...grid.volume], [10, 0, 10, 10, 10, 0]);
    assert.deepEqual([...grid.openTime], [FROM, FROM + BAR, FROM + 2 * BAR]);
    assert.deepEqual([...grid.closeTime], [FROM + BAR - 1, FROM + 2 * BAR - 1, FROM + 3 * BAR - 1]);
  });

  it('follows the calendar for months, and the rows for the phase of 3d', () => {
    const march = Date.UTC(2024, 2, 1);
    const monthly = aCandle(0, 5, { open_time: march, close_time: Date.UTC(2024, 3, 1) - 1 });
    const months = createGrid(['A'], '1M', Date.UTC(2024, 1, 1), Date.UTC(2024, 4, 1), [candleTable([monthly])]);
    assert.deepEqual([...months.openTime], [Date.UTC(2024, 1, 1), march, Date.UTC(2024, 3, 1)]);

    const day = 86_400_000;
    const first = FROM + day;
    const threeDays = [0, 1].map((k) => aCandle(0, 5, { open_time: first + k * 3 * day, close_time: first + (k + 1) * 3 * day - 1 }));
    const grid = createGrid(['A'], '3d', FROM, first + 6 * day, [candleTable(threeDays)]);
    assert.deepEqual([...grid.openTime], [first, first + 3 * day]);
  });

  const bad: [string, () => unknown, ErrorCode][] = [
    ['a range without a bar', () => createGrid(['A'], '5m', FROM, FROM, [candleTable([])]), 'invalid_request'],
    ['series without a candle', () => createGrid(['A'], '5m', FROM, FROM + BAR, [candleTable([])]), 'invalid_request'],
    [
      'a candle off the grid',
      () => createGrid(['A'], '5m', FROM, FROM + BAR, [candleTable([aCandle(0, 1, { open_time: FROM + 1 })])]),
      'row_refused',
    ],
    ['a candle outside of the range', () => createGrid(['A'], '5m', FROM, FROM + BAR, [candleTable([aCandle(1, 1)])]), 'row_refused'],
    ['a candle twice', () => createGrid(['A'], '5m', FROM, FROM + BAR, [candleTable([aCandle(0, 1), aCandle(0, 1)])]), 'row_refused'],
    ['more bars than a graph may have', () => createGrid(['A'], '1s', 0, 3_000_000_000, [candleTable([])]), 'invalid_request'],
    ['a candle that is still open', () => candleTable([aCandle(0, 1, { is_closed: false })]), 'rows_missing'],
  ];
  for (const [what, act, expected] of bad) {
    it(`refuses ${what} with ${expected}`, () => {
      assert.throws(act, code(expected));
    });
  }
});
