import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { type Interval, nextOpenTime, openTimeFrom } from '../../../shared/domain/interval.ts';
import type { TimeRange } from '../../../shared/domain/range.ts';
import { type CandleSeries, mapCandles, scanCandles } from '../../../shared/exchanges/binance/map-candles.ts';
import { scanKlines } from '../../../shared/exchanges/binance/scan-klines.ts';
import { edited, jsonOf, oneEdit } from '../../support/byte-edits.ts';
import { aKline, FIVE_MINUTES, klinesOf, START } from './wire-rows.ts';

const seriesOf = (interval: Interval): CandleSeries => ({ exchange: 'binance', symbol: 'BTCUSDT', kind: 'candles', interval });
const series = seriesOf('5m');
const window = (buckets: number): TimeRange => ({ from: START, to: START + buckets * FIVE_MINUTES });
const page = (rows: unknown): Buffer => Buffer.from(JSON.stringify(rows));

/** Fails where a page is scanned to other rows than it is parsed to; true where it was scanned. */
function scansAlike(of: CandleSeries, body: Uint8Array, within: TimeRange): boolean {
  const scanned = scanCandles(of, body, within);
  if (scanned === undefined) return false;
  const raw = jsonOf(body);
  assert.ok(Array.isArray(raw), `no list was scanned: ${Buffer.from(body).toString('latin1')}`);
  assert.deepStrictEqual(scanned, mapCandles(of, raw, within));
  return true;
}

/** Text of an amount in the exchange's own form, of so many digits at most. */
const decimal = (most: number) =>
  fc
    .tuple(fc.bigInt(1n, 10n ** BigInt(most - 8) - 1n), fc.nat(99_999_999))
    .map(([whole, decimals]) => `${whole}.${String(decimals).padStart(8, '0')}`);
const price = decimal(15);

/** A page of one interval as the exchange sends it, from the first bucket of 2024-08 on, and how many buckets it covers. */
const regularPage = fc
  .tuple(
    fc.constantFrom<Interval>('1m', '5m', '1d', '3d', '1w', '1M'),
    fc.array(fc.tuple(fc.array(price, { minLength: 4, maxLength: 4 }), fc.array(decimal(20), { minLength: 4, maxLength: 4 }), fc.nat()), {
      minLength: 1,
      maxLength: 6,
    }),
  )
  .map(([interval, rows]) => {
    let open = openTimeFrom(interval, START);
    const klines = rows.map(([prices, [volume, quote, taker, takerQuote], trades]): unknown[] => {
      const [low, first, last, high] = prices.toSorted((a, b) => Number(a) - Number(b));
      const openTime = open;
      open = nextOpenTime(interval, open);
      return [openTime, first, high, low, last, volume, open - 1, quote, trades, taker, takerQuote, '0'];
    });
    return { series: seriesOf(interval), klines, window: { from: START, to: open } };
  });

/** What else a column may hold: absent values, too many digits, other forms and types. */
const anyColumn = fc.oneof(
  fc.constantFrom<unknown>(null, true, '', '0', '00.1', '1.', '.5', '-1', '1e5', 'x', 'ü', 0, -1, 1.5, 1e21, '0.00000000', {}, []),
  decimal(17),
  fc.bigInt(10n ** 15n, 10n ** 17n).map(String),
  price,
  fc.nat(),
);

