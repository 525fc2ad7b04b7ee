import type { Clock } from './context.ts';

/** The machine's clock. A sleep keeps the process alive and ends with its signal (rejects with the signal's reason). */
export const systemClock: Clock = {
  now: () => Date.now(),
  async sleep(ms, signal) {
    signal?.throwIfAborted();
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, Math.max(0, ms));
    // Node's own promised timer makes an error with a stack for every abort; two deadlines and leases a page end that way.
    const abort = (): void => reject(signal?.reason);
    signal?.addEventListener('abort', abort, { once: true });
    try {
      await promise;
    } finally {
      clearTimeout(timer);
      signal?.removeEventListener('abort', abort);
    }
  },
};
