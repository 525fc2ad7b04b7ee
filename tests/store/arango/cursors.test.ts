import assert from 'node:assert/strict';
import { afterEach, test } from 'node:test';
import type { Trade } from '../../../shared/domain/rows.ts';
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

test('a read whose store is closed between two pages is refused the next one, and ends its cursor', async () => {
  const { market } = await filled();
  let pages = 0;

  await assert.rejects(
    async () => {
      for await (const _ of market.readRows(series)) {
        pages += 1;
        await market.close();
      }
    },
    { code: 'store_unavailable' },
  );

  assert.equal(pages, 1);
  await eventually(() => assert.equal(double.openCursors, 0));
});

test('a page that was cut off on its way is asked again, without a row lost', async () => {
  const { market } = await filled();
  double.fault({ match: { query: 'SORT row.open_time LIMIT' }, reset: true });

  assertSame(await collect(market.readRows(series)));

  assert.deepEqual(double.served, [1]);
});

test('what is read in pages is streamed: the server computes a page when it is asked for', async () => {
  const { market } = await filled();
  double.forgetRequests();

  await collect(market.readRows(series));
  const { counted } = await market.proveRange(series, { from: aMinute(0).open_time, to: aMinute(12_000).open_time, absent: [] });

  assert.equal(counted, 12_000, 'page by page, to the last one');
  const paged = double.requests.filter(({ query }) => query?.includes('SORT row.open_time'));
  assert.ok(paged.length >= 2);
  assert.ok(paged.every(({ streamed }) => streamed === true));
});

test('deleting and forgetting take as many statements as it takes, each of bounded size', async () => {
  const { market, workflows } = await server.open({ database: 'many' });
  const trades = parseSeriesId('binance:BTCUSDT:trades');
  const traded = Array.from({ length: 5_100 }, (_, id): Trade => ({ id, time: id, price: 1, quantity: 1, side: 'buy' }));
  for (const part of [traded.slice(0, 5_000), traded.slice(5_000)])
    await market.upsertRows(trades, part, { origin: 'rest', received_at: 1 });
  const claims = Array.from({ length: 2_100 }, (_, i) =>
    JSON.stringify({ _key: `claim${i}`, key: `claim${i}`, token: 't', until: 10, done: false }),
  );
  await server.call('POST', '/_db/many/_api/import?collection=claims&type=documents', claims.join('\n'));

  assert.equal(await market.deleteRows(trades, {}), 5_100);
  assert.equal(await workflows.forgetClaims(100), 2_100);

  assert.equal(await market.countRows(trades), 0);
});
