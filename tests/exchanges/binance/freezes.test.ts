import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Series } from '../../../shared/domain/series.ts';
import { eventually } from '../../support/eventually.ts';
import type { ScriptedAnswer } from './exchange-server.ts';
import { openBench, readAll } from './open-bench.ts';
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
