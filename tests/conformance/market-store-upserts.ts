import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { compareCandles, type RankedCandle } from '../../shared/domain/order.ts';
import { rowKey } from '../../shared/domain/row-key.ts';
import { type Candle, ORIGINS, type Origin, type Quote, type Row, type Ticker, type Trade } from '../../shared/domain/rows.ts';
import { KINDS } from '../../shared/domain/series.ts';
import { anyProvenance, anyRow, anyTextTrade } from '../support/any-rows.ts';
import { aMinute } from '../support/written.ts';
import { collect, type MarketSuite } from './market-store.ts';

const rest = { origin: 'rest', received_at: 1_000 } as const;
const aTrade = (over: Partial<Trade> = {}): Trade => ({ id: 1, time: 1_722_470_400_000, price: 10.5, quantity: 2, side: 'buy', ...over });
const aQuote = (over: Partial<Quote> = {}): Quote => ({
  ...{ time: 1_722_470_400_000, time_source: 'exchange' as const, update_id: 1 },
  ...{ bid_price: 10, bid_quantity: 1, ask_price: 11, ask_quantity: 1, ...over },
});
const withoutRevision = (row: Row): Row => {
  const { revision: _, ...content } = row as Candle;
  return content as Row;
};

/** Part of the suite: what an upsert does to what is stored. */
export function describeUpserts(suite: MarketSuite): void {
  const everyKind = [
    ...KINDS.map((kind) => ({
      name: kind,
      series: kind === 'candles' || kind === 'bars' ? `${kind}:1m` : kind,
      exchange: 'binance',
      row: anyRow[kind],
    })),
    { name: 'trades with text ids', series: 'trades', exchange: 'bitmex', row: anyTextTrade },
  ];
  for (const { name, series: rest_, exchange, row } of everyKind) {
    test(`${name} come back as they were given: every double bit for bit, absent fields absent`, async () => {
      const arrayOfRows = fc.uniqueArray(row, { maxLength: 40, selector: (one) => rowKey(suite.fresh(rest_, exchange), one) });

      await fc.assert(
        fc.asyncProperty(arrayOfRows, anyProvenance, async (rows, provenance) => {
          const series = suite.fresh(rest_, exchange);
          const outcome = await suite.market.upsertRows(series, rows, provenance);
          const stored = await collect(suite.market.readRows(series));

          assert.deepEqual(outcome, { written: rows.length, unchanged: 0, conflicts: [] });
          const byKey = (list: readonly Row[]) => new Map(list.map((one) => [rowKey(series, one), one]));
          assert.equal(stored.length, rows.length);
          assert.deepEqual(byKey(stored), byKey(rows));
        }),
        { numRuns: 40 },
      );
    });
  }

  test('case 61: any order of arrival of a set of candle versions ends in the same rows', async () => {
    const version = fc.record(
      {
        minute: fc.nat(2),
        close: fc.constantFrom(59_999, 60_000),
        trade_count: fc.constantFrom(undefined, 1, 2),
        is_closed: fc.boolean(),
        origin: fc.constantFrom(...ORIGINS),
        received_at: fc.integer({ min: 1, max: 3 }),
      },
      { noNullPrototype: true },
    );
    const versions = fc.array(version, { minLength: 1, maxLength: 12 });
    const ranked = ({
      minute,
      close,
      trade_count,
      is_closed,
      origin,
      received_at,
    }: typeof version extends fc.Arbitrary<infer V> ? V : never) => {
      const { trade_count: _, ...candle } = aMinute(minute, { close, is_closed });
      return { row: trade_count === undefined ? candle : { ...candle, trade_count }, origin, received_at } satisfies RankedCandle;
    };

    await fc.assert(
      fc.asyncProperty(
        versions.chain((list) => fc.tuple(fc.constant(list), fc.shuffledSubarray(list, { minLength: list.length }))),
        async (orders) => {
          const expected = new Map<number, RankedCandle>();
          for (const one of orders[0].map(ranked)) {
            const best = expected.get(one.row.open_time);
            if (best === undefined || compareCandles(one, best) > 0) expected.set(one.row.open_time, one);
          }

          for (const order of orders) {
            const series = suite.fresh('candles:1m');
            for (const { row, ...provenance } of order.map(ranked)) await suite.market.upsertRows(series, [row], provenance);
            const stored = await collect(suite.market.readRows(series));
            const rows = [...expected.values()].map(({ row }) => row).sort((a, b) => a.open_time - b.open_time);
            assert.deepEqual(stored.map(withoutRevision), rows);
          }
        },
      ),
      { numRuns: 30 },
    );
  });

  test('each term of the order of candle versions decides where those before it are equal, whichever comes first', async () => {
    const version = (origin: Origin, received_at: number, over: Partial<Candle>) => ({
      row: aMinute(0, over),
      provenance: { origin, received_at },
    });
    const [low, high] = [{ close: 60_000.2 }, { close: 60_000.3 }];
    const pairs = {
      closed: [version('ws', 1, { ...low, trade_count: 1 }), version('rest', 9, { ...high, trade_count: 9, is_closed: false })],
      trades: [version('ws', 1, { ...low, trade_count: 2 }), version('rest', 9, { ...high, trade_count: 1 })],
      origin: [version('rest', 1, low), version('ws', 9, high)],
      arrival: [version('rest', 2, low), version('rest', 1, high)],
      content: [version('rest', 1, high), version('rest', 1, low)],
    } as const;

    for (const [term, [better, worse]] of Object.entries(pairs))
      for (const order of [
        [better, worse],
        [worse, better],
      ]) {
        const series = suite.fresh('candles:1m');
        for (const { row, provenance } of order) await suite.market.upsertRows(series, [row], provenance);
        assert.deepEqual((await collect(suite.market.readRows(series))).map(withoutRevision), [better.row], term);
      }
  });

  test('versions of one candle inside one batch are settled like those of several batches', async () => {
    const series = suite.fresh('candles:1m');
    const forming = aMinute(0, { is_closed: false, trade_count: 5 });
    const closed = aMinute(0, { trade_count: 9 });
    const early = aMinute(0, { trade_count: 8 });

    const outcome = await suite.market.upsertRows(series, [forming, closed, early, forming, aMinute(1)], rest);

    assert.deepEqual(outcome, { written: 3, unchanged: 2, conflicts: [] });
    assert.deepEqual(await collect(suite.market.readRows(series)), [closed, aMinute(1)]);
  });

  test('revision counts the changes of a closed candle, and nothing else', async () => {
    const series = suite.fresh('candles:1m');
    const write = (over: Partial<Candle>, received_at: number) =>
      suite.market.upsertRows(series, [aMinute(0, over)], { origin: 'rest', received_at });
    const revision = async () => ((await collect(suite.market.readRows(series)))[0] as Candle).revision;

    await write({ is_closed: false, close: 60_000.5, revision: 3 }, 1);
    await write({ is_closed: false, close: 60_000.6 }, 2);
    await write({ close: 60_000.7 }, 3);
    assert.equal(await revision(), undefined, 'until it closed');
    await write({ close: 60_000.7 }, 4);
    assert.equal(await revision(), undefined, 'seen again with the same content');
    await write({ close: 60_000.8 }, 5);
    await write({ close: 60_000.7 }, 2);
    assert.equal(await revision(), 1, 'one late correction, one that came too late');
    await write({ close: 60_000.9, revision: 7 }, 6);
    assert.equal(await revision(), 2, 'a revision is counted, not taken over');
  });

  test('a better source of equal content is remembered without counting as a write', async () => {
    const series = suite.fresh('candles:1m');
    await suite.market.upsertRows(series, [aMinute(0)], { origin: 'ws', received_at: 1 });

    const confirmed = await suite.market.upsertRows(series, [aMinute(0)], { origin: 'rest', received_at: 2 });
    const late = await suite.market.upsertRows(series, [aMinute(0, { close: 60_001 })], { origin: 'ws', received_at: 9 });

    assert.deepEqual(confirmed, { written: 0, unchanged: 1, conflicts: [] });
    assert.deepEqual(late, { written: 0, unchanged: 1, conflicts: [] });
    assert.deepEqual(await collect(suite.market.readRows(series)), [aMinute(0)]);
  });

  test('case 2 and 51: the same rows again change nothing', async () => {
    for (const [series, rows] of [
      [suite.fresh('candles:1m'), Array.from({ length: 1_000 }, (_, i) => aMinute(i))],
      [suite.fresh('trades'), Array.from({ length: 1_000 }, (_, i) => aTrade({ id: 500 + i, time: 1_722_470_400_000 + i }))],
      [suite.fresh('trades', 'bitmex'), Array.from({ length: 20 }, (_, i) => aTrade({ id: `uuid-${i}`, time: 1_722_470_400_000 + i }))],
    ] as const) {
      const first = await suite.market.upsertRows(series, rows, rest);
      const again = await suite.market.upsertRows(series, rows, rest);
      const overlapping = await suite.market.upsertRows(series, [...rows.slice(-5), ...rows.slice(0, 5)], rest);

      assert.deepEqual(first, { written: rows.length, unchanged: 0, conflicts: [] });
      assert.deepEqual(again, { written: 0, unchanged: rows.length, conflicts: [] });
      assert.deepEqual(overlapping, { written: 0, unchanged: 10, conflicts: [] });
      assert.deepEqual(await collect(suite.market.readRows(series)), rows);
      assert.equal((await suite.market.describeSeries(series))?.rows, rows.length);
    }
  });

  test('a trade with another content under a stored id is a conflict: the first is kept, its neighbours are written', async () => {
    for (const [series, id] of [
      [suite.fresh('trades'), (n: number) => n],
      [suite.fresh('trades', 'bitmex'), (n: number) => `uuid-${n}`],
    ] as const) {
      await suite.market.upsertRows(series, [aTrade({ id: id(5) })], rest);

      const outcome = await suite.market.upsertRows(
        series,
        [
          aTrade({ id: id(4) }),
          aTrade({ id: id(5), price: 10.6 }),
          aTrade({ id: id(6) }),
          aTrade({ id: id(6), time: 1 }),
          aTrade({ id: id(5) }),
        ],
        rest,
      );

      const conflicts = [
        { index: 1, key: String(id(5)) },
        { index: 3, key: String(id(6)) },
      ];
      assert.deepEqual(outcome, { written: 2, unchanged: 1, conflicts });
      assert.deepEqual(
        await collect(suite.market.readRows(series)),
        [4, 5, 6].map((n) => aTrade({ id: id(n) })),
      );
    }
  });

  test('quotes and depth never change under their key either', async () => {
    const quotes = suite.fresh('quotes');
    const depth = suite.fresh('depth');
    const aDiff = { time: 5, first_update_id: 1, last_update_id: 9, snapshot: false, bids: [[10, 1]], asks: [] } as const;
    await suite.market.upsertRows(quotes, [aQuote()], rest);
    await suite.market.upsertRows(depth, [aDiff, { ...aDiff, snapshot: true }], rest);

    const quoteOutcome = await suite.market.upsertRows(quotes, [aQuote({ bid_price: 9 }), aQuote({ update_id: 2 })], rest);
    const depthOutcome = await suite.market.upsertRows(depth, [{ ...aDiff, bids: [[10, 0]] }, aDiff], rest);

    assert.deepEqual(quoteOutcome, { written: 1, unchanged: 0, conflicts: [{ index: 0, key: '1722470400000:1' }] });
    assert.deepEqual(depthOutcome, { written: 0, unchanged: 1, conflicts: [{ index: 0, key: 'd:9' }] });
  });

  test('case 23 and 24: equal ids of two symbols, or of trades and aggregates, are different rows', async () => {
    const one = suite.fresh('trades');
    const other = suite.fresh('trades');
    const aggregates = { ...one, kind: 'agg-trades' } as const;
    await suite.market.upsertRows(one, [aTrade()], rest);
    await suite.market.upsertRows(other, [aTrade({ price: 20 })], rest);
    await suite.market.upsertRows(aggregates, [{ ...aTrade({ price: 30 }), id: 1, first_trade_id: 1, last_trade_id: 2 }], rest);

    const prices = await Promise.all(
      [one, other, aggregates].map(async (series) => ((await collect(suite.market.readRows(series)))[0] as Trade).price),
    );

    assert.deepEqual(prices, [10.5, 20, 30]);
  });

  test('the latest quote and ticker are the newest by update id, else by time, in any order of arrival', async () => {
    const byId = suite.fresh('quotes');
    const byTime = suite.fresh('quotes', 'bitmex');
    const tickers = suite.fresh('tickers');
    const { update_id: _, ...unnumbered } = aQuote();
    const aTicker = (time: number): Ticker => ({
      ...{ time, last_price: time, price_change: 0, price_change_percent: 0, weighted_average_price: 1 },
      ...{ open: 1, high: 1, low: 1, volume: 1, quote_volume: 1, trade_count: 1 },
    });
    for (const id of [7, 9, 8]) await suite.market.upsertRows(byId, [aQuote({ update_id: id, time: 100 - id })], rest);
    await suite.market.upsertRows(
      byTime,
      [5, 7, 6].map((time) => ({ ...unnumbered, time })),
      rest,
    );
    for (const time of [5, 7, 6]) await suite.market.upsertRows(tickers, [aTicker(time)], rest);

    assert.deepEqual(await suite.market.readLatest(byId), aQuote({ update_id: 9, time: 91 }));
    assert.deepEqual(await suite.market.readLatest(byTime), { ...unnumbered, time: 7 });
    assert.deepEqual(await suite.market.readLatest(tickers), aTicker(7));
    assert.equal(await suite.market.readLatest(suite.fresh('quotes')), undefined);
  });

  test('a batch of 5,000 rows is taken, a larger one and keys that are no whole numbers are refused', async () => {
    const series = suite.fresh('trades');
    const rows = Array.from({ length: 5_001 }, (_, i) => aTrade({ id: 3 * i }));

    await assert.rejects(suite.market.upsertRows(series, rows, rest), { code: 'invalid_request' });
    for (const id of ['1', 1.5, Number.NaN, 2 ** 53])
      await assert.rejects(suite.market.upsertRows(series, [aTrade({ id })], rest), { code: 'invalid_request' });
    assert.equal(await suite.market.countRows(series), 0);
    assert.equal((await suite.market.upsertRows(series, rows.slice(1), rest)).written, 5_000);
    assert.deepEqual(await suite.market.upsertRows(series, [], rest), { written: 0, unchanged: 0, conflicts: [] });
  });
}
