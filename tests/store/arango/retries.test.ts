import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, test } from 'node:test';
import { emptyMonth } from '../../../shared/domain/ledger.ts';
import type { Quote, Trade } from '../../../shared/domain/rows.ts';
import { parseSeriesId } from '../../../shared/domain/series.ts';
import { failureOf, startDoubleServer } from '../../support/arango-server.ts';
import { aGraph, contentOf, documentOf } from '../../support/graphs.ts';
import { aMinute } from '../../support/written.ts';

const candles = parseSeriesId('binance:BTCUSDT:candles:1m');
const trades = parseSeriesId('binance:BTCUSDT:trades');
const quotes = parseSeriesId('binance:BTCUSDT:quotes');
const rest = { origin: 'rest', received_at: 1 } as const;
const aQuote: Quote = { time: 5, time_source: 'exchange', update_id: 1, bid_price: 1, bid_quantity: 1, ask_price: 2, ask_quantity: 1 };
const COUNT = { match: { query: 'COLLECT WITH COUNT' } };

const server = await startDoubleServer();
const { double } = server;
afterEach(() => double.clearFaults());

test('an overload without end is store_unavailable after the time for tries, and names address, database and error', async () => {
  const { market } = await server.open({ retryForMs: 400, database: 'busy' });
  double.fault({ match: { query: 'INTO candles' }, status: 503, errorNum: 21_003, errorMessage: 'queue is full', times: 10_000 });
  const began = performance.now();

  const error = await failureOf(market.upsertRows(candles, [aMinute(0)], rest), 'store_unavailable');

  assert.ok(performance.now() - began < 3_000, 'the time for tries is over');
  assert.ok((double.served[0] ?? 0) > 2, `${double.served[0]} tries`);
  for (const word of [double.url, 'busy', '21003', 'queue is full', '400 ms']) assert.ok(error.message.includes(word), error.message);
  assert.partialDeepStrictEqual(error.context, { url: double.url, database: 'busy', arango_error: 21_003 });
});

test('the waits between tries double with jitter: half of a wait at least, half more at most', async (t) => {
  const { market } = await server.open({ retryForMs: 1_500, retryWaitMs: 20 });
  const triesWith = async (random: number): Promise<number> => {
    double.clearFaults();
    double.fault({ ...COUNT, status: 503, times: 10_000 });
    const mocked = t.mock.method(Math, 'random', () => random);
    await failureOf(market.countRows(candles), 'store_unavailable');
    mocked.mock.restore();
    return double.served[0] ?? 0;
  };

  // 10, 20, … 640 ms, or 30, 60, … 480 ms: the next wait would end behind the time for tries.
  const [quick, slow] = [await triesWith(0), await triesWith(0.999)];

  assert.deepEqual([quick, slow], [8, 6]);
});

test('a wait grows to a hundred times the first and no further: who waits for long still asks often', async (t) => {
  const { market } = await server.open({ retryForMs: 1_000, retryWaitMs: 1 });
  double.fault({ ...COUNT, status: 503, times: 10_000 });
  t.mock.method(Math, 'random', () => 0.5);

  await failureOf(market.countRows(candles), 'store_unavailable');

  // Ten waits that double are 1,023 ms.
  assert.ok((double.served[0] ?? 0) > 10, `${double.served[0]} tries`);
});

test('an abort ends the wait for the next try at once, with its reason', { timeout: 5_000 }, async (t) => {
  const { market } = await server.open({ retryForMs: 600_000, retryWaitMs: 5_000 });
  t.mock.method(Math, 'random', () => 0.999);
  double.fault({ match: { query: 'row.is_closed]' }, status: 503, times: 10_000 });
  const abort = new AbortController();
  const reason = new Error('enough');
  const proof = market.proveRange(candles, { from: 0, to: 60_000, absent: [] }, abort.signal);

  setTimeout(() => abort.abort(reason), 200);

  await assert.rejects(proof, reason);
});

