import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Series } from '../../../shared/domain/series.ts';
import { eventually } from '../../support/eventually.ts';
import { openBench, readAll } from './open-bench.ts';
import { FIVE_MINUTES, klinesOf, START } from './wire-rows.ts';

const series: Series = { exchange: 'binance', symbol: 'BTCUSDT', kind: 'candles', interval: '5m' };
const range = { series, from: START, to: START + 50 * FIVE_MINUTES };
const markets = { BTCUSDT: { klines: { '5m': klinesOf(0, 100) } } };
const isKlines = (path: string): boolean => path.endsWith('/klines');

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
