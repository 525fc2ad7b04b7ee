import assert from 'node:assert/strict';
import type { JournalEntry } from '../../shared/exchanges/simulator/journal.ts';
import type { Stack } from './stack.ts';

type Simulated = Pick<Stack, 'simulator'>;

async function call<T>({ simulator }: Simulated, method: string, path: string, body?: unknown): Promise<T> {
  const init = body === undefined ? {} : { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) };
  const response = await fetch(`${simulator.rest}/_sim/${path}`, { method, ...init });
  assert.equal(response.ok, true, `${method} /_sim/${path}: ${response.status}`);
  return (await response.json()) as T;
}

/** Asserts that every fault was served at least once, and takes them all away. */
export async function assertServed(stack: Simulated): Promise<void> {
  const faults = await call<readonly { readonly served: number }[]>(stack, 'GET', 'faults');
  assert.deepEqual(
    faults.filter(({ served }) => served === 0),
    [],
    'faults that were never served',
  );
  await call(stack, 'DELETE', 'faults');
}

/** Requests of the platform so far, in the order of arrival. */
export async function requestsOf(stack: Simulated): Promise<readonly JournalEntry[]> {
  return (await call<readonly JournalEntry[]>(stack, 'GET', 'requests')).filter(({ path }) => path.startsWith('/api/'));
}

/** Sets the exchange's clock, or moves it on. */
export async function setExchangeClock(stack: Simulated, change: { readonly now?: number; readonly advance_ms?: number }): Promise<void> {
  await call(stack, 'POST', 'clock', change);
}
