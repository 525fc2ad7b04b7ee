import type { Clock } from '../../../shared/runtime/context.ts';

/** The deadline that tests give the adapter: sleeps of this length wait for `expire`, all others are skipped. */
export const TEST_DEADLINE_MS = 77_777;

/** A clock for an adapter that talks to a real socket: waits are skipped by moving the time on, deadlines pass only when they are told to. */
export interface SkippingClock extends Clock {
  /** Sets the time, epoch ms. */
  set(now: number): void;
  /** Lets the deadlines of all requests in flight pass. */
  expire(): void;
  /** Lengths of the sleeps so far, deadlines left out. */
  readonly slept: number[];
  /** Stops skipping: sleeps wait until their signal ends them. */
  hold(): void;
}

export function createSkippingClock(start: number): SkippingClock {
  let now = start;
  let holding = false;
  const slept: number[] = [];
  const deadlines = new Set<() => void>();
  return {
    slept,
    now: () => now,
    set: (time) => {
      now = time;
    },
    hold: () => {
      holding = true;
    },
    expire() {
      now += TEST_DEADLINE_MS;
      for (const end of deadlines) end();
    },
    sleep: (ms, signal) =>
      new Promise((resolve, reject) => {
        if (signal?.aborted) return reject(signal.reason);
        const stop = (): void => {
          deadlines.delete(wake);
          reject(signal?.reason);
        };
        const wake = (): void => {
          signal?.removeEventListener('abort', stop);
          deadlines.delete(wake);
          resolve();
        };
        signal?.addEventListener('abort', stop, { once: true });
        if (ms === TEST_DEADLINE_MS) deadlines.add(wake);
        else {
          slept.push(ms);
          if (holding) return;
          const due = now + ms;
          setImmediate(() => {
            if (signal?.aborted) return;
            now = Math.max(now, due);
            wake();
          });
        }
      }),
  };
}
