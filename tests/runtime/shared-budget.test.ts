import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AppError } from '../../shared/domain/errors.ts';
import { type BudgetDemand, emptyBudget, freezeBudget } from '../../shared/domain/request-budget.ts';
import { seededRandom } from '../../shared/runtime/random.ts';
import { SharedBudget } from '../../shared/runtime/shared-budget.ts';
import { createFakeClock } from '../support/fake-clock.ts';
import { createMemoryBudget } from '../support/memory-budget.ts';

const NOW = 1_722_470_401_000;
const ask = (over: Partial<BudgetDemand> = {}): BudgetDemand => ({ now: NOW, weight: 10, urgent: false, ...over });
const freeze = (forMs: number) => ({ until: NOW + forMs, at: NOW, host_at: NOW, by: '429', measured: true });

function openBudgets(count: number) {
  const clock = createFakeClock(NOW);
  const store = createMemoryBudget();
  const budgets = Array.from(
    { length: count },
    (_, nth) => new SharedBudget({ exchange: 'binance', workflows: store, clock, random: seededRandom(nth), limit: 6_000 }),
  );
  return { clock, store, budgets: budgets as [SharedBudget, ...SharedBudget[]] };
}

const away = () => {
  throw new AppError('store_unavailable', 'The store is away.');
};

test('processes that lease at once are granted what there is, each weight to one of them', async () => {
  const { clock, store, budgets } = openBudgets(8);
  const leases = budgets.flatMap((budget) => Array.from({ length: 20 }, () => budget.lease(ask({ weight: 50 }))));

  await clock.drain();
  const granted = (await Promise.all(leases)).map((lease) => lease.granted);

  const total = granted.reduce((sum, each) => sum + each, 0);
  assert.deepEqual([total, store.stored?.granted], [4_800, 4_800]);
  assert.equal(granted.filter((each) => each === 0).length, 64);
});

test('whoever is alone writes a lease without reading first', async () => {
  const { store, budgets } = openBudgets(1);
  await budgets[0].lease(ask());
  const { reads } = store.calls;

  for (let nth = 0; nth < 5; nth += 1) await budgets[0].lease(ask());

  assert.equal(store.calls.reads, reads);
  assert.deepEqual(store.stored?.rev, 6);
});

test('a refusal comes from what is stored now, not from what was known', async () => {
  const { store, budgets } = openBudgets(2);
  await budgets[0].freeze(freeze(30_000));
  const refused = await budgets[0].lease(ask());
  store.stored = { ...emptyBudget('binance', 6_000), rev: 9 };

  const { granted } = await budgets[0].lease(ask());

  assert.deepEqual([refused.granted, refused.retry_at], [0, NOW + 30_000]);
  assert.ok(granted >= 10);
});

test('a freeze by one process is what the others read and lease from, and a shorter one after it changes nothing', async () => {
  const { budgets } = openBudgets(2);
  const [one, two] = budgets as unknown as [SharedBudget, SharedBudget];
  await two.lease(ask());

  await one.freeze(freeze(30_000));
  await two.freeze(freeze(5_000));

  assert.equal((await two.read())?.frozen_until, NOW + 30_000);
  assert.equal((await two.lease(ask({ urgent: true }))).granted, 0);
});

test('a store that is away is asked again, then its error is told; nothing is granted without it', async () => {
  const { clock, store, budgets } = openBudgets(1);
  let failures = 3;
  store.before = () => (failures-- > 0 ? away() : undefined);
  const recovered = budgets[0].lease(ask());
  await clock.drain();
  assert.ok((await recovered).granted > 0);

  store.before = away;
  const refused = assert.rejects(budgets[0].lease(ask()), { code: 'store_unavailable' });
  const tookMs = await clock.drain();
  await refused;

  assert.ok(tookMs > 1_000 && tookMs < 30_000, String(tookMs));
});

test('an error that no other try would mend is told at once', async () => {
  const { store, budgets } = openBudgets(1);
  store.before = () => {
    throw new AppError('invalid_request', 'no');
  };

  await assert.rejects(budgets[0].read(), { code: 'invalid_request' });

  assert.equal(store.calls.reads, 1);
});

test('a write that was made although its answer was lost is counted, not forgotten', async () => {
  const { clock, store, budgets } = openBudgets(1);
  await budgets[0].lease(ask());
  const before = store.stored?.granted ?? 0;
  let isLost = false;
  const write = store.writeBudget;
  store.writeBudget = async (document, rev) => {
    const written = await write(document, rev);
    if (isLost) return written;
    isLost = true;
    return away();
  };

  const lease = budgets[0].lease(ask());
  await clock.drain();

  const { granted } = await lease;
  assert.ok((store.stored?.granted ?? 0) >= before + 2 * granted);
});

test('waiting for the store ends with its signal', async () => {
  const { store, budgets } = openBudgets(1);
  store.before = away;
  const stop = new AbortController();

  const lease = budgets[0].lease(ask(), stop.signal);
  stop.abort(new Error('stop'));

  await assert.rejects(lease, { message: 'stop' });
});

test('a document that others change each time is given up as a store that is away', async () => {
  const { clock, store, budgets } = openBudgets(1);
  store.stored = freezeBudget({ ...emptyBudget('binance', 6_000), rev: 1 }, freeze(0));
  store.before = (call) => {
    if (call === 'write' && store.stored !== undefined) store.stored = { ...store.stored, rev: store.stored.rev + 1 };
  };

  const refused = assert.rejects(budgets[0].lease(ask()), { code: 'store_unavailable' });
  await clock.drain();

  await refused;
});
