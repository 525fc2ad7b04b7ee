import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import type { Series } from '../../../shared/domain/series.ts';
import { BinanceExchange } from '../../../shared/exchanges/binance/binance-exchange.ts';
import { seededRandom } from '../../../shared/runtime/random.ts';
import { eventually } from '../../support/eventually.ts';
import type { ScriptedAnswer } from './exchange-server.ts';
import { openBench, readAll } from './open-bench.ts';
import { createSkippingClock, TEST_DEADLINE_MS } from './skipping-clock.ts';
import { FIVE_MINUTES, klinesOf, START } from './wire-rows.ts';

const series: Series = { exchange: 'binance', symbol: 'BTCUSDT', kind: 'candles', interval: '5m' };
const range = { series, from: START, to: START + 50 * FIVE_MINUTES };
const markets = { BTCUSDT: { klines: { '5m': klinesOf(0, 100) } } };
const isKlines = (path: string): boolean => path.endsWith('/klines');
const BUSY = '{"code":-1003,"msg":"Too many requests queued."}';

test('case 6: after a 429 no caller sends anything until Retry-After is over, then all go on', async (t) => {
  const { exchange, server, clock, logs } = await openBench(t, markets);
  await exchange.symbols();
  server.script(({ path }, _rows, nth) =>
    isKlines(path) && nth === 1 ? { status: 429, headers: { 'retry-after': '37' }, body: BUSY } : undefined,
  );
  const begun = clock.now();

  await assert.doesNotReject(readAll(exchange, range));
  const histories = await Promise.all([1, 2, 3, 4].map(() => readAll(exchange, range)));

  assert.ok(histories.every(({ rows }) => rows.length === 50));
  const times = server.asked('/klines').map(({ at }) => at);
  assert.equal(times[0], begun);
  assert.ok(
    times.slice(1).every((at) => at === begun + 37_000),
    String(times),
  );
  assert.equal(logs.filter(({ level }) => level === 'warn').length, 1);
});

const UNREADABLE: readonly (readonly [string, ScriptedAnswer, (now: number) => number])[] = [
  [
    'a 429 without Retry-After until a second past the full minute',
    { status: 429, body: BUSY },
    (now) => Math.floor(now / 60_000) * 60_000 + 61_000,
  ],
  [
    'a 429 with an unreadable Retry-After as well',
    { status: 429, headers: { 'retry-after': 'soon' }, body: BUSY },
    (now) => Math.floor(now / 60_000) * 60_000 + 61_000,
  ],
  ['a 418 without Retry-After for two minutes', { status: 418, body: BUSY }, (now) => now + 120_000],
  ['a 418 with an unreadable Retry-After as well', { status: 418, headers: { 'retry-after': '' }, body: BUSY }, (now) => now + 120_000],
];
for (const [what, answer, due] of UNREADABLE) {
  test(`case 7: waits out ${what}`, async (t) => {
    const { exchange, server, clock } = await openBench(t, markets, { start: START + 40 * 86_400_000 + 17_000 });
    server.script(({ path }, _rows, nth) => (isKlines(path) && nth === 1 ? answer : undefined));
    const begun = clock.now();

    await readAll(exchange, range);

    const [, second] = server.asked('/klines');
    assert.equal(second?.at, due(begun));
  });
}

test('case 8: a ban is said aloud, stops every call of the address, and ends by itself', async (t) => {
  const { exchange, server, clock, logs } = await openBench(t, markets);
  await exchange.symbols();
  clock.hold();
  server.script(({ path }, _rows, nth) =>
    isKlines(path) && nth === 1 ? { status: 418, headers: { 'retry-after': '3600' }, body: BUSY } : undefined,
  );
  const stop = new AbortController();

  const waiting = readAll(exchange, range, { signal: stop.signal });
  await eventually(() => exchange.frozenUntil() !== undefined);
  const other = exchange.time({ signal: stop.signal });
  const sent = server.requests.length;

  assert.equal(exchange.frozenUntil(), clock.now() + 3_600_000);
  assert.equal(logs.filter(({ level }) => level === 'error').length, 1);
  stop.abort(new Error('stopped while frozen'));
  await assert.rejects(waiting, { message: 'stopped while frozen' });
  await assert.rejects(other, { message: 'stopped while frozen' });
  assert.equal(server.requests.length, sent);
  clock.set(clock.now() + 3_600_001);
  assert.equal(exchange.frozenUntil(), undefined);
  assert.equal((await readAll(exchange, range)).rows.length, 50);
});

