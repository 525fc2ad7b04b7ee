import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Candle, Row, Trade } from '../../shared/domain/rows.ts';
import { type Series, seriesId } from '../../shared/domain/series.ts';
import { anyProvenance } from '../support/any-rows.ts';
import { LAID_OUT, meetingRow } from '../support/usual-rows.ts';
import { aMinute } from '../support/written.ts';
import { collect, type MarketSuite } from './market-store.ts';

const rest = { origin: 'rest', received_at: 1_000 } as const;
const MOST = 1_000;

/** Rows as events carry them. */
const textOf = (rows: readonly unknown[]): Uint8Array => Buffer.from(JSON.stringify(rows));
const aTrade = (id: number, over: Partial<Trade> = {}): Trade => ({
  ...{ id, time: 1_722_470_400_000 + id, price: 10.5, quantity: 2 },
  ...{ quote_quantity: 21, side: 'buy' as const, is_best_match: true, ...over },
});
const someMinutes = (count: number): Candle[] => Array.from({ length: count }, (_, minute) => aMinute(minute));

/** Part of the suite: what an upsert of rows in JSON does, beside an upsert of the rows themselves. */
export function describeTexts(suite: MarketSuite): void {
  const upsertText = (series: Series, text: Uint8Array, mostRows = MOST) => suite.market.upsertText(series, text, mostRows, rest);
  const stored = (series: Series): Promise<Row[]> => collect(suite.market.readRows(series));

  for (const kind of LAID_OUT) {
    test(`text of ${kind} is stored as its rows are, with the same outcome, whatever is there and in whatever order`, async () => {
      const name = kind === 'candles' || kind === 'bars' ? `${kind}:1m` : kind;
      const batches = fc.array(fc.tuple(fc.array(meetingRow[kind], { minLength: 1, maxLength: 12 }), anyProvenance), {
        minLength: 1,
        maxLength: 4,
      });

      await fc.assert(
        fc.asyncProperty(batches, async (list) => {
          const [texts, rows, mixed] = [suite.fresh(name), suite.fresh(name), suite.fresh(name)];
          for (const [index, [batch, provenance]] of list.entries()) {
            const [byText, byRows, either] = await Promise.all([
              suite.market.upsertText(texts, textOf(batch), MOST, provenance),
              suite.market.upsertRows(rows, batch, provenance),
              index % 2 === 0
                ? suite.market.upsertText(mixed, textOf(batch), MOST, provenance)
                : suite.market.upsertRows(mixed, batch, provenance),
            ]);
            assert.deepEqual([byText, either], [byRows, byRows]);
          }
          const expected = await stored(rows);
          assert.deepEqual([await stored(texts), await stored(mixed)], [expected, expected]);
          assert.equal((await suite.market.describeSeries(texts))?.rows, expected.length);
        }),
        { numRuns: 15 },
      );
    });
  }

  test('text is read from where it lies in its buffer, and the buffer stays with the caller', async () => {
    const series = suite.fresh('trades');
    const text = textOf([aTrade(1), aTrade(2)]);
    const whole = Buffer.concat([Buffer.from('[[x'), text, Buffer.from(']]]')]);
    const before = Buffer.from(whole);

    const outcome = await upsertText(series, whole.subarray(3, 3 + text.length));

    assert.deepEqual(outcome, { written: 2, unchanged: 0, conflicts: [] });
    assert.deepEqual(await stored(series), [aTrade(1), aTrade(2)]);
    assert.deepEqual(whole, before);
  });

  const good = textOf([aTrade(1)]).toString();
  const rowsOfOthers = { quotes: 'quotes', depth: 'depth', tickers: 'tickers' } as const;
  for (const [what, kind, text] of [
    ['a row that fails its check', 'trades', textOf([aTrade(1), aTrade(2, { price: 0 }), aTrade(3)])],
    ['a last row that fails its check', 'candles:1m', textOf([aMinute(0), aMinute(1, { low: 60_003 })])],
    ['a row of another interval', 'candles:5m', textOf([aMinute(0)])],
    ['rows of another kind', 'agg-trades', textOf([aTrade(1)])],
    ['a field more', 'trades', textOf([{ ...aTrade(1), contracts: 1 }])],
    ['a field less', 'trades', textOf([(({ quote_quantity: _, ...row }) => row)(aTrade(1))])],
    ['fields in another order', 'trades', textOf([Object.fromEntries(Object.entries(aTrade(1)).reverse())])],
    ['an open candle', 'candles:1m', textOf([aMinute(0, { is_closed: false })])],
    ['a number with an exponent', 'trades', textOf([aTrade(1, { quantity: 1e-8 })])],
    ['a blank before it', 'trades', Buffer.from(` ${good}`)],
    ['a blank behind it', 'trades', Buffer.from(`${good}\n`)],
    ['a blank inside it', 'trades', Buffer.from(good.replace(',', ', '))],
    ['half a row', 'trades', Buffer.from(good.slice(0, -9))],
    ['a list that does not end', 'trades', Buffer.from(good.slice(0, -1))],
    ['two lists', 'trades', Buffer.from(good + good)],
    ['one row without a list', 'trades', Buffer.from(good.slice(1, -1))],
    ['no row', 'trades', Buffer.from('[]')],
    ['nothing', 'trades', Buffer.alloc(0)],
    ...Object.values(rowsOfOthers).map((each) => [`text of ${each}, which has no layout`, each, Buffer.from('[{"time":1}]')] as const),
  ] as const) {
    test(`text is not taken, and nothing of it is written, with ${what}`, async () => {
      const series = suite.fresh(kind);
      const others = suite.fresh('trades');

      const [outcome] = await Promise.all([upsertText(series, text), upsertText(others, textOf([aTrade(7)]))]);

      assert.equal(outcome, undefined);
      assert.deepEqual(await stored(series), []);
      assert.equal(await suite.market.describeSeries(series), undefined);
      const listed = (await suite.market.listSeries()).map(({ series: name }) => name);
      assert.deepEqual([listed.includes(seriesId(series)), listed.includes(seriesId(others))], [false, true]);
      assert.deepEqual(await stored(others), [aTrade(7)], 'what was written beside it is there');
    });
  }

  test('text of an exchange with ids of another form is not taken', async () => {
    const series = suite.fresh('trades', 'bitmex');

    assert.equal(await upsertText(series, textOf([aTrade(1)])), undefined);
    assert.equal(await upsertText(series, textOf([{ ...aTrade(1), id: 'uuid-1' }])), undefined);
    assert.equal(await suite.market.describeSeries(series), undefined);
  });

  test('text of as many rows as were allowed is taken, of one more not', async () => {
    const series = suite.fresh('candles:1m');

    assert.equal(await upsertText(series, textOf(someMinutes(4)), 3), undefined);
    assert.equal(await suite.market.describeSeries(series), undefined);
    assert.equal((await upsertText(series, textOf(someMinutes(3)), 3))?.written, 3);
    assert.equal(await upsertText(series, textOf(someMinutes(MOST + 1))), undefined);
    assert.equal((await upsertText(series, textOf(someMinutes(MOST))))?.written, MOST - 3);
  });

  test('text of 5,000 rows is taken, of more never, however many were allowed', async () => {
    const series = suite.fresh('candles:1m');

    assert.equal(await upsertText(series, textOf(someMinutes(5_001)), 10_000), undefined);
    assert.equal(await suite.market.countRows(series), 0);
    assert.equal((await upsertText(series, textOf(someMinutes(5_000)), 10_000))?.written, 5_000);
  });

  test('a trade in text with another content under a stored id is a conflict at its place: the first is kept', async () => {
    for (const kind of ['trades', 'agg-trades'] as const) {
      const series = suite.fresh(kind);
      const row = (id: number, price = 10.5): unknown =>
        kind === 'trades'
          ? aTrade(id, { price })
          : { id, first_trade_id: id, last_trade_id: id, time: 1_722_470_400_000, price, quantity: 1, side: 'sell' };
      await upsertText(series, textOf([row(5)]));

      const outcome = await upsertText(series, textOf([row(4), row(5, 11), row(6), row(6, 12), row(5)]));

      const conflicts = [
        { index: 1, key: '5' },
        { index: 3, key: '6' },
      ];
      assert.deepEqual(outcome, { written: 2, unchanged: 1, conflicts });
      assert.deepEqual(await stored(series), [row(4), row(5), row(6)]);
    }
  });

  test('candles in text keep the order of candles: a worse source changes nothing, a later correction counts as a revision', async () => {
    const series = suite.fresh('candles:1m');
    const write = (origin: 'rest' | 'ws', received_at: number, close: number) =>
      suite.market.upsertText(series, textOf([aMinute(0, { close })]), MOST, { origin, received_at });
    await write('rest', 5, 60_000);

    const outcomes = [await write('ws', 9, 60_000.5), await write('rest', 4, 60_000.5), await write('rest', 6, 60_001)];

    assert.deepEqual(
      outcomes.map((outcome) => [outcome?.written, outcome?.unchanged]),
      [
        [0, 1],
        [0, 1],
        [1, 0],
      ],
    );
    assert.deepEqual(await stored(series), [aMinute(0, { close: 60_001, revision: 1 })]);
  });

  test('a closed store answers store_unavailable for text too', async () => {
    const { market } = await suite.place.open();

    await market.close();

    await assert.rejects(market.upsertText(suite.fresh('trades'), textOf([aTrade(1)]), MOST, rest), { code: 'store_unavailable' });
  });
}
