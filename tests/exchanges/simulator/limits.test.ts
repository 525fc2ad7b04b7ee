import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startTestSimulator, type TestSimulator } from '../../support/simulator.ts';

/** Forty seconds into a minute. */
const NOW = Date.UTC(2024, 7, 1, 10, 30, 40);

interface ErrorBody {
  readonly code: number;
  readonly msg: string;
}

async function repeat(simulator: TestSimulator, count: number): Promise<number[]> {
  const statuses: number[] = [];
  for (let call = 0; call < count; call++) statuses.push((await simulator.get('ping')).status);
  return statuses;
}

test('above the weight limit every call is a 429 that says how long to wait, until the minute is over', async (t) => {
  const simulator = await startTestSimulator({ now: NOW, speed: 0, weightLimit: 30 });
  t.after(() => simulator.close());
  await simulator.get('exchangeInfo');
  assert.deepEqual(
    await repeat(simulator, 10),
    Array.from({ length: 10 }, () => 200),
  );

  const refused = await simulator.get('ping');

  assert.equal(refused.status, 429);
  assert.equal(refused.headers.get('retry-after'), '20');
  assert.equal(refused.headers.get('x-mbx-used-weight-1m'), '31');
  assert.equal((refused.body as ErrorBody).code, -1003);
  assert.equal(
    (refused.body as ErrorBody).msg,
    'Too much request weight used; current limit is 30 request weight per 1 MINUTE. Please use WebSocket Streams for live updates to avoid polling the API.',
  );
  assert.deepEqual(((await simulator.get('/_sim/requests')).body as { status: number; weight: number }[]).at(-1), {
    ...((await simulator.requests()).at(-1) as object),
    status: 429,
    weight: 1,
  });

  await simulator.setClock({ advance_ms: 20_000 });

  const served = await simulator.get('ping');
  assert.equal(served.status, 200);
  assert.equal(served.headers.get('x-mbx-used-weight-1m'), '1');
});

test('the limit is the one that exchangeInfo tells, and a refused or failed call weighs as much', async (t) => {
  const simulator = await startTestSimulator({ now: NOW, speed: 0, weightLimit: 100 });
  t.after(() => simulator.close());

  const { body } = await simulator.get('exchangeInfo?symbol=BTCUSDT');
  const failed = await simulator.get('klines?symbol=NOPEUSDT&interval=5m');
  const unknown = await simulator.get('depth?limit=5000');

  const [limit] = (body as { rateLimits: { rateLimitType: string; limit: number }[] }).rateLimits;
  assert.deepEqual([limit?.rateLimitType, limit?.limit], ['REQUEST_WEIGHT', 100]);
  assert.equal(failed.headers.get('x-mbx-used-weight-1m'), '22');
  assert.equal(unknown.status, 429);
  assert.equal(unknown.headers.get('x-mbx-used-weight-1m'), '272');
});

test('going on after 429 bans the address with 418, for longer each time', async (t) => {
  const simulator = await startTestSimulator({ now: NOW, speed: 0, weightLimit: 5 });
  t.after(() => simulator.close());
  const statuses = await repeat(simulator, 37);
  assert.deepEqual(new Set(statuses.slice(0, 5)), new Set([200]));
  assert.deepEqual(new Set(statuses.slice(5, 36)), new Set([429]), 'calls that were on their way are excused');
  assert.equal(statuses[36], 418);

  const banned = await simulator.get('ping');
  assert.equal(banned.status, 418);
  assert.equal(banned.headers.get('retry-after'), '120');
  assert.deepEqual(banned.body, {
    code: -1003,
    msg: `Way too much request weight used; IP banned until ${NOW + 120_000}. Please use WebSocket Streams for live updates to avoid bans.`,
  });

  await simulator.setClock({ advance_ms: 119_999 });
  assert.equal((await simulator.get('ping')).status, 418, 'the ban outlives its minute');
  await simulator.setClock({ advance_ms: 60_001 });
  assert.equal((await simulator.get('ping')).status, 200);
  await repeat(simulator, 40);
  assert.equal((await simulator.get('ping')).headers.get('retry-after'), '240');
});

test('minutes and bans are those of its own clock, and Retry-After those of the caller', async (t) => {
  const simulator = await startTestSimulator({ now: NOW, speed: 0, weightLimit: 1 });
  t.after(() => simulator.close());
  await repeat(simulator, 2);
  await simulator.setClock({ now: NOW, speed: 10 });

  const refused = await simulator.get('ping');

  assert.equal(refused.status, 429);
  assert.equal(refused.headers.get('retry-after'), '2', 'twenty seconds pass in two');
});
