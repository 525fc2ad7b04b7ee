import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AppError } from '../../../shared/domain/errors.ts';
import type { Need } from '../../../shared/exchanges/binance/budget-leases.ts';
import { ExchangeClock } from '../../../shared/exchanges/binance/exchange-clock.ts';
import { WeightLimiter } from '../../../shared/exchanges/binance/weight-limiter.ts';
import { seededRandom } from '../../../shared/runtime/random.ts';
import { SharedBudget } from '../../../shared/runtime/shared-budget.ts';
import { createFakeClock, type FakeClock } from '../../support/fake-clock.ts';
import { createMemoryBudget } from '../../support/memory-budget.ts';
import { HEAD, history, MINUTE, NOW, openProcess, prove, sendAll } from './sharing-process.ts';

test('two processes send together what one may, and no more', async () => {
  const store = createMemoryBudget();
  const [one, two] = [openProcess(store, { limit: 1_000 }), openProcess(store, { limit: 1_000 })];

  const sent = (await sendAll(one, history(10))) + (await sendAll(two, history(10)));

  assert.equal(sent, 800);
  assert.equal(store.stored?.granted, 800);
});

test('nothing leaves on weight that was not leased, and nothing twice on the same', async () => {
  const { limiter } = openProcess(createMemoryBudget());

  assert.equal(limiter.take(history(19)), false);
  await limiter.wait(history(19));
  assert.ok(limiter.take(history(19)));
  assert.equal(limiter.take(history(1)), false);
});

test('callers that come together share one call for a lease', async () => {
  const store = createMemoryBudget();
  const { limiter } = openProcess(store);

  await Promise.all(Array.from({ length: 8 }, () => limiter.wait(history(2))));
  for (let nth = 0; nth < 8; nth += 1) assert.ok(limiter.take(history(2)));

  assert.equal(store.calls.writes, 1);
});

test('what one workflow leased is not spent on another', async () => {
  const { limiter } = openProcess(createMemoryBudget());
  await limiter.wait(history(2, 'one'));

  assert.equal(limiter.take(history(2, 'two')), false);
  assert.equal(limiter.take({ weight: 2, urgent: true }), false);
  assert.ok(limiter.take(history(2, 'one')));
});

test('leased weight ends with its minute, half a second before the edge', async () => {
  const process = openProcess(createMemoryBudget());
  const { clock, limiter } = process;
  await clock.advance(49_400);
  prove(process);
  await limiter.wait(history(2));

  await clock.advance(150);
  assert.equal(limiter.take(history(2)), false, 'the request would arrive in the next minute');
  let passed = false;
  const waiting = limiter.wait(history(2)).then(() => {
    passed = true;
  });
  await clock.advance(449);
  assert.equal(passed, false);
  prove(process);
  await clock.advance(100);
  await waiting;

  assert.ok(limiter.take(history(2)), 'on a lease of the new minute');
});

test('weight of a minute that is over is never spent in the next', async () => {
  const store = createMemoryBudget();
  const process = openProcess(store);
  await process.limiter.wait(history(2));

  await process.clock.advance(MINUTE);
  prove(process);
  await process.budget.read();

  assert.equal(process.limiter.take(history(2)), false);
  await process.limiter.wait(history(2));
  assert.ok(process.limiter.take(history(19)), 'a lease of its own');
  assert.equal(process.limiter.take(history(1)), false, 'and nothing beside it');
});

test('a request that waits for a connection is taken back at the edge of the minute, and its weight with it', async () => {
  const process = openProcess(createMemoryBudget());
  const { clock, exchangeClock, limiter } = process;
  const need = history(19);
  await limiter.wait(need);
  assert.ok(limiter.take(need));
  const minute = exchangeClock.minuteOf(undefined);
  assert.ok(limiter.maySend(need, minute));

  limiter.giveBack(need, minute);
  assert.ok(limiter.take(need), 'its lease still holds');
  await clock.advance(49_500);

  assert.equal(limiter.maySend(need, minute), false);
});

test('a host clock 90 s wrong leases from the minute of the exchange', async () => {
  const store = createMemoryBudget();
  for (const skewMs of [-90_000, 0, 90_000]) await openProcess(store, { skewMs }).limiter.wait(history(100));

  assert.deepEqual([store.stored?.minute, store.stored?.granted], [HEAD / MINUTE, 300]);
});