test('case 9: a 403 with HTML freezes and alarms, and is never read as JSON', async (t) => {
  const { exchange, server, clock, logs } = await openBench(t, markets);
  const html = { status: 403, headers: { 'content-type': 'text/html' }, body: '<html><title>403 Forbidden</title></html>' };
  server.script(({ path }, _rows, nth) => (isKlines(path) && nth === 1 ? html : undefined));
  const begun = clock.now();

  const { rows } = await readAll(exchange, range);

  assert.equal(rows.length, 50);
  assert.ok((server.asked('/klines')[1]?.at ?? 0) >= begun + 120_000);
  assert.equal(logs.filter(({ level }) => level === 'error').length, 1);
});

test('case 10: several 5xx in a row are tried again with growing, capped, jittered waits; nothing is skipped', async (t) => {
  const { exchange, server, clock } = await openBench(t, markets, { firstBackoffMs: 100, maxBackoffMs: 400 });
  server.script(({ path }, _rows, nth) => (isKlines(path) && nth <= 5 ? { status: 502, body: '<html>bad gateway</html>' } : undefined));

  const { rows } = await readAll(exchange, range);

  assert.equal(rows.length, 50);
  const bounds = [100, 200, 400, 400, 400];
  assert.equal(clock.slept.length, 5);
  for (const [index, ms] of clock.slept.entries())
    assert.ok(ms >= (bounds[index] ?? 0) / 2 && ms <= (bounds[index] ?? 0), `${index}: ${ms}`);
  assert.equal(new Set(clock.slept).size, 5);
});

test('an exchange that stays overloaded (-1008) is left alone for a minute at a time', async (t) => {
  const { exchange, server, clock } = await openBench(t, markets);
  const overloaded = { status: 503, body: '{"code":-1008,"msg":"Server is currently overloaded."}' };
  server.script(({ path }, _rows, nth) => (isKlines(path) && nth <= 7 ? overloaded : undefined));

  await readAll(exchange, range);

  assert.ok(clock.slept.slice(0, 5).every((ms) => ms < 10_000));
  assert.deepEqual(clock.slept.slice(5), [60_000, 60_000]);
});

test('an outage that outlasts all tries ends with the last error', async (t) => {
  const { exchange, server } = await openBench(t, markets, { tries: 3 });
  server.script(({ path }) =>
    isKlines(path) ? { status: 503, body: '{"code":-1007,"msg":"Timeout waiting for response from backend server."}' } : undefined,
  );

  await assert.rejects(readAll(exchange, range), { code: 'timeout' });
  assert.equal(server.asked('/klines').length, 3);
});

test('case 11, case 14: a request has one deadline, also when its body only drips', async (t) => {
  const { exchange, server, clock } = await openBench(t, markets);
  server.script(({ path }, _rows, nth) => (isKlines(path) && nth === 1 ? { stall: true } : undefined));

  const reading = readAll(exchange, range);
  await eventually(() => server.asked('/klines').length === 1);
  clock.expire();
  const { rows } = await reading;

  assert.equal(rows.length, 50);
  assert.equal(server.asked('/klines').length, 2);
});

test('a request that never answers ends as timeout', async (t) => {
  const { exchange, server, clock } = await openBench(t, markets, { tries: 1 });
  server.script(({ path }) => (isKlines(path) ? { stall: true } : undefined));

  const reading = assert.rejects(readAll(exchange, range), { code: 'timeout' });
  await eventually(() => server.asked('/klines').length === 1);
  clock.expire();
  await reading;
});

