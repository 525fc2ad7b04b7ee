import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { createProver } from '../../shared/domain/proof.ts';
import { rowKey } from '../../shared/domain/row-key.ts';
import type { Candle, Depth, Row, Trade } from '../../shared/domain/rows.ts';
import { type Series, seriesId } from '../../shared/domain/series.ts';
import { aMinute } from '../support/written.ts';
import { collect, type MarketSuite } from './market-store.ts';

const rest = { origin: 'rest', received_at: 1_000 } as const;
const START = aMinute(0).open_time;
const aTrade = (id: number | string, time: number): Trade => ({ id, time, price: 1, quantity: 1, side: 'sell' });

/** Part of the suite: reads, counts, proofs and deletions. */
export function describeReads(suite: MarketSuite): void {
  async function fill(series: Series, rows: readonly Row[]): Promise<void> {
    for (let at = 0; at < rows.length; at += 5_000) await suite.market.upsertRows(series, rows.slice(at, at + 5_000), rest);
  }

  test('twenty thousand rows stream in order, a page of at most 5,000 at a time', async () => {
    const series = suite.fresh('candles:1m');
    const rows = Array.from({ length: 20_000 }, (_, i) => aMinute(i));
    await fill(series, rows.toReversed());
    const sizes: number[] = [];
    const seen: Row[] = [];

    for await (const page of suite.market.readRows(series)) {
      sizes.push(page.length);
      seen.push(...page);
    }

    assert.deepEqual(seen, rows);
    assert.ok(Math.max(...sizes) <= 5_000, `pages of ${sizes.join(', ')}`);
    assert.equal(await suite.market.countRows(series), 20_000);
  });

  test('a reader asks for a page when it wants one: it may stop, and rows written meanwhile behind it are seen', async () => {
    const series = suite.fresh('candles:1m');
    await fill(
      series,
      Array.from({ length: 5_000 }, (_, i) => aMinute(i)),
    );
    const pages = suite.market.readRows(series)[Symbol.asyncIterator]();
    const first = await pages.next();

    await fill(series, [aMinute(5_000)]);

    assert.equal(first.value?.length, 5_000);
    assert.deepEqual((await pages.next()).value, [aMinute(5_000)]);
    assert.equal((await pages.next()).done, true);
    for await (const page of suite.market.readRows(series)) {
      assert.ok(page.length > 0);
      break;
    }
    assert.equal(await suite.market.countRows(series), 5_001);
  });

  test('an aborted read rejects with the reason of its signal', async () => {
    const series = suite.fresh('candles:1m');
    await fill(series, [aMinute(0)]);
    const reason = new Error('enough');

    await assert.rejects(collect(suite.market.readRows(series, {}, AbortSignal.abort(reason))), reason);
    await assert.rejects(
      suite.market.proveRange(series, { from: START, to: START + 60_000, absent: [] }, AbortSignal.abort(reason)),
      reason,
    );
  });

  test('case 4: times are half-open, ids inclusive; limit and after cut where they say', async () => {
    const candles = suite.fresh('candles:1m');
    const trades = suite.fresh('trades');
    await fill(
      candles,
      Array.from({ length: 10 }, (_, i) => aMinute(i)),
    );
    await fill(
      trades,
      Array.from({ length: 10 }, (_, i) => aTrade(100 + i, START + 10 * i)),
    );
    const minutes = async (query: object) =>
      (await collect(suite.market.readRows(candles, query))).map((row) => ((row as Candle).open_time - START) / 60_000);
    const ids = async (query: object) => (await collect(suite.market.readRows(trades, query))).map((row) => (row as Trade).id);

    assert.deepEqual(await minutes({ from: START + 120_000, to: START + 300_000 }), [2, 3, 4]);
    assert.deepEqual(await minutes({ from: START + 120_001, to: START + 300_001 }), [3, 4, 5]);
    assert.deepEqual(await minutes({ after: String(START + 420_000) }), [8, 9]);
    assert.deepEqual(await minutes({ from: START + 120_000, after: String(START), limit: 2 }), [2, 3]);
    assert.deepEqual(await minutes({ limit: 0 }), []);
    assert.deepEqual(await ids({ from_id: 103, to_id: 105 }), [103, 104, 105]);
    assert.deepEqual(await ids({ from: START + 20, to: START + 50 }), [102, 103, 104]);
    assert.deepEqual(await ids({ from: START + 20, after: '103', limit: 2 }), [104, 105]);
    assert.deepEqual(await ids({ from_id: 103, to_id: 102 }), []);
    assert.equal(await suite.market.countRows(trades, { from_id: 103, to_id: 105 }), 3);
    assert.equal(await suite.market.countRows(trades, { from: START + 20, to: START + 50 }), 3);
    assert.equal(await suite.market.countRows(candles, { from: START + 120_000, to: START + 300_000 }), 3);
    await assert.rejects(collect(suite.market.readRows(candles, { from_id: 1 })), { code: 'invalid_request' });
    await assert.rejects(collect(suite.market.readRows(candles, { after: 'x' })), { code: 'invalid_request' });
  });

  test('a series of which nothing is stored reads as empty', async () => {
    const series = suite.fresh('trades');

    assert.deepEqual(await collect(suite.market.readRows(series, { from: 0 })), []);
    assert.equal(await suite.market.countRows(series), 0);
    assert.equal(await suite.market.deleteRows(series, {}), 0);
    assert.equal(await suite.market.describeSeries(series), undefined);
    assert.deepEqual(await suite.market.readLedger(series), []);
  });

  test('trades are found by time also where times do not rise with ids, and ids leave holes', async () => {
    const anyTrades = fc.uniqueArray(fc.record({ id: fc.nat(40_000), time: fc.nat(200) }), {
      selector: ({ id }) => id,
      minLength: 1,
      maxLength: 60,
    });
    await fc.assert(
      fc.asyncProperty(
        anyTrades,
        fc.nat(200),
        fc.nat(60),
        fc.nat(40_000),
        fc.integer({ min: 1, max: 9 }),
        async (list, from, length, after, limit) => {
          const series = suite.fresh('trades');
          const rows = list.map(({ id, time }) => aTrade(id, time));
          for (const half of [rows.slice(0, rows.length / 2), rows.slice(rows.length / 2)])
            await suite.market.upsertRows(series, half, rest);
          const query = { from, to: from + length };
          const inside = rows
            .filter(({ time }) => time >= from && time < from + length)
            .sort((a, b) => (a.id as number) - (b.id as number));

          assert.deepEqual(await collect(suite.market.readRows(series, query)), inside);
          assert.equal(await suite.market.countRows(series, query), inside.length);
          const behind = inside.filter(({ id }) => (id as number) > after).slice(0, limit);
          assert.deepEqual(await collect(suite.market.readRows(series, { ...query, after: String(after), limit })), behind);
        },
      ),
      { numRuns: 40 },
    );
  });

  test('rows without integer ids stand in the order of time, then update id, and can be gone on behind any of them', async () => {
    const trades = suite.fresh('trades', 'bitmex');
    const depth = suite.fresh('depth');
    const aDiff = (time: number, id: number): Depth => ({
      time,
      first_update_id: id,
      last_update_id: id,
      snapshot: false,
      bids: [[1, id]],
      asks: [],
    });
    const tradeRows = ['c', 'a', 'b', 'd'].map((id, i) => aTrade(id, 10 + (i >> 1)));
    const depthRows = Array.from({ length: 300 }, (_, i) => aDiff(10 + Math.floor(i / 50), i + 1));
    await fill(trades, tradeRows);
    await fill(depth, depthRows.toReversed());

    assert.deepEqual(
      (await collect(suite.market.readRows(trades))).map((row) => (row as Trade).id),
      ['a', 'c', 'b', 'd'],
    );
    assert.deepEqual(await collect(suite.market.readRows(depth)), depthRows);
    assert.deepEqual(await collect(suite.market.readRows(depth, { from: 11, to: 12 })), depthRows.slice(50, 100));
    for (const row of depthRows.slice(95, 105)) {
      const index = depthRows.indexOf(row);
      const next = await collect(suite.market.readRows(depth, { after: rowKey(depth, row), limit: 3 }));
      assert.deepEqual(next, depthRows.slice(index + 1, index + 4));
    }
    assert.equal(await suite.market.countRows(depth, { from: 11 }), 250);
    await assert.rejects(collect(suite.market.readRows(depth, { after: 'd:999' })), { code: 'invalid_request' });
  });

  test('a proof from the store is the proof of its rows, page by page', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.uniqueArray(fc.nat(60), { maxLength: 61 }),
        fc.nat(30),
        fc.integer({ min: 1, max: 40 }),
        async (present, first, length) => {
          const candles = suite.fresh('candles:1m');
          const trades = suite.fresh('trades');
          const sorted = [...present].sort((a, b) => a - b);
          const candleRows = sorted.map((i) => aMinute(i, { is_closed: i % 13 !== 0 }));
          const tradeRows = sorted.map((i) => aTrade(i, START + 10 * i));
          await suite.market.upsertRows(candles, candleRows, rest);
          await suite.market.upsertRows(trades, tradeRows, rest);
          const claim = { from: START + first * 60_000, to: START + (first + length) * 60_000, absent: [] };
          const idClaim = { from: START, to: START + 1_000, from_id: first, to_id: first + length - 1, absent: [] };
          const expected = (series: Series, rows: readonly Row[], from: typeof claim | typeof idClaim) => {
            const prover = createProver(series, from);
            for (const row of rows) prover.add(row as never);
            return prover.finish();
          };

          assert.deepEqual(await suite.market.proveRange(candles, claim), expected(candles, candleRows, claim));
          assert.deepEqual(await suite.market.proveRange(trades, idClaim), expected(trades, tradeRows, idClaim));
        },
      ),
      { numRuns: 40 },
    );
  });

  test('case 63: rows deleted behind the sink are missing from the proof, and from nothing else', async () => {
    const series = suite.fresh('candles:1m');
    const rows = Array.from({ length: 12_000 }, (_, i) => aMinute(i));
    await fill(series, rows);
    const claim = { from: START, to: START + 12_000 * 60_000, absent: [] };
    const hole = { from: START + 6_000 * 60_000, to: START + 6_003 * 60_000 };
    assert.deepEqual((await suite.market.proveRange(series, claim)).missing, []);

    assert.equal(await suite.market.deleteRows(series, hole), 3);

    const proof = await suite.market.proveRange(series, claim);
    assert.equal(proof.counted, 11_997);
    assert.deepEqual(proof.missing, [hole]);
    assert.deepEqual(await collect(suite.market.readRows(series)), rows.toSpliced(6_000, 3));
    assert.equal((await suite.market.describeSeries(series))?.rows, 11_997);
  });

  test('rows are deleted by time or by ids, and a deleted key is free again', async () => {
    for (const [series, name] of [
      [suite.fresh('trades'), (n: number) => n],
      [suite.fresh('trades', 'bitmex'), (n: number) => `id-${n}`],
    ] as const) {
      const rows = Array.from({ length: 9 }, (_, i) => aTrade(name(i + 1), START + i));
      await fill(series, rows);

      assert.equal(await suite.market.deleteRows(series, { from: START + 2, to: START + 5 }), 3);

      assert.deepEqual(await collect(suite.market.readRows(series)), rows.toSpliced(2, 3));
      assert.deepEqual(await suite.market.upsertRows(series, rows, rest), { written: 3, unchanged: 6, conflicts: [] });
      assert.deepEqual(await collect(suite.market.readRows(series)), rows);
    }
    const trades = suite.fresh('trades');
    await fill(
      trades,
      [1, 2, 3, 4].map((id) => aTrade(id, START)),
    );
    assert.equal(await suite.market.deleteRows(trades, { from_id: 2, to_id: 3 }), 2);
    assert.deepEqual(
      (await collect(suite.market.readRows(trades))).map((row) => (row as Trade).id),
      [1, 4],
    );
  });

  test('series are listed with their rows, first and last', async () => {
    const trades = suite.fresh('trades');
    const depth = suite.fresh('depth');
    await fill(trades, [aTrade(7, START), aTrade(9, START + 5)]);
    await fill(depth, [{ time: 3, first_update_id: 1, last_update_id: 2, snapshot: true, bids: [], asks: [] }]);
    const expected = [
      { series: seriesId(trades), rows: 2, first: { key: '7', time: START }, last: { key: '9', time: START + 5 } },
      { series: seriesId(depth), rows: 1, first: { key: 's:2', time: 3 }, last: { key: 's:2', time: 3 } },
    ];

    const listed = await suite.market.listSeries();

    for (const summary of expected) {
      assert.deepEqual(
        listed.find(({ series }) => series === summary.series),
        summary,
      );
    }
    assert.deepEqual(await suite.market.describeSeries(trades), expected[0]);
    await suite.market.deleteRows(trades, {});
    assert.deepEqual(await suite.market.describeSeries(trades), { series: seriesId(trades), rows: 0 });
  });
}
