import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import type { TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';
import type { JournalEntry } from '../../shared/exchanges/simulator/journal.ts';
import type { StoresFactory } from '../conformance/stores.ts';
import type { BudgetChildOptions, HostClock } from './budget-child.ts';
import { eventually } from './eventually.ts';
import { startSimulatorProcess, type TestSimulator } from './simulator.ts';

const CHILD = fileURLToPath(new URL('./budget-child.ts', import.meta.url));
/** 2024-08-05T00:00:00Z: a full minute of the exchange. */
export const MINUTE_0 = Date.UTC(2024, 7, 5);

/** Processes that share one request budget. */
export interface Fleet {
  readonly simulator: TestSimulator;
  /** Starts a process with so many exchanges; resolves when its store is open. */
  start(exchanges: number): Promise<ChildProcess>;
}

/** An exchange, an empty store, and processes that share its budget; all end with the test. */
export async function openFleet(t: TestContext, createPlace: StoresFactory, weightLimit: number): Promise<Fleet> {
  const children: ChildProcess[] = [];
  const [simulator, place] = await Promise.all([startSimulatorProcess({ weightLimit, now: MINUTE_0 }), createPlace()]);
  t.after(async () => {
    await Promise.all(children.map((child) => end(child)));
    await simulator.close();
    await place.remove();
  });
  await (await place.open()).close();
  return {
    simulator,
    async start(exchanges) {
      const { opener, location } = place;
      const options: BudgetChildOptions = { opener, location, rest: simulator.rest, exchanges };
      const env = { ...process.env, BUDGET_CHILD: JSON.stringify(options), NODE_NO_WARNINGS: '1' };
      const child = spawn(process.execPath, [CHILD], { env, stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
      children.push(child);
      await once(child, 'message');
      return child;
    },
  };
}

export async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, 'exit');
  child.kill('SIGKILL');
  await exited;
}

/** The exchange's clock, as near as the quickest of a few answers tells it. */
export async function readClock(simulator: TestSimulator): Promise<HostClock> {
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
export function refusalOf(simulator: TestSimulator, status: number): Promise<JournalEntry> {
  return eventually(async () => {
    const found = (await simulator.requests()).find((entry) => entry.status === status);
    assert.ok(found);
    return found;
  });
}

/** Requests that began more than a second behind a refusal, and within the time that it asked for: how long behind, in ms. */
export async function sentInSpiteOf(simulator: TestSimulator, refused: JournalEntry, seconds: number): Promise<readonly number[]> {
  const asked = (await simulator.requests()).filter(({ path }) => path.startsWith('/api/'));
  return asked.map(({ started_at }) => started_at - refused.started_at).filter((ms) => ms > 1_000 && ms < seconds * 1_000);
}
