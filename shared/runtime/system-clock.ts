import { setTimeout as sleep } from 'node:timers/promises';
import type { Clock } from './context.ts';

/** The machine's clock. A sleep keeps the process alive and ends with its signal (rejects with the signal's reason). */
export const systemClock: Clock = {
  now: () => Date.now(),
  async sleep(ms, signal) {
    signal?.throwIfAborted();
    try {
      await sleep(Math.max(0, ms), undefined, signal === undefined ? {} : { signal });
    } catch (error) {
      // Node rejects with an AbortError of its own; callers compare with the reason.
      signal?.throwIfAborted();
      throw error;
    }
  },
};