test('before the clock of the exchange is known nothing is sent but the request that reads it, and that is counted with the next lease', async () => {
  const store = createMemoryBudget();
  const { clock, exchangeClock, limiter } = openProcess(store, { measured: false, skewMs: 90_000 });
  const readsClock: Need = { weight: 1, urgent: true, clockless: true };

  assert.equal(await limiter.wait(history(2)), false);
  assert.equal(limiter.take(history(2)), false);
  assert.equal(await limiter.wait(readsClock), true);
  assert.ok(limiter.take(readsClock));
  exchangeClock.measure(NOW, clock.now(), undefined);
  await limiter.wait(history(100));

  assert.equal(store.stored?.granted, 101);
});

test('a clock that was set is noticed before anything else is sent', async () => {
  const store = createMemoryBudget();
  const clock = createFakeClock(NOW);
  let setMs = 0;
  const host: FakeClock = { ...clock, now: () => clock.now() + setMs };
  const { limiter } = openProcess(store, { clock: host });
  await limiter.wait(history(2));

  for (setMs of [-90_000, 90_000]) {
    assert.equal(limiter.take(history(2)), false);
    assert.equal(await limiter.wait(history(2)), false, 'the exchange is asked for its time first');
  }
});

test('while work goes on the budget is looked at again beside it, so that no request waits for that', async () => {
  const store = createMemoryBudget();
  const { clock, limiter } = openProcess(store, { limit: 1_000_000 });
  await limiter.wait(history(2));
  const { writes } = store.calls;

  for (let nth = 0; nth < 50; nth += 1) {
    await clock.advance(100);
    assert.ok(limiter.take(history(2)));
  }

  assert.ok(store.calls.reads >= 5 && store.calls.reads <= 15, String(store.calls.reads));
  assert.equal(store.calls.writes, writes);
});

test('with the store away nothing is sent, and whoever waits is told', async () => {
  const store = createMemoryBudget();
  const { clock, limiter } = openProcess(store);
  await limiter.wait(history(2));
  store.before = () => {
    throw new AppError('store_unavailable', 'The store is away.');
  };
  await clock.advance(1_000);

  assert.equal(limiter.take(history(2)), false, 'not even what was leased before');
  const refused = assert.rejects(limiter.wait(history(2)), { code: 'store_unavailable' });
  await clock.drain(30_000);

  await refused;
});

test('what others than us use of the address is leased to nobody', async () => {
  const store = createMemoryBudget();
  const [one, two] = [openProcess(store), openProcess(store)];
  await one.limiter.wait(history(2));
  one.limiter.take(history(2));
  one.limiter.settle(2, 4_500, one.exchangeClock.minuteOf(undefined));

  await one.limiter.wait(history(100));

  const sent = await sendAll(two, history(10));
  assert.ok(sent > 180 && sent <= 200, String(sent));
});

test('a count that came over the edge of a minute is nobody’s: it holds up neither us nor the others', async () => {
  const store = createMemoryBudget();
  const process = openProcess(store);
  const minute = process.exchangeClock.minuteOf(undefined);
  await process.clock.advance(MINUTE);
  prove(process);

  process.limiter.settle(2, 5_900, minute + 1, minute);

  assert.equal(await sendAll(process, history(100)), 4_800);
});

test('the limit that another process was told is ours until we are told one', async () => {
  const store = createMemoryBudget();
  await openProcess(store, { limit: 100 }).limiter.wait(history(2));
  const clock = createFakeClock(NOW);
  const exchangeClock = new ExchangeClock(clock);
  exchangeClock.measure(NOW, NOW, undefined);
  const budget = new SharedBudget({ exchange: 'binance', workflows: store, clock, random: seededRandom(1), limit: 6_000 });
  const limiter = new WeightLimiter({ clock, exchangeClock, random: () => 0, reserve: 0.2, budget });

  const sent = await sendAll({ clock, exchangeClock, limiter, budget }, history(2, 'other'));

  assert.ok(sent > 0 && sent <= 80, String(sent));
});

test('a wait for weight ends with its signal', async () => {
  const store = createMemoryBudget();
  const { promise, resolve } = Promise.withResolvers<void>();
  store.before = () => promise;
  const { limiter } = openProcess(store);
  const stop = new AbortController();

  const [first, second] = [limiter.wait(history(2)), limiter.wait(history(2), stop.signal)];
  stop.abort(new Error('stop'));

  await assert.rejects(second, { message: 'stop' });
  resolve();
  assert.equal(await first, true);
});
