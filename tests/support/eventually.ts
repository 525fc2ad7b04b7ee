import { setTimeout as sleep } from 'node:timers/promises';

/** Where a defect is planted on purpose, nobody waits for long. */
const MOST_MS = Number(process.env.STREAMFORGE_TEST_MOST_WAIT_MS ?? Number.POSITIVE_INFINITY);

/**
 * Runs `check` until it does not throw and does not return false, or until `deadlineMs` is over; then fails with its last error.
 * For what happens in another process or thread; what happens in this one is awaited.
 */
export async function eventually<T>(
  check: () => T | Promise<T>,
  { deadlineMs = 10_000, everyMs = 20, what = 'the condition' } = {},
): Promise<T> {
  const end = Date.now() + Math.min(deadlineMs, MOST_MS);
  let last: unknown;
  for (;;) {
    try {
      const value = await check();
      if (value !== false) return value;
      last = new Error(`${what} is still false`);
    } catch (error) {
      last = error;
    }
    if (Date.now() > end) throw new Error(`${what} did not come true within ${Math.min(deadlineMs, MOST_MS)} ms`, { cause: last });
    await sleep(everyMs);
  }
}
