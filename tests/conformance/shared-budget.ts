import assert from 'node:assert/strict';
import type { ChildProcess } from 'node:child_process';
import { test } from 'node:test';
import type { JournalEntry } from '../../shared/exchanges/simulator/journal.ts';
import type { BudgetWork, HostClock } from '../support/budget-child.ts';
import { end, MINUTE_0, openFleet, readClock, refusalOf, sentInSpiteOf } from '../support/budget-fleet.ts';
import { eventually } from '../support/eventually.ts';
import type { StoresFactory } from './stores.ts';

const MINUTE = 60_000;

const weighs = (entries: readonly JournalEntry[]): number => entries.reduce((sum, { weight }) => sum + weight, 0);

/** What processes that share the request budget of a store promise together. */
export function describeSharedBudget(createPlace: StoresFactory): void {
  test('eight clients in four processes, one with its clock 90 s slow and one 90 s fast: no 429, nine tenths of the allowance used, and a small workflow has its turn', async (t) => {
    const [limit, allowance, speed] = [600, 480, 6];
    const { simulator, start } = await openFleet(t, createPlace, limit);
    const large = await Promise.all([2, 2, 2].map(start));
    const small = await start(2);
    const skews = [0, -90_000, 90_000];
    // A little before the full minute: both measured minutes are whole, and nobody's start is measured.
    await simulator.setClock({ now: MINUTE_0 - 10_000, speed });
    const clock = await readClock(simulator);
    const exchangeTime = (at: number): number => clock.now + (at - clock.at) * speed;
    const machineTime = (exchange: number): number => clock.at + (exchange - clock.now) / speed;
    const until = (exchange: number) => eventually(() => Date.now() >= machineTime(exchange), { deadlineMs: 60_000, everyMs: 5 });

    for (const [nth, child] of large.entries()) {
      const skewed = { ...clock, now: clock.now + (skews[nth] ?? 0) };
      child.send({ clock: skewed, workflow: 'wf-large', symbol: 'BTCUSDT', readers: 3 } satisfies BudgetWork);
    }
    await until(MINUTE_0 + 30_000);
    const reads = 20;
    small.send({ clock, workflow: 'wf-small', symbol: 'ETHUSDT', readers: 4, reads } satisfies BudgetWork);
    await until(MINUTE_0 + 2 * MINUTE + 1_000);

    const entries = (await simulator.requests()).filter(({ path }) => path.startsWith('/api/'));
    const minutes = [0, 1].map((nth) =>
      entries.filter((entry) => Math.floor((exchangeTime(entry.started_at) - MINUTE_0) / MINUTE) === nth),
    );
    const used = minutes.map(weighs);
    const ofSmall = entries.filter(({ query }) => query.symbol === 'ETHUSDT').map(({ started_at }) => exchangeTime(started_at) - MINUTE_0);
    t.diagnostic(
      `weight used of ${allowance}: ${used.join(', ')}; the small workflow ended at ${Math.round((ofSmall[reads - 1] ?? 0) / 1_000)} s`,
    );
    assert.deepEqual(
      [...new Set(entries.map(({ status }) => status))].filter((status) => status !== 200 && status !== null),
      [],
    );
    for (const weight of used) assert.ok(weight >= 0.9 * allowance && weight <= limit, `weight used: ${used.join(', ')}`);
    assert.equal(ofSmall.length, reads);
    assert.ok((ofSmall[reads - 1] ?? 0) < 1.5 * MINUTE, 'its turn came at the next minute, not behind the large workflow');
  });

  test('one 429 that one process meets stops all of them within a second, also one that is started afterwards, until Retry-After is over', async (t) => {
    const { simulator, start } = await openFleet(t, createPlace, 1_000_000);
    const children = await Promise.all([2, 2].map(start));
    const clock = (skewMs: number): HostClock => ({ at: Date.now(), now: MINUTE_0 + 10_000 + skewMs, speed: 1 });
    const workOf = (symbol: string, skewMs: number): BudgetWork => ({ clock: clock(skewMs), workflow: symbol, symbol, readers: 2 });
    const asked = async (symbol: string) => (await simulator.requests()).filter(({ query }) => query.symbol === symbol);
    await simulator.setClock({ now: MINUTE_0 + 10_000 });
    children[0]?.send(workOf('BTCUSDT', 0));
    children[1]?.send(workOf('ETHUSDT', -90_000));
    for (const symbol of ['BTCUSDT', 'ETHUSDT']) await eventually(async () => (await asked(symbol)).length > 20, { what: symbol });

    await simulator.addFaults({
      ...{ on: 'rest', match: { path: '/api/v3/klines', symbol: 'BTCUSDT' }, do: 'status', status: 429, headers: { 'Retry-After': '5' } },
    });
    const refused = await refusalOf(simulator, 429);
    // A second for everybody to hear of it; then whoever was told is gone.
    await eventually(() => Date.now() > refused.started_at + 1_000);
    const late = start(1);
    await end(children[0] as ChildProcess);
    (await late).send(workOf('XRPUSDT', 90_000));
    await eventually(async () => ((await asked('ETHUSDT')).at(-1)?.started_at as number) > refused.started_at + 4_500, {
      deadlineMs: 20_000,
    });
    await eventually(async () => (await asked('XRPUSDT')).length > 5, { deadlineMs: 20_000 });

    assert.deepEqual(await sentInSpiteOf(simulator, refused, 5), []);
    const refusals = (await simulator.requests()).filter(
      ({ status, started_at }) => status === 429 && started_at > refused.started_at + 1_000,
    );
    assert.deepEqual(refusals, [], 'nobody met the limit again');
  });
}