for (const [number, what, spoilt] of [
  [12, 'reset in the middle of its body', { resetAfter: 900 }],
  [13, 'cut off as if it were whole', { truncateAfter: 900 }],
] as const) {
  test(`case ${number}: a page ${what} is discarded whole and asked again`, async (t) => {
    const { exchange, server } = await openBench(t, markets);
    server.script(({ path }, _rows, nth) => (isKlines(path) && nth <= 2 ? spoilt : undefined));

    const { pages, rows } = await readAll(exchange, range);

    assert.equal(rows.length, 50);
    assert.equal(pages.length, 1);
    assert.equal(server.asked('/klines').length, 3);
  });
}

for (const [what, body] of [
  ['an object', '{"code":0}'],
  ['null', 'null'],
  ['nothing', ''],
  ['HTML', '<html></html>'],
] as const) {
  test(`a page that is ${what} with status 200 is no page`, async (t) => {
    const { exchange, server } = await openBench(t, markets);
    server.script(({ path }, _rows, nth) => (isKlines(path) && nth === 1 ? { body } : undefined));

    assert.equal((await readAll(exchange, range)).rows.length, 50);
    assert.equal(server.asked('/klines').length, 2);
  });
}

test('case 19: an unknown symbol is permanent, told by exchangeInfo or by the call itself', async (t) => {
  const { exchange, server } = await openBench(t, markets);

  await assert.rejects(readAll(exchange, { ...range, series: { ...series, symbol: 'NOPEUSDT' } }), { code: 'unknown_symbol' });
  await assert.rejects(exchange.symbol('NOPEUSDT'), { code: 'unknown_symbol' });
  await assert.rejects(exchange.depthSnapshot('NOPEUSDT', 10), { code: 'unknown_symbol' });
  assert.equal(server.asked('/klines').length, 0);
});

for (const [code, status] of [
  [-1120, 400],
  [-1100, 400],
  [-9999, 404],
] as const) {
  test(`a ${status} with code ${code} is permanent and not tried again`, async (t) => {
    const { exchange, server } = await openBench(t, markets);
    server.script(({ path }) => (isKlines(path) ? { status, body: JSON.stringify({ code, msg: 'no' }) } : undefined));

    await assert.rejects(readAll(exchange, range), { code: 'invalid_request' });
    assert.equal(server.asked('/klines').length, 1);
  });
}

test('redirects are not followed', async (t) => {
  const { exchange, server } = await openBench(t, markets, { tries: 2 });
  server.script(({ path }) => (isKlines(path) ? { status: 302, headers: { location: `${server.url}/api/v3/elsewhere` } } : undefined));

  await assert.rejects(readAll(exchange, range), { code: 'exchange_unavailable' });
  assert.equal(server.asked('/elsewhere').length, 0);
});

test('an answer above its limit is not read to its end', async (t) => {
  const { exchange, server } = await openBench(t, markets, { tries: 1, maxAnswerBytes: 5_000 });
  server.script(({ path }) => (isKlines(path) ? { body: `[${' '.repeat(20_000)}]` } : undefined));

  await assert.rejects(readAll(exchange, range), { code: 'exchange_unavailable' });
});

test('beforeRequest is asked before every request, retries too, and its error ends the call', async (t) => {
  const { exchange, server } = await openBench(t, markets);
  server.script(({ path }, _rows, nth) => (isKlines(path) && nth <= 2 ? { status: 500, body: '' } : undefined));
  let asked = 0;
  await readAll(exchange, range, {
    beforeRequest: () => {
      asked += 1;
      assert.equal(server.requests.length, asked - 1);
    },
  });
  assert.equal(asked, server.requests.length);

  const stopped = readAll(exchange, range, { beforeRequest: () => Promise.reject(new Error('stopped')) });

  await assert.rejects(stopped, { message: 'stopped' });
  assert.equal(asked, server.requests.length);
});

test('an abort ends the request in flight', async (t) => {
  const { exchange, server } = await openBench(t, markets);
  server.script(({ path }) => (isKlines(path) ? { stall: true } : undefined));
  const stop = new AbortController();

  const reading = readAll(exchange, range, { signal: stop.signal });
  await eventually(() => server.asked('/klines').length === 1);
  stop.abort(new Error('the workflow was stopped'));

  await assert.rejects(reading, { message: 'the workflow was stopped' });
});

