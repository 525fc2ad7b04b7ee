import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, test } from 'node:test';
import type { Trade } from '../../../shared/domain/rows.ts';
import { parseSeriesId } from '../../../shared/domain/series.ts';
import { collect } from '../../conformance/market-store.ts';
import { failureOf, startDoubleServer } from '../../support/arango-server.ts';
import { aMinute, aWorkflow } from '../../support/written.ts';

const candles = parseSeriesId('binance:BTCUSDT:candles:1m');
const trades = parseSeriesId('binance:BTCUSDT:trades');
const rest = { origin: 'rest', received_at: 1 } as const;
const aTrade = (id: number): Trade => ({ id, time: 1_722_470_400_000 + id, price: 10.5, quantity: 2, side: 'buy' });
const minutes = (count: number) => Array.from({ length: count }, (_, i) => aMinute(i));

const server = await startDoubleServer();
const { double } = server;
afterEach(() => double.clearFaults());

test('a conflict (1200) is tried again until the write goes through, and it is written once', async () => {
  const { market, workflows } = await server.open();
  await market.upsertRows(candles, minutes(1), rest);
  double.fault({ match: { query: 'INTO candles' }, status: 409, errorNum: 1200, times: 3 });
  double.fault({ match: { path: '/_api/import' }, status: 409, errorNum: 1200, times: 2 });
  double.fault({ match: { query: 'INTO claims' }, status: 409, errorNum: 1200, times: 4 });

  const [written, imported, claim] = await Promise.all([
    market.upsertRows(candles, minutes(5), rest),
    market.upsertRows(trades, [aTrade(1)], rest),
    workflows.acquireClaim('c', 'token', 0, 10),
  ]);

  assert.deepEqual(double.served, [3, 2, 4]);
  assert.deepEqual(written, { written: 4, unchanged: 1, conflicts: [] });
  assert.equal(imported.written, 1);
  assert.equal(claim.granted, true);
});

test('an insert that lost a race (1210) meets what won, and settles with it', async () => {
  const { market, workflows } = await server.open();
  double.fault({ match: { query: 'INTO candles' }, status: 409, errorNum: 1210, times: 1 });
  double.fault({ match: { query: 'INSERT @document INTO workflows' }, status: 409, errorNum: 1210, times: 1, after: true });
  const document = aWorkflow();

  assert.equal((await market.upsertRows(candles, minutes(3), rest)).written, 3);
  const inserted = await workflows.insertPending(document);

  assert.deepEqual(inserted, { created: false, stored: { ...document, rev: 1 } }, 'it went in, but the answer said otherwise');
});

for (const [what, fault] of [
  ['503 of a server in maintenance', { status: 503, errorNum: 503 }],
  ['a full queue (21003)', { status: 503, errorNum: 21_003 }],
  ['a queue that takes too long (21004)', { status: 412, errorNum: 21_004 }],
  ['a time-out inside the cluster (1457)', { status: 500, errorNum: 1457 }],
  ['a leader that resigned (1491)', { status: 500, errorNum: 1491 }],
  ['a lock that was not had in time (18)', { status: 500, errorNum: 18 }],
] as const) {
  test(`${what} passes: the call goes through a moment later`, async () => {
    const { market } = await server.open();
    double.fault({ match: { query: 'COLLECT WITH COUNT' }, ...fault, times: 3 });

    assert.equal(await market.countRows(candles), 0);

    assert.deepEqual(double.served, [3]);
  });
}

test('a wrong password ends the start with a clear line; one that is wrong from now on is store_unavailable', async () => {
  const opened = failureOf(server.open({ user: 'somebody', password: `${server.options.password}x` }), 'invalid_setting');
  for (const word of ['somebody', double.url, '401', 'ARANGO_PASSWORD'])
    assert.ok((await opened).message.includes(word), (await opened).message);

  const { market } = await server.open();
  double.fault({ match: { query: 'COLLECT WITH COUNT' }, status: 401, errorNum: 11, errorMessage: 'not authorized' });

  const error = await failureOf(market.countRows(candles), 'store_unavailable');
  assert.match(error.message, /refused user root \(401\)/);
  assert.equal(await market.countRows(candles), 0, 'it was asked once: a password does not mend itself');
});

test('a user without the right to create the database ends the start, and is named', async () => {
  double.fault({ match: { method: 'POST', path: '/_api/database' }, status: 403, errorNum: 11, errorMessage: 'forbidden' });

  const error = await failureOf(server.open({ database: 'denied' }), 'invalid_setting');

  for (const word of ['creating the database', 'root', 'denied', double.url]) assert.ok(error.message.includes(word), error.message);
});

test('case 64: a full disk is storage_full, and with room the write goes through', async () => {
  const { market } = await server.open();
  double.fault({ match: { path: '/_api/import' }, status: 500, errorNum: 1104, errorMessage: 'filesystem full' });

  await failureOf(market.upsertRows(trades, [aTrade(1)], rest), 'storage_full');

  assert.equal((await market.upsertRows(trades, [aTrade(1)], rest)).written, 1);
});

test('a server that does not answer in time is store_unavailable, and the next call goes through', async () => {
  await server.open({ database: 'slow' });
  const { market } = await server.open({ database: 'slow', timeoutMs: 400 });
  double.fault({ match: { query: 'COLLECT WITH COUNT' }, delayMs: 60_000 });

  const error = await failureOf(market.countRows(candles), 'store_unavailable');

  assert.match(error.message, /did not answer within 400 ms/);
  assert.equal(await market.countRows(candles), 0);
});

