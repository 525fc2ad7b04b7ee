import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AppError } from '../../../shared/domain/errors.ts';
import { createFakeClock } from '../../support/fake-clock.ts';
import { createMemoryBudget } from '../../support/memory-budget.ts';
import { history, MINUTE, NOW, openProcess, type Process } from './sharing-process.ts';

test('a freeze that one process meets stops every other at its next look, at most 900 ms later, until it is over', async () => {
  const store = createMemoryBudget();
  const clock = createFakeClock(NOW);
  const [one, two] = [openProcess(store, { clock }), openProcess(store, { clock })];
  await two.limiter.wait(history(2));

  one.limiter.freeze(clock.now() + 5_000, '429');
  await clock.advance(901);
  assert.equal(two.limiter.take(history(2)), false, 'its sight of the budget is too old');
  let passed = false;
  const waiting = two.limiter.wait(history(2)).then(() => {
    passed = true;
  });
  await clock.advance(4_000);
  assert.equal(passed, false);
  assert.ok(two.limiter.frozenUntil !== undefined);
  await clock.advance(1_000);
  await waiting;

  assert.ok(two.limiter.take(history(2)));
});

for (const [what, skewMs, host_at] of [
  ['right', 0, NOW - 1_000],
  ['90 s fast', 90_000, NOW - 1_000],
  ['90 s slow', -90_000, NOW - 1_000],
  ['years behind, as that of the process before it was', -1e11, NOW - 1_000 - 1e11],
] as const) {
  test(`a freeze survives a restart, with the host's clock ${what}`, async () => {
    const freeze = { until: NOW + 5_000, at: NOW - 1_000, host_at, by: '418', measured: true };
    const store = createMemoryBudget();
    await openProcess(store).budget.freeze(freeze);
    const { clock, limiter } = openProcess(store, { skewMs, measured: false });
    let passed = false;

    const waiting = limiter.wait({ weight: 1, urgent: true, clockless: true }).then(() => {
      passed = true;
    });
    await clock.advance(4_999);
    assert.equal(passed, false);
    await clock.advance(1_001);
    await waiting;

    assert.ok(passed, 'and holds no longer than it was told for');
  });
}

test('a freeze told before the clock of the exchange was known holds as long as it was told for, however far ahead the host is', async () => {
  const skewMs = 1e11;
  const store = createMemoryBudget();
  const first = openProcess(store, { skewMs, measured: false });
  first.limiter.freeze(first.clock.now() + 5_000, '418');
  await first.clock.advance(0);
  const waits = async ({ clock, exchangeClock, limiter }: Process): Promise<number> => {
    exchangeClock.measure(clock.now() - skewMs, clock.now(), undefined);
    const from = clock.now();
    const waiting = limiter.wait(history(2)).then(() => clock.now() - from);
    await clock.advance(20_000);
    return waiting;
  };

  const waitedMs = await waits(first);
  const later = openProcess(store, { skewMs, clock: createFakeClock(NOW + skewMs + 3 * MINUTE) });

  assert.ok(waitedMs >= 5_000 && waitedMs < 10_000, `${waitedMs} ms`);
  assert.equal(await waits(later), 0, 'it is forgotten');
});

test('a freeze that ended long ago holds up no start', async () => {
  const store = createMemoryBudget();
  await openProcess(store).budget.freeze({ until: NOW - 200_000, at: NOW - 400_000, host_at: NOW - 400_000, by: '418', measured: true });
  const { limiter } = openProcess(store, { measured: false });

  assert.equal(await limiter.wait({ weight: 1, urgent: true, clockless: true }), true);
});

test('a freeze is told again while the store is away, and to nobody once it is over or the process ends', async () => {
  const store = createMemoryBudget();
  let isAway = true;
  store.before = () => {
    if (isAway) throw new AppError('store_unavailable', 'The store is away.');
  };
  const { clock, limiter } = openProcess(store);
  limiter.freeze(NOW + 50_000, '429');
  await clock.advance(20_000);
  isAway = false;
  await clock.advance(20_000);
  assert.equal(store.stored?.frozen_by, '429');

  const other = openProcess(createMemoryBudget());
  other.limiter.freeze(other.clock.now() + 50_000, '429');
  other.limiter.close();
  await other.clock.drain();
});
