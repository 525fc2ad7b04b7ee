import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { parseSeriesId } from '../../../shared/domain/series.ts';
import { openSqliteStore, type SqliteStore } from '../../../shared/store/sqlite/open-sqlite-store.ts';
import { aMinute, aWorkflow } from '../../support/written.ts';

const series = parseSeriesId('binance:BTCUSDT:candles:1m');
const rest = { origin: 'rest', received_at: 1 } as const;
/** More than a count takes in one step. */
const ROWS = 105_000;

let dir = '';
let store: SqliteStore;

before(async () => {
  dir = await mkdtemp(join(tmpdir(), 'streamforge-thread-'));
  store = await openSqliteStore({ dir });
  for (let at = 0; at < ROWS; at += 5_000)
    await store.market.upsertRows(
      series,
      Array.from({ length: 5_000 }, (_, i) => aMinute(at + i)),
      rest,
    );
});
after(async () => {
  await store.close();
  await rm(dir, { recursive: true, force: true });
});

test('a long proof lets writes and short reads through: they are done before it', async () => {
  const done: string[] = [];
  const note = (what: string) => () => done.push(what);
  const claim = { from: aMinute(0).open_time, to: aMinute(ROWS).open_time, absent: [] };

  await Promise.all([
    store.market.proveRange(series, claim).then(note('proof')),
    store.workflows.countDelivery({ group: 'g', topic: 't', partition: 0, offset: 1 }, 'x', 1).then(note('write')),
    store.workflows.readClaim('x').then(note('read')),
  ]);

  assert.equal(done.at(-1), 'proof');
});

test('a count of many rows is one of all of them', async () => {
  assert.equal(await store.market.countRows(series, { from: aMinute(0).open_time }), ROWS);
  assert.equal(await store.market.countRows(series, { from: aMinute(1).open_time, to: aMinute(ROWS - 1).open_time }), ROWS - 2);
});

test('an aborted proof is given up, and the store goes on', async () => {
  const abort = new AbortController();
  const claim = { from: aMinute(0).open_time, to: aMinute(ROWS).open_time, absent: [] };
  const proof = store.market.proveRange(series, claim, abort.signal);

  abort.abort(new Error('enough'));

  await assert.rejects(proof, /enough/);
  assert.equal((await store.market.proveRange(series, claim)).counted, ROWS);
});

test('no call holds the main thread for 50 ms: not a full upsert, not a page of rows, not a large document', async () => {
  const rows = Array.from({ length: 5_000 }, (_, i) => aMinute(ROWS + i));
  const document = aWorkflow({
    state: Array.from({ length: 2_000 }, (_, i) => ({ shard: `binance:BTCUSDT:candles:5m:${i}`, missing: [{ from: i, to: i + 1 }] })),
  });
  const longest = { upsert: 0, page: 0, commit: 0 };
  const clock = () => process.threadCpuUsage().user + process.threadCpuUsage().system;
  const measured = <Result>(what: keyof typeof longest, act: () => Result): Result => {
    const start = clock();
    const result = act();
    longest[what] = Math.max(longest[what], (clock() - start) / 1_000);
    return result;
  };

  const upsert = measured('upsert', () => store.market.upsertRows(series, rows, rest));
  const commit = measured('commit', () => store.workflows.commitChanges([{ document, shards: [], events: [] }]));
  await Promise.all([upsert, commit]);
  const start = clock();
  let pages = 0;
  for await (const page of store.market.readRows(series)) pages += page.length / 5_000;
  longest.page = (clock() - start) / 1_000 / pages;

  assert.ok(Math.max(longest.upsert, longest.page, longest.commit) < 50, JSON.stringify(longest));
});