test('time that a call waits for its turn is not the time of the server: many at once all go through', async () => {
  await server.open({ database: 'crowded' });
  const { market } = await server.open({ database: 'crowded', timeoutMs: 1_500 });
  double.fault({ match: { query: 'COLLECT WITH COUNT' }, delayMs: 100, times: 400 });

  const counts = await Promise.all(Array.from({ length: 400 }, () => market.countRows(candles)));

  assert.deepEqual(new Set(counts), new Set([0]));
  assert.deepEqual(double.served, [400]);
});

test('a close waits for the requests that were made before, tries included, and refuses what comes after', async () => {
  const stores = await server.open();
  await stores.market.upsertRows(candles, [aMinute(50)], rest);
  double.fault({ match: { query: 'INTO candles' }, status: 409, errorNum: 1200, times: 3 });
  const writes = Array.from({ length: 40 }, (_, i) => stores.market.upsertRows(candles, [aMinute(i)], rest));
  await new Promise(setImmediate);

  const closed = stores.close();

  await failureOf(stores.market.countRows(candles), 'store_unavailable');
  assert.ok((await Promise.all(writes)).every(({ written }) => written === 1));
  await closed;
});

test('a server that is not there is store_unavailable and named', async () => {
  const url = 'http://127.0.0.1:9';

  const error = await failureOf(server.open({ url, database: 'gone' }), 'store_unavailable');

  for (const word of [url, 'gone', 'ARANGO_URL']) assert.ok(error.message.includes(word), error.message);
});

test('a user and a password that stand in the address are not shown, and those of the settings count', async () => {
  const { market } = await server.open({ url: double.url.replace('//', '//other:hidden-99@'), retryForMs: 1 });
  double.fault({ match: { query: 'COLLECT WITH COUNT' }, status: 503, errorNum: 503, times: 100 });

  const error = await failureOf(market.countRows(candles), 'store_unavailable');

  assert.ok(error.message.includes(double.url), error.message);
  assert.ok(!JSON.stringify([error.message, error.context]).includes('hidden-99'));
});

test('a server that is no ArangoDB is store_unavailable and named', async () => {
  const other = createServer((_, response) => response.writeHead(200, { 'content-type': 'text/html' }).end('<h1>It works</h1>'));
  other.listen(0, '127.0.0.1');
  await once(other, 'listening');
  const url = `http://127.0.0.1:${(other.address() as AddressInfo).port}`;

  const error = await failureOf(server.open({ url }), 'store_unavailable');

  for (const word of [url, 'no JSON', 'ARANGO_URL']) assert.ok(error.message.includes(word), error.message);
  other.close();
  other.closeAllConnections();
});

test('a write whose answer was lost is made again: nothing is stored twice, nothing is a conflict', async () => {
  const { market } = await server.open();
  double.fault({ match: { query: 'INTO candles' }, after: true, reset: true });
  double.fault({ match: { path: '/_api/import' }, after: true, reset: true });

  const candleOutcome = await market.upsertRows(candles, minutes(3), rest);
  const tradeOutcome = await market.upsertRows(trades, [aTrade(1), aTrade(2)], rest);

  assert.deepEqual(double.served, [1, 1]);
  assert.deepEqual(candleOutcome, { written: 0, unchanged: 3, conflicts: [] });
  assert.deepEqual(tradeOutcome, { written: 0, unchanged: 2, conflicts: [] });
  assert.deepEqual(await collect(market.readRows(candles)), minutes(3));
  assert.deepEqual(await collect(market.readRows(trades)), [aTrade(1), aTrade(2)]);
});

test('a commit whose answer was lost is a lost round, and the workflow is as it was committed', async () => {
  const { workflows } = await server.open();
  const document = aWorkflow();
  double.fault({ match: { query: 'UPSERT { _key: document._key }' }, after: true, reset: true });

  assert.equal(await workflows.commitChanges([{ document, shards: [], events: [] }]), false);

  assert.deepEqual(await workflows.readWorkflow(document.queue_id), { ...document, rev: 1 });
});

test('an import that left documents out because of a conflict is made again, for another reason it is told of', async () => {
  const { market } = await server.open();
  const left = (reason: string) => ({
    match: { path: '/_api/import' },
    status: 201,
    answer: {
      created: 0,
      errors: 1,
      empty: 0,
      updated: 0,
      ignored: 0,
      details: [`at position 0: creating document failed with error '${reason}'`],
    },
  });
  double.fault(left('conflict'), left('conflict'));

  assert.equal((await market.upsertRows(trades, [aTrade(1)], rest)).written, 1);
  double.fault(left('illegal document key'));
  const error = await failureOf(market.upsertRows(trades, [aTrade(2)], rest), 'store_unavailable');

  assert.deepEqual(double.served, [1, 1, 1]);
  assert.match(error.message, /1 of 1 documents were left out: at position 0.*illegal document key/);
});

test('a document that an import refuses is told of, not dropped', async () => {
  const { market } = await server.open();
  const foreign = parseSeriesId('bitmex:XBTUSDT:trades');
  double.fault({ match: { path: '/_api/import' }, status: 400, errorNum: 1221, errorMessage: 'illegal document key' });

  const error = await failureOf(market.upsertRows(foreign, [{ ...aTrade(1), id: 'a b/ü' }], rest), 'unclassified');

  assert.match(error.message, /illegal document key/);
  assert.deepEqual(await market.upsertRows(foreign, [{ ...aTrade(1), id: 'a b/ü' }], rest), { written: 1, unchanged: 0, conflicts: [] });
});
