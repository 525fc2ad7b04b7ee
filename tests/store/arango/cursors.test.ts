import assert from 'node:assert/strict';
import { afterEach, test } from 'node:test';
import { parseSeriesId } from '../../../shared/domain/series.ts';
import type { ArangoStores } from '../../../shared/store/arango/open-arango-stores.ts';
import { collect } from '../../conformance/market-store.ts';
import { startDoubleServer } from '../../support/arango-server.ts';
import { eventually } from '../../support/eventually.ts';
import { aMinute } from '../../support/written.ts';

const series = parseSeriesId('binance:BTCUSDT:candles:1m');
const rows = Array.from({ length: 12_000 }, (_, i) => aMinute(i));

const server = await startDoubleServer();
const { double } = server;
afterEach(() => double.clearFaults());

/** The lengths first: what differs in thousands of rows takes minutes to be shown. */
function assertSame(seen: readonly unknown[]): void {
  assert.equal(seen.length, rows.length);
  assert.deepEqual(seen, rows);
}

async function filled(): Promise<ArangoStores> {
  const stores = await server.open();
  for (let at = 0; at < rows.length; at += 4_000)
    await stores.market.upsertRows(series, rows.slice(at, at + 4_000), { origin: 'rest', received_at: 1 });
  return stores;
}

test('a reader that was away for longer than its cursor lives goes on behind the last row: none is missing, none comes twice', async () => {
  const { market } = await filled();
  const seen: unknown[] = [];

  for await (const page of market.readRows(series)) {
    seen.push(...page);
    double.dropCursors();
  }

  assertSame(seen);
});

test('a proof whose cursor was lost begins again', async () => {
  const { market } = await filled();
  double.fault({ match: { path: '/_api/cursor/1' }, status: 404, errorNum: 1600, errorMessage: 'cursor not found' });
  double.fault({ match: { path: '/_api/cursor/2' }, status: 404, errorNum: 1600, errorMessage: 'cursor not found' });
  const claim = { from: aMinute(0).open_time, to: aMinute(12_000).open_time, absent: [] };

  const proof = await market.proveRange(series, claim);

  assert.ok(double.served.includes(1), 'a cursor was lost');
  assert.equal(proof.counted, 12_000);
  assert.deepEqual(proof.missing, []);
});

test('a reader that stops ends its cursor at the server', async () => {
  const { market } = await filled();

  for await (const page of market.readRows(series)) {
    assert.equal(page.length, 5_000);
    assert.equal(double.openCursors, 1);
    break;
  }

  await eventually(() => assert.equal(double.openCursors, 0));
});

test('a read that is aborted between two pages rejects with its reason, and ends its cursor', async () => {
  const { market } = await filled();
  const abort = new AbortController();
  const reason = new Error('enough');

  await assert.rejects(async () => {
    for await (const _ of market.readRows(series, {}, abort.signal)) abort.abort(reason);
  }, reason);

  await eventually(() => assert.equal(double.openCursors, 0));
});

test('a page that was cut off on its way is asked again, without a row lost', async () => {
  const { market } = await filled();
  double.fault({ match: { query: 'SORT row.open_time LIMIT' }, reset: true });

  assertSame(await collect(market.readRows(series)));

  assert.deepEqual(double.served, [1]);
});