describe('a page of klines that is scanned', () => {
  test('is the page that is parsed and mapped: pages of the usual layout, of any interval', () => {
    fc.assert(
      fc.property(regularPage, ({ series: of, klines, window: within }) => {
        assert.equal(scansAlike(of, page(klines), within), true);
      }),
      { numRuns: 1_000 },
    );
  });

  test('is the page that is parsed and mapped, or left to that, with any columns in place of the usual ones', () => {
    const changes = fc.array(fc.tuple(fc.nat(5), fc.nat(12), anyColumn), { maxLength: 2 });
    let scanned = 0;

    fc.assert(
      fc.property(regularPage, changes, ({ series: of, klines, window: within }, put) => {
        for (const [row, column, value] of put) (klines[row % klines.length] as unknown[])[column] = value;
        if (scansAlike(of, page(klines), within)) scanned += 1;
      }),
      { numRuns: 3_000 },
    );

    assert.ok(scanned > 300);
  });

  test('is the page that is parsed and mapped, or left to that, whatever its order, its window and its times are', () => {
    const anyTimes = fc.constantFrom<'ms' | 'open in µs' | 'both in µs'>('ms', 'ms', 'open in µs', 'both in µs');

    fc.assert(
      fc.property(
        regularPage,
        fc.array(fc.nat(5), { minLength: 1, maxLength: 8 }),
        fc.integer({ min: -2, max: 3 }),
        fc.integer({ min: -3, max: 2 }),
        anyTimes,
        ({ series: of, klines, window: within }, order, later, longer, times) => {
          const rows = order.map((at) => [...(klines[at % klines.length] as unknown[])]);
          for (const row of rows) {
            if (times !== 'ms') row[0] = Number(row[0]) * 1_000;
            if (times === 'both in µs') row[6] = Number(row[6]) * 1_000 + 999;
          }
          const step = Number(klines[0]?.[6]) + 1 - Number(klines[0]?.[0]);
          const bounds = { from: within.from + later * Math.floor(step / 2), to: within.to + longer * Math.floor(step / 2) };

          scansAlike(of, page(rows), bounds);
          scansAlike(of, page(rows), { from: 0, to: Number.MAX_SAFE_INTEGER });
        },
      ),
      { numRuns: 3_000 },
    );
  });

  test('is never taken from bytes that JSON.parse would refuse or read otherwise, whichever byte is wrong', () => {
    const whole = page(klinesOf(0, 2));
    let scanned = 0;

    for (const wrong of oneEdit(whole)) if (scansAlike(series, wrong, window(2))) scanned += 1;

    assert.ok(scanned > 100, 'another digit is another number');
  });

  test('is never taken from bytes of which several are wrong', () => {
    const anEdit = fc.tuple(
      fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
      fc.constantFrom('delete' as const, 'insert' as const, 'replace' as const),
      fc.nat(255),
    );

    fc.assert(
      fc.property(regularPage, fc.array(anEdit, { minLength: 1, maxLength: 4 }), ({ series: of, klines, window: within }, edits) => {
        scansAlike(of, edited(page(klines), edits), within);
      }),
      { numRuns: 3_000 },
    );
  });

  test('case 13: is never taken from a page that was cut', () => {
    const whole = page(klinesOf(0, 3));

    for (let bytes = 0; bytes < whole.length; bytes += 1) assert.equal(scanCandles(series, whole.subarray(0, bytes), window(3)), undefined);
    assert.equal(scanCandles(series, whole, window(3))?.rows.length, 3);
  });

  const at = (bucket: number, over: { readonly [column: number]: unknown } = {}) => aKline(bucket, over);
  for (const [what, body, isScanned] of [
    ['rows in order', page([at(0), at(1), at(2)]), true],
    ['a hole between rows', page([at(0), at(2)]), true],
    ['a flat candle without trades', page([at(0, { 5: '0.00000000', 7: '0.00000000', 8: 0, 9: '0.00000000', 10: '0.00000000' })]), true],
    ['a volume of 17 digits', page([at(0, { 5: '123456789.12345678' })]), true],
    ['a price of 15 digits', page([at(0, { 2: '6000100.12345678' })]), true],
    ['a price of 16 digits', page([at(0, { 2: '60001000.12345678' })]), false],
    ['a price of 16 digits, the last of them 0', page([at(0, { 2: '60001000.12345670' })]), false],
    ['a value that the source lacks', page([at(0, { 7: null })]), false],
    ['a row twice', page([at(0), at(0), at(1)]), false],
    ['rows out of order', page([at(1), at(0)]), false],
    ['a row before the window', page([at(-1), at(0)]), false],
    ['a row at the end of the window', page([at(2), at(3)]), false],
    ['a row that fails its check', page([at(0), at(1, { 3: '0.00000000' })]), false],
    ['a close time of another interval', page([at(0, { 6: START + 2 * FIVE_MINUTES - 1 })]), false],
    ['times in µs', page([at(0, { 0: START * 1_000, 6: (START + FIVE_MINUTES) * 1_000 - 1 })]), false],
    ['one column more', page([[...at(0), '0']]), false],
    ['one column less', page([at(0).slice(0, 11)]), false],
    ['a price as a number', page([at(0, { 1: 60_000 })]), false],
    ['a count in quotes', page([at(0, { 8: '7' })]), false],
    ['no row', Buffer.from('[]'), false],
    ['a row that is no list', page([at(0), 'x']), false],
    ['an object', page({ code: -1121, msg: 'Invalid symbol.' }), false],
    [
      'a blank between columns',
      Buffer.from(
        page([at(0)])
          .toString()
          .replace(',', ', '),
      ),
      false,
    ],
    ['a blank behind it', Buffer.concat([page([at(0)]), Buffer.from(' ')]), false],
    ['a second page behind it', Buffer.concat([page([at(0)]), page([at(1)])]), false],
    ['nothing', Buffer.alloc(0), false],
  ] as const) {
    test(`is what it is parsed to, and ${isScanned ? 'scanned' : 'left to that'}: ${what}`, () => {
      assert.equal(scansAlike(series, body, window(3)), isScanned);
    });
  }

  test('is read from the part of a buffer that was given, and from nothing behind it', () => {
    const body = page(klinesOf(0, 1));
    const within = Buffer.concat([Buffer.from('[['), body, Buffer.from(']')]);

    assert.equal(scanKlines(within.subarray(2, 2 + body.length))?.length, 1);
    assert.equal(scanKlines(within.subarray(2, 1 + body.length)), undefined);
  });
});
