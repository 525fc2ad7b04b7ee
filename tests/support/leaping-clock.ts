import type { Clock } from '../../shared/runtime/context.ts';

/** The machine's clock, but for leaps: for a whole host, in which real sockets and threads go on by real time and leases, bans and ticks need not be waited for. */
export interface LeapingClock extends Clock {
  /** Moves on at once; sleeps that are due by then end. */
  leap(ms: number): void;
}

export function createLeapingClock(): LeapingClock {
  let ahead = 0;
  const now = (): number => Date.now() + ahead;
  const sleepers = new Set<() => void>();
  return {
    now,
    leap(ms) {
      ahead += ms;
      for (const setTimer of [...sleepers]) setTimer();
    },
    sleep: (ms, signal) =>
      new Promise((resolve, reject) => {
        if (signal?.aborted) return reject(signal.reason);
        const due = now() + Math.max(0, ms);
        let timer: NodeJS.Timeout | undefined;
        const end = (): void => {
          clearTimeout(timer);
          sleepers.delete(setTimer);
          signal?.removeEventListener('abort', stop);
        };
        const stop = (): void => {
          end();
          reject(signal?.reason);
        };
        const setTimer = (): void => {
          clearTimeout(timer);
          timer = setTimeout(
            () => {
              end();
              resolve();
            },
            Math.max(0, due - now()),
          );
        };
        signal?.addEventListener('abort', stop, { once: true });
        sleepers.add(setTimer);
        setTimer();
      }),
  };
}
