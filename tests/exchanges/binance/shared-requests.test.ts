import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BinanceExchange } from '../../../shared/exchanges/binance/binance-exchange.ts';
import { seededRandom } from '../../../shared/runtime/random.ts';
import { SharedBudget } from '../../../shared/runtime/shared-budget.ts';
import { systemClock } from '../../../shared/runtime/system-clock.ts';
import { eventually } from '../../support/eventually.ts';
import { createMemoryBudget, type MemoryBudget } from '../../support/memory-budget.ts';
import { readAll } from './open-bench.ts';
import { openSimulator } from './open-simulator.ts';

const FROM = Date.UTC(2024, 7, 5);
const range = {
  series: { exchange: 'binance', symbol: 'BTCUSDT', kind: 'candles', interval: '1m' },
  from: FROM,
  to: FROM + 60 * 60_000,
} as const;
/** Half a minute into one of the exchange's, far from its edges. */
const NOW = Date.UTC(2026, 0, 1, 0, 0, 30);

const budgetOf = (store: MemoryBudget) =>
  new SharedBudget({ exchange: 'binance', workflows: store, clock: systemClock, random: seededRandom(1), limit: 6_000 });

test('the first request reads the clock of the exchange, and everything that is sent is counted, for the workflow that it is for', async (t) => {
  const store = createMemoryBudget();
  const { simulator, exchange } = await openSimulator(t, { now: NOW }, { budget: budgetOf(store) });

  await readAll(exchange, range, { onBehalfOf: 'wf-one' });
  await readAll(exchange, { ...range, from: range.to, to: range.to + 60_000 }, { onBehalfOf: 'wf-two' });

  const asked = await simulator.requests();
  assert.deepEqual(
    asked.map(({ path, weight }) => [path, weight]),
    [
      ['/api/v3/time', 1],
      ['/api/v3/exchangeInfo', 20],
      ['/api/v3/klines', 2],
      ['/api/v3/klines', 2],
    ],
  );
  assert.equal(store.stored?.minute, NOW / 60_000 - 0.5);
  assert.deepEqual(Object.keys(store.stored?.workflows ?? {}), ['wf-one', 'wf-two']);
  assert.ok((store.stored?.granted ?? 0) >= 25);
});

test('what calls a request off is asked before the clock is read, too', async (t) => {
  const { simulator, exchange } = await openSimulator(t, { now: NOW }, { budget: budgetOf(createMemoryBudget()) });
  const beforeRequest = () => {
    throw new Error('stopped');
  };

  await assert.rejects(readAll(exchange, range, { beforeRequest }), { message: 'stopped' });

  assert.deepEqual(await simulator.requests(), []);
});

test('a 429 is written down for everybody: another adapter that shares the budget sends nothing meanwhile', async (t) => {
  const store = createMemoryBudget();
  const { simulator, exchange } = await openSimulator(t, { now: NOW }, { budget: budgetOf(store) });
  const other = new BinanceExchange({ baseUrl: simulator.rest, clock: systemClock, random: seededRandom(2), budget: budgetOf(store) });
  t.after(() => other.close());
  await readAll(other, range);
  await simulator.addFaults({ on: 'rest', match: { path: '/api/v3/klines' }, do: 'status', status: 429, headers: { 'Retry-After': '2' } });
  const reading = readAll(exchange, range);
  await eventually(() => store.stored?.frozen_by !== undefined);
  const refused = (await simulator.requests()).at(-1);
  // What it saw of the budget before is a second old by then.
  await eventually(() => Date.now() > (refused?.ended_at ?? 0) + 1_000);

  const [history] = await Promise.all([reading, readAll(other, range)]);

  const later = await simulator.requests(refused?.id);
  assert.equal(history.rows.length, 60);
  assert.deepEqual([refused?.status, later.length], [429, 2]);
  assert.ok(later.every(({ started_at }) => started_at >= (refused?.ended_at ?? 0) + 2_000));
  assert.equal(store.stored?.frozen_by, 'the request limit is reached (429)');
});
