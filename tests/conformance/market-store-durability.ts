import assert from 'node:assert/strict';
import { test } from 'node:test';
import { killMidWrite } from '../support/kill-mid-write.ts';
import { aBatch, aWorkflow, BATCH_ROWS, LEDGER_MONTH, WRITTEN_SERIES } from '../support/written.ts';
import { collect, type MarketSuite } from './market-store.ts';
import type { StoresFactory } from './stores.ts';

/** Part of the suite: what was acknowledged outlives the process. */
export function describeMarketDurability(suite: MarketSuite, factory: StoresFactory): void {
  for (const acknowledgements of [3, 40, 120]) {
    test(`killed (SIGKILL) after ${acknowledgements} acknowledged writes, a store has every one of them, each batch whole`, async () => {
      const place = await factory();
      const told = (await killMidWrite('write-rows.ts', place, acknowledgements)).map((line) => line.split(' '));
      const numbers = (what: string) => told.filter(([name]) => name === what).map(([, number]) => Number(number));
      const { market, workflows } = await place.open();

      const rows = await collect(market.readRows(WRITTEN_SERIES));
      const batches = new Set(
        rows.map((row) => Math.floor(((row as { open_time: number }).open_time - (aBatch(0)[0]?.open_time ?? 0)) / 60_000 / BATCH_ROWS)),
      );
      const [month] = await market.readLedger(WRITTEN_SERIES);
      const workflow = await workflows.readWorkflow(aWorkflow().queue_id);
      const events = await workflows.readEvents(aWorkflow().queue_id, 0, 10_000);
      const tries = await workflows.countDelivery({ group: 'g', topic: 't', partition: 0, offset: 7 }, 'broken', 2);

      for (const batch of numbers('batch')) assert.ok(batches.has(batch), `batch ${batch} was acknowledged`);
      assert.deepEqual(rows, [...batches].flatMap(aBatch), 'rows are whole batches, nothing else');
      assert.equal((await market.describeSeries(WRITTEN_SERIES))?.rows ?? 0, rows.length);
      assert.ok((month?.rev ?? 0) >= Math.max(0, ...numbers('ledger')));
      if (month !== undefined) assert.deepEqual([month.month, month.covered[0]?.from], [LEDGER_MONTH, month.rev - 1]);
      assert.ok((workflow?.rev ?? 0) >= Math.max(0, ...numbers('workflow')));
      assert.equal(events.length, workflow?.rev ?? 0, 'document and events are written together');
      assert.ok(tries > Math.max(0, ...numbers('tries')));
      await place.remove();
    });
  }

  test('what one process wrote, another one reads', async () => {
    const series = suite.fresh('candles:1m');
    await suite.market.upsertRows(series, aBatch(0), { origin: 'rest', received_at: 1 });
    const other = await suite.place.open();

    assert.deepEqual(await collect(other.market.readRows(series)), aBatch(0));
    await other.close();
  });
}
