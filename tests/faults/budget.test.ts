import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { type StartedWorkflow, waitForWorkflow } from '../../shared/cli/workflow-client.ts';
import type { JournalEntry } from '../../shared/exchanges/simulator/journal.ts';
import { openSqliteStore } from '../../shared/store/sqlite/open-sqlite-store.ts';
import type { BudgetChildOptions, BudgetWork, HostClock } from '../support/budget-child.ts';
import { eventually } from '../support/eventually.ts';
import { KEPT_CODE, startHostProcess } from '../support/host-process.ts';
import { startSimulatorProcess, type TestSimulator } from '../support/simulator.ts';

const CHILD = fileURLToPath(new URL('../support/budget-child.ts', import.meta.url));
/** 2024-08-05T00:00:00Z: a full minute of the exchange. */
const MINUTE_0 = Date.UTC(2024, 7, 5);
const MINUTE = 60_000;

interface Fleet {
  readonly simulator: TestSimulator;
  /** Starts a process with so many exchanges; resolves when its store is open. */
  start(exchanges: number): Promise<ChildProcess>;
}

/** An exchange, an empty store, and processes that share its budget; all end with the test. */
async function openFleet(t: TestContext, weightLimit: number): Promise<Fleet> {
  const dir = await mkdtemp(join(tmpdir(), 'streamforge-budget-'));
  const children: ChildProcess[] = [];
  const simulator = await startSimulatorProcess({ weightLimit, now: MINUTE_0 });
  t.after(async () => {
    await Promise.all(children.map((child) => end(child)));
    await simulator.close();
    await rm(dir, { recursive: true, force: true });
  });
  await (await openSqliteStore({ dir })).close();
  return {
    simulator,
    async start(exchanges) {
      const options: BudgetChildOptions = { dir, rest: simulator.rest, exchanges };
      const env = { ...process.env, BUDGET_CHILD: JSON.stringify(options), NODE_NO_WARNINGS: '1' };
      const child = spawn(process.execPath, [CHILD], { env, stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
      children.push(child);
      await once(child, 'message');
      return child;
    },
  };
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, 'exit');
  child.kill('SIGKILL');
  await exited;
}

/** The exchange's clock, as near as the quickest of a few answers tells it. */
async function readClock(simulator: TestSimulator): Promise<HostClock> {
  let best: { readonly tookMs: number; readonly clock: HostClock } | undefined;
  for (let tries = 0; tries < 10; tries += 1) {
    const sentAt = Date.now();
    const { body } = await simulator.get('/_sim/clock');
    const tookMs = Date.now() - sentAt;
    const { now, speed } = body as { now: number; speed: number };
    if (best === undefined || tookMs < best.tookMs) best = { tookMs, clock: { at: sentAt + tookMs / 2, now, speed } };
  }
  return (best as { readonly clock: HostClock }).clock;
}

/** The first request that was answered with this status. */
function refusalOf(simulator: TestSimulator, status: number): Promise<JournalEntry> {
  return eventually(async () => {
    const found = (await simulator.requests()).find((entry) => entry.status === status);
    assert.ok(found);
    return found;
  });
}

/** Requests that began more than a second behind a refusal, and within the time that it asked for: how long behind, in ms. */
async function sentInSpiteOf(simulator: TestSimulator, refused: JournalEntry, seconds: number): Promise<readonly number[]> {
  const asked = (await simulator.requests()).filter(({ path }) => path.startsWith('/api/'));
  return asked.map(({ started_at }) => started_at - refused.started_at).filter((ms) => ms > 1_000 && ms < seconds * 1_000);
}

const weighs = (entries: readonly JournalEntry[]): number => entries.reduce((sum, { weight }) => sum + weight, 0);

test('eight clients in four processes, one with its clock 90 s slow and one 90 s fast: no 429, nine tenths of the allowance used, and a small workflow has its turn', async (t) => {
  const [limit, allowance, speed] = [1_200, 960, 6];
  const { simulator, start } = await openFleet(t, limit);
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
  const reads = 80;
  small.send({ clock, workflow: 'wf-small', symbol: 'ETHUSDT', readers: 4, reads } satisfies BudgetWork);
  await until(MINUTE_0 + 2 * MINUTE + 1_000);

  const entries = (await simulator.requests()).filter(({ path }) => path.startsWith('/api/'));
  const minutes = [0, 1].map((nth) => entries.filter((entry) => Math.floor((exchangeTime(entry.started_at) - MINUTE_0) / MINUTE) === nth));
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
  const { simulator, start } = await openFleet(t, 1_000_000);
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

test('a ban survives kill -9 of the host: the one that is started after it sends nothing until the ban is over, and ends the work', async (t) => {
  const dir = await mkdtemp(join(tmpdir(), 'streamforge-ban-'));
  const simulator = await startSimulatorProcess({ weightLimit: 1_000_000 });
  const start = () => startHostProcess({ dir, exchange: simulator.rest, cacheDir: KEPT_CODE });
  const first = await start();
  t.after(async () => {
    await simulator.close();
    await rm(dir, { recursive: true, force: true });
  });
  await simulator.addFaults({
    ...{ on: 'rest', match: { path: '/api/v3/klines', nth: 3 }, do: 'status', status: 418, headers: { 'Retry-After': '9' } },
  });
  const request = { exchange: 'binance', symbol: 'BTCUSDT', type: 'api_candles_1m', time_range: '2024-08-05:2024-08-09' };
  const { queue_id } = await first.client.post<StartedWorkflow>('/workflows', request);
  const refused = await refusalOf(simulator, 418);
  await eventually(() => Date.now() > refused.started_at + 1_000);

  await first.kill();
  const second = await start();
  const startedMs = Date.now() - refused.started_at;
  const view = await waitForWorkflow(second.client, queue_id);
  await second.kill();

  assert.equal(view.status, 'finished');
  assert.deepEqual(await sentInSpiteOf(simulator, refused, 9), []);
  assert.ok(startedMs < 9_000, `the second host was there after ${startedMs} ms`);
});
