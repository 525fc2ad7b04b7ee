import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { emptyMonth } from '../../../shared/domain/ledger.ts';
import type { Quote, Trade } from '../../../shared/domain/rows.ts';
import { parseSeriesId } from '../../../shared/domain/series.ts';
import { compositeKey, documentKey } from '../../../shared/store/arango/document-key.ts';
import { collect } from '../../conformance/market-store.ts';
import { startDoubleServer } from '../../support/arango-server.ts';
import { aGraph, contentOf, documentOf } from '../../support/graphs.ts';
import { aMinute, aWorkflow } from '../../support/written.ts';

const EVIL = `" || true RETURN 1 // ' } @x @@y \${z} Ü`;
const rest = { origin: 'rest', received_at: 1 } as const;
const candles = parseSeriesId('binance:BTCUSDT:candles:1m');
const quotes = parseSeriesId('binance:BTCUSDT:quotes');
const aQuote: Quote = { time: 5, time_source: 'exchange', update_id: 1, bid_price: 1, bid_quantity: 1, ask_price: 2, ask_quantity: 1 };

const server = await startDoubleServer();
const { double } = server;

test('every write is asked to be on the disk before its promise resolves', async () => {
  const { market, workflows, graphs, models } = await server.open();
  const graph = aGraph(20);
  const document = aWorkflow({ outbox: [] });
  const delivery = { group: 'g', topic: 't', partition: 0, offset: 1 };
  double.forgetRequests();

  await market.upsertRows(candles, [aMinute(0), aMinute(1)], rest);
  await market.upsertRows(quotes, [aQuote], rest);
  await market.deleteRows(candles, {});
  await market.writeLedger([emptyMonth(candles, '2024-08')]);
  await workflows.insertPending(document);
  await workflows.commitChanges([{ document: { ...document, rev: 1 }, shards: [], events: [] }]);
  await workflows.clearOutbox([{ queue_id: document.queue_id, rev: 2 }]);
  await workflows.acquireClaim('c', 'token', 0, 10);
  await workflows.renewClaim('c', 'token', 20);
  await workflows.releaseClaim('c', 'token', true);
  await workflows.forgetClaims(30);
  await workflows.countDelivery(delivery, 'broken', 1);
  await workflows.clearDelivery(delivery);
  await workflows.putDeadLetters([{ ...delivery, code: 'row_refused', cause: 'bad', at: 1 }]);
  await workflows.putCollection({ name: 'c', queue_id: 'q', selections: [], created_at: 1 });
  await workflows.dropWorkflows();
  await graphs.writeGraph(documentOf('a'.repeat(64), graph), contentOf(graph));
  await models.putModel({ model_id: 'm', status: 'ready', task: 'vol', graph_id: 'g', created_at: 1 });
  await models.setActive('vol', 'm', 1);

  const writes = double.requests.filter(({ synced }) => synced !== undefined);
  assert.ok(writes.length > 30, `${writes.length} writes`);
  assert.deepEqual(
    writes.filter(({ synced }) => synced !== true),
    [],
  );
});

test('values never stand in a query: whatever they hold, they are kept and found as they are', async () => {
  const { market, workflows, models } = await server.open();
  const foreign = parseSeriesId('bitmex:XBTUSDT:trades');
  const trade: Trade = { id: EVIL, time: 1, price: 1, quantity: 1, side: 'buy' };
  const document = aWorkflow({ queue_id: `wf-${EVIL}`, idempotency_key: EVIL, symbols: [EVIL], types: [EVIL] });
  double.forgetRequests();

  await market.upsertRows(foreign, [trade], rest);
  await workflows.insertPending(document);
  await workflows.acquireClaim(`claim ${EVIL}`, EVIL, 0, 10);
  await models.setActive(EVIL, EVIL, 1);

  assert.deepEqual(await collect(market.readRows(foreign)), [trade]);
  assert.deepEqual(await collect(market.readRows(foreign, { after: EVIL })), []);
  assert.equal((await workflows.findByIdempotencyKey(EVIL))?.queue_id, document.queue_id);
  assert.equal((await workflows.listWorkflows({ symbol: EVIL, type: EVIL })).items.length, 1);
  assert.deepEqual(
    (await workflows.expiredClaims(`claim ${EVIL.slice(0, 5)}`, 10)).map(({ token }) => token),
    [EVIL],
  );
  assert.equal((await models.readActive(EVIL))?.model_id, EVIL);
  const texts = double.requests.flatMap(({ query = [] }) => query);
  assert.ok(texts.length > 5);
  for (const text of texts) assert.ok(!text.includes('true RETURN 1'), text);
});

test('no query is put together from pieces', () => {
  const folder = fileURLToPath(new URL('../../../shared/store/arango/', import.meta.url));
  const queries = readdirSync(folder).flatMap((file) =>
    [...readFileSync(folder + file, 'utf8').matchAll(/`[^`]*\b(?:FOR|RETURN|INSERT|UPSERT|REMOVE|FILTER)\b[^`]*`/g)].map(([text]) => text),
  );

  assert.ok(queries.length > 30, `${queries.length} queries`);
  for (const query of queries) assert.ok(!query.includes('${'), query);
});

test('names become keys: as they are where they may, escaped where not, hashed where too long, and never the same key for two names', () => {
  const names = [
    ...['binance:BTCUSDT:candles:5m:1722470400000', 'a b', 'a%20b', 'a/b', 'Ü', '%', '%25', '', ' '],
    ...['x'.repeat(254), 'x'.repeat(255), 'x'.repeat(256), 'Ü'.repeat(200), `${'Ü'.repeat(199)}ü`],
  ];
  const keys = names.map(documentKey);

  assert.equal(keys[0], names[0]);
  assert.deepEqual(keys.slice(1, 5), ['a%20b', 'a%2520b', 'a%2Fb', '%C3%9C']);
  assert.equal(new Set(keys).size, names.length);
  for (const key of keys) assert.match(key, /^[a-zA-Z0-9_\-:.@()+,=;$!*'%]{1,254}$/);
  assert.notEqual(compositeKey('a:b', 'c'), compositeKey('a', 'b:c'));
  assert.notEqual(compositeKey('a%3Ab', 'c'), compositeKey('a:b', 'c'));
});