test('the weight limit of exchangeInfo is kept, a fifth of it stays in reserve', async (t) => {
  const { exchange, server } = await openBench(t, markets, { weightLimit: 100 });

  await Promise.all(Array.from({ length: 60 }, () => readAll(exchange, range)));

  const perMinute = Map.groupBy(server.asked('/klines'), ({ at }) => Math.floor(at / 60_000));
  const weights = [...perMinute.values()].map((requests) => requests.length * 2);
  assert.ok(
    weights.every((weight) => weight <= 80),
    String(weights),
  );
  assert.ok(weights.length >= 2);
});

test('exchangeInfo is read once for all callers, kept for an hour, and read again for a symbol that it lacks', async (t) => {
  const { exchange, server, clock } = await openBench(t, markets);

  const [symbols, info] = await Promise.all([exchange.symbols(), exchange.symbol('BTCUSDT'), exchange.symbols()]);
  assert.equal(server.asked('/exchangeInfo').length, 1);
  assert.deepEqual(info, { symbol: 'BTCUSDT', base_asset: 'BTC', quote_asset: 'USDT', status: 'TRADING', price_step: '0.01000000' });
  assert.equal(symbols.length, 1);
  await assert.rejects(exchange.symbol('NEWUSDT'), { code: 'unknown_symbol' });
  assert.equal(server.asked('/exchangeInfo').length, 1);
  clock.set(clock.now() + 61_000);
  await assert.rejects(exchange.symbol('NEWUSDT'), { code: 'unknown_symbol' });
  assert.equal(server.asked('/exchangeInfo').length, 2);
  clock.set(clock.now() + 3_600_001);
  await exchange.symbols();
  assert.equal(server.asked('/exchangeInfo').length, 3);
});

test('a caller that gives up does not take the shared exchangeInfo away from the others', async (t) => {
  const { exchange, server } = await openBench(t, markets);
  server.script(({ path }, _rows, nth) => (path.endsWith('/exchangeInfo') && nth === 1 ? { stall: true } : undefined));
  const stop = new AbortController();

  const first = exchange.symbols({ signal: stop.signal });
  await eventually(() => server.requests.length === 1);
  const second = exchange.symbols();
  stop.abort(new Error('gave up'));

  await assert.rejects(first, { message: 'gave up' });
  assert.equal((await second).length, 1);
});

test('an order book is stamped by the exchange and weighs by its depth', async (t) => {
  const { exchange, clock } = await openBench(t, markets, { skewMs: 90_000 });

  const depth = await exchange.depthSnapshot('BTCUSDT', 1000);

  assert.deepEqual(depth, {
    time: clock.now() + 90_000,
    first_update_id: 50093239218,
    last_update_id: 50093239218,
    snapshot: true,
    bids: [[61837.63, 3.78826]],
    asks: [[61837.64, 1.54698]],
  });
  await assert.rejects(exchange.depthSnapshot('BTCUSDT', 5001), { code: 'invalid_request' });
});

test('the first row ever is told by its time', async (t) => {
  const { exchange } = await openBench(t, markets);

  assert.equal(await exchange.firstRowTime(series), START);
  assert.equal(await exchange.firstRowTime({ ...series, kind: 'trades' } as Series), undefined);
  await assert.rejects(exchange.firstRowTime({ exchange: 'binance', symbol: 'BTCUSDT', kind: 'quotes' }), { code: 'not_yet_supported' });
});

test('nobody is called but the host of the settings, below its path', async (t) => {
  const paths: (string | undefined)[] = [];
  const server = createServer((request, response) => {
    paths.push(request.url);
    response.end('{"serverTime":1499827319559}');
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const options = { clock: createSkippingClock(START), random: seededRandom(1), deadlineMs: TEST_DEADLINE_MS };
  const exchange = new BinanceExchange({ ...options, baseUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}/gate/` });
  t.after(async () => {
    await exchange.close();
    server.close();
  });

  assert.equal(await exchange.time(), 1499827319559);
  assert.deepEqual(paths, ['/gate/api/v3/time']);
  assert.throws(() => new BinanceExchange({ ...options, baseUrl: 'ftp://x' }), { code: 'invalid_setting' });
});
