import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { after, before, test } from 'node:test';
import { parseSeriesId } from '../../../shared/domain/series.ts';
import { openSqliteStore } from '../../../shared/store/sqlite/open-sqlite-store.ts';
import { StoreClient } from '../../../shared/store/sqlite/store-client.ts';
import { collect } from '../../conformance/market-store.ts';
import { aMinute, aWorkflow } from '../../support/written.ts';

const series = parseSeriesId('binance:BTCUSDT:candles:1m');
const rest = { origin: 'rest', received_at: 1 } as const;
const manyMinutes = (from: number) => Array.from({ length: 1_000 }, (_, i) => aMinute(from + i));

let root = '';
let folders = 0;
const freshDir = (): string => join(root, `store-${++folders}`);

before(async () => {
  root = await mkdtemp(join(tmpdir(), 'streamforge-faults-'));
});
after(() => rm(root, { recursive: true, force: true }));

test('case 64: on a full disk a write is storage_full and leaves nothing, reads go on, and with room it goes through', async () => {
  const dir = freshDir();
  const small = await openSqliteStore({ dir, maxBytes: 700_000 });
  await small.market.upsertRows(series, manyMinutes(0), rest);

  const outcomes = await Promise.allSettled(
    [5_000, 10_000, 15_000, 20_000, 25_000, 30_000].map((at) => small.market.upsertRows(series, manyMinutes(at), rest)),
  );

  const refused = outcomes.filter((outcome) => outcome.status === 'rejected');
  assert.ok(refused.length > 0);
  for (const { reason } of refused) assert.equal(reason.code, 'storage_full');
  const kept = 1_000 + 1_000 * (outcomes.length - refused.length);
  assert.equal(await small.market.countRows(series), kept);
  assert.equal((await small.market.describeSeries(series))?.rows, kept);
  await small.close();
  const roomy = await openSqliteStore({ dir });
  assert.equal((await roomy.market.upsertRows(series, manyMinutes(30_000), rest)).conflicts.length, 0);
  assert.deepEqual(await collect(roomy.market.readRows(series, { from: aMinute(30_000).open_time })), manyMinutes(30_000));
  await roomy.close();
});

test('case 55: while another process holds the file a write is store_unavailable, reads go on, and later it goes through', async () => {
  const dir = freshDir();
  const store = await openSqliteStore({ dir, busyTimeoutMs: 30 });
  await store.market.upsertRows(series, [aMinute(0)], rest);
  const other = new DatabaseSync(join(dir, 'store.db'));
  other.exec('BEGIN IMMEDIATE');

  const [one, two] = await Promise.allSettled([
    store.market.upsertRows(series, [aMinute(1)], rest),
    store.workflows.commitChanges([{ document: aWorkflow(), shards: [], events: [] }]),
  ]);

  assert.equal(one.status === 'rejected' && one.reason.code, 'store_unavailable');
  assert.equal(two.status === 'rejected' && two.reason.code, 'store_unavailable');
  assert.ok(one.status === 'rejected' && one.reason.cause instanceof Error, 'with the cause');
  assert.deepEqual(await collect(store.market.readRows(series)), [aMinute(0)]);
  other.exec('ROLLBACK');
  other.close();
  assert.equal((await store.market.upsertRows(series, [aMinute(1)], rest)).written, 1);
  await store.close();
});

test('a failing write fails for itself: its neighbours in the transaction are written, a new series among them', async () => {
  const store = await openSqliteStore({ dir: freshDir() });
  const owner = aWorkflow({ queue_id: 'owner', idempotency_key: 'key' });
  const thief = aWorkflow({ queue_id: 'thief', idempotency_key: 'key' });
  await store.workflows.insertPending(owner);

  const [before, failing, behind] = await Promise.allSettled([
    store.market.upsertRows(series, [aMinute(0)], rest),
    store.workflows.commitChanges([{ document: thief, shards: [], events: [] }]),
    store.market.upsertRows(series, [aMinute(1)], rest),
  ]);

  assert.deepEqual([before.status, failing.status, behind.status], ['fulfilled', 'rejected', 'fulfilled']);
  assert.deepEqual(await collect(store.market.readRows(series)), [aMinute(0), aMinute(1)]);
  assert.equal((await store.market.describeSeries(series))?.rows, 2);
  await store.close();
});

test('when its thread dies, what is open and every later call is store_unavailable', async () => {
  const dying = new URL('../../support/dying-worker.ts', import.meta.url);
  const client = await StoreClient.start({ dir: freshDir() }, dying);
  const port = client.openPort();

  const [one, two] = await Promise.allSettled([port.call('readModel', 'x'), port.call('readModel', 'y')]);

  for (const outcome of [one, two]) {
    assert.equal(outcome.status === 'rejected' && outcome.reason.code, 'store_unavailable');
    assert.match(String(outcome.status === 'rejected' && outcome.reason.cause), /the disk is gone/);
  }
  await assert.rejects(port.call('readModel', 'z'), { code: 'store_unavailable' });
  await client.close();
});