test('a statement that lost its race (1210) is made again, whatever it writes', async () => {
  const { market, workflows, models } = await server.open();
  const delivery = { group: 'g', topic: 't', partition: 0, offset: 1 };
  const budget = { exchange: 'binance', minute: 1, limit: 10, granted: 1, frozen_until: 0, rev: 0, workflows: {} } as const;
  for (const written of [
    'INTO series',
    'INTO candles',
    'INTO @@latest',
    'INTO coverage ',
    'INTO claims',
    'IN deliveries',
    'INTO dead_letters',
  ])
    double.fault({ match: { query: written }, status: 409, errorNum: 1210 });
  double.fault({ match: { query: 'INTO request_budget' }, status: 409, errorNum: 1210 });
  double.fault({ match: { query: 'INSERT @document INTO @@collection' }, status: 409, errorNum: 1210 });

  await market.upsertRows(candles, [aMinute(0)], rest);
  await market.upsertRows(quotes, [aQuote], rest);
  assert.equal(await market.writeLedger([emptyMonth(candles, '2024-08')]), true);
  assert.equal((await workflows.acquireClaim('c', 'token', 0, 10)).granted, true);
  assert.equal(await workflows.countDelivery(delivery, 'broken', 1), 1);
  await workflows.putDeadLetters([{ ...delivery, code: 'row_refused', cause: 'bad', at: 1 }]);
  assert.equal(await workflows.writeBudget(budget, 0), true);
  await models.setActive('vol', 'm', 1);
  double.fault({ match: { query: 'INSERT @document INTO @@collection' }, status: 409, errorNum: 1210 });
  await workflows.putCollection({ name: 'c', queue_id: 'q', selections: [], created_at: 1 });

  assert.deepEqual(new Set(double.served), new Set([1]));
  assert.deepEqual(await market.readLatest(quotes), aQuote);
  assert.equal((await models.readActive('vol'))?.model_id, 'm');
});

test('a unique value that stays taken (1210) is state_conflict', async () => {
  const { market } = await server.open({ retryForMs: 50 });
  double.fault({ match: { query: 'INTO candles' }, status: 409, errorNum: 1210, times: 10_000 });

  const error = await failureOf(market.upsertRows(candles, [aMinute(0)], rest), 'state_conflict');

  assert.partialDeepStrictEqual(error.context, { arango_error: 1_210 });
});

test('an answer that begins in time and does not end is store_unavailable', { timeout: 8_000 }, async (t) => {
  const stalling = createServer((_, response) => {
    response.writeHead(200, { 'content-type': 'application/json', 'content-length': 100 });
    response.write('{"result":[1');
  });
  stalling.listen(0, '127.0.0.1');
  await once(stalling, 'listening');
  t.after(() => {
    stalling.close();
    stalling.closeAllConnections();
  });
  const url = `http://127.0.0.1:${(stalling.address() as AddressInfo).port}`;

  const error = await failureOf(server.open({ url, timeoutMs: 300 }), 'store_unavailable');

  assert.match(error.message, /did not answer within 300 ms/);
});

test('a row with microseconds, and the same without, are not the same: whichever was first is kept', async () => {
  const { market } = await server.open();
  const trade = (id: number, over: Partial<Trade> = {}): Trade => ({ id, time: 5, price: 1, quantity: 1, side: 'buy', ...over });
  await market.upsertRows(trades, [trade(1, { time_us: 7 }), trade(2)], rest);

  const { conflicts } = await market.upsertRows(trades, [trade(1), trade(2, { time_us: 7 }), trade(1, { time_us: 7 })], rest);

  assert.deepEqual(
    conflicts.map(({ index }) => index),
    [0, 1],
  );
});

test('a graph that is not finished takes back every part of it', async () => {
  const { graphs } = await server.open();
  const graph = aGraph(30);
  const document = { ...documentOf('a'.repeat(64), graph), node_count: 31 };
  double.forgetRequests();

  await failureOf(graphs.writeGraph(document, contentOf(graph)), 'invalid_request');

  const removals = double.requests.filter(({ query }) => query?.includes('REMOVE part IN @@parts'));
  assert.equal(removals.length, 5, 'of the nodes and of each relation');
});
