import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { LedgerMonth } from '../../shared/domain/coverage.ts';
import { emptyMonth } from '../../shared/domain/ledger.ts';
import { seriesId } from '../../shared/domain/series.ts';
import { extendLedger } from '../../shared/store/extend-ledger.ts';
import type { MarketSuite } from './market-store.ts';

/** Part of the suite: the coverage ledger. */
export function describeLedger(suite: MarketSuite): void {
  test('ledger months come back as they were written, with the next rev, and only those that the range touches', async () => {
    const series = suite.fresh('trades');
    const evidence = { method: 'fromId', grade: 'ids', before_key: '4', after_key: '9', asked_at: [1, 2] } as const;
    const july: LedgerMonth = {
      ...emptyMonth(series, '2024-07'),
      covered: [{ from: 0.5, to: 9, from_id: 1, to_id: 4, origin: 'rest' }],
      absent: [{ from: 9, to: 20, from_id: 5, to_id: 8, kind: 'id-skipped', evidence }],
      open: [{ from: 20, to: 30, kind: 'refused', code: 'precision_lost' }],
    };
    const august = emptyMonth(series, '2024-08');
    const august1 = Date.UTC(2024, 7, 1);

    assert.equal(await suite.market.writeLedger([july, august]), true);

    const [readJuly, readAugust] = [
      { ...july, rev: 1 },
      { ...august, rev: 1 },
    ];
    assert.deepEqual(await suite.market.readLedger(series), [readJuly, readAugust]);
    assert.deepEqual(await suite.market.readLedger(series, { from: august1 }), [readAugust]);
    assert.deepEqual(await suite.market.readLedger(series, { to: august1 }), [readJuly]);
    assert.deepEqual(await suite.market.readLedger(series, { from: august1 - 1, to: august1 + 1 }), [readJuly, readAugust]);
    assert.equal(await suite.market.writeLedger([{ ...readJuly, absent: [] }]), true);
    assert.deepEqual((await suite.market.readLedger(series))[0], { ...july, absent: [], rev: 2 });
  });

  test('months are written all or none: one stale rev writes nothing', async () => {
    const series = suite.fresh('candles:5m');
    const other = suite.fresh('candles:5m');
    await suite.market.writeLedger([emptyMonth(series, '2024-08')]);
    const covered = [{ from: 1, to: 2, origin: 'rest' as const }];

    const stale = await suite.market.writeLedger([
      { ...emptyMonth(other, '2024-08'), covered },
      { ...emptyMonth(series, '2024-08'), covered },
    ]);
    const ahead = await suite.market.writeLedger([{ ...emptyMonth(series, '2024-08'), rev: 2 }]);

    assert.equal(stale, false);
    assert.equal(ahead, false);
    assert.deepEqual(await suite.market.readLedger(other), []);
    assert.deepEqual(await suite.market.readLedger(series), [{ ...emptyMonth(series, '2024-08'), rev: 1 }]);
  });

  test('two writers that race on one month lose no addition', async () => {
    const series = suite.fresh('candles:1m');
    const second = await suite.place.open();
    const start = Date.UTC(2024, 7, 1);
    const addition = (i: number) => ({
      covered: [{ from: start + 2 * i, to: start + 2 * i + 1, origin: 'rest' as const }],
      absent: [],
      open: [],
    });

    await Promise.all(Array.from({ length: 40 }, (_, i) => extendLedger(i % 2 === 0 ? suite.market : second.market, series, addition(i))));

    const [month] = await suite.market.readLedger(series);
    assert.equal(month?.series, seriesId(series));
    assert.deepEqual(
      month?.covered,
      Array.from({ length: 40 }, (_, i) => addition(i).covered[0]),
    );
    assert.equal(month?.rev, 40);
    await second.close();
  });
}
