import type { Clock } from '../../shared/runtime/context.ts';

interface Sleeper {
  readonly due: number;
  readonly wake: () => void;
}

/** A clock that stands still until it is told to move. */
export interface FakeClock extends Clock {
  /** Moves the clock, waking sleepers in the order in which they are due; what they start runs before the next one wakes. */
  advance(ms: number): Promise<void>;
  /** Advances from sleeper to sleeper until nobody sleeps, at most `maxMs` of its time. Returns how far it went. */
  drain(maxMs?: number): Promise<number>;
  /** When the sleepers are due, epoch ms, sorted. */
  sleepers(): readonly number[];
}

/** Starts at `start` (epoch ms; 2024-08-01T00:00:00Z). */
export function createFakeClock(start = 1_722_470_400_000): FakeClock {
  let now = start;
  const sleepers = new Set<Sleeper>();
  const next = (until: number): Sleeper | undefined => [...sleepers].filter(({ due }) => due <= until).sort((a, b) => a.due - b.due)[0];

  async function moveTo(until: number): Promise<void> {
    await settle();
    for (let sleeper = next(until); sleeper !== undefined; sleeper = next(until)) {
      now = Math.max(now, sleeper.due);
      sleepers.delete(sleeper);
      sleeper.wake();
      await settle();
    }
    now = Math.max(now, until);
  }

  return {
    now: () => now,
    sleep: (ms, signal) =>
      new Promise((resolve, reject) => {
        if (signal?.aborted) return reject(signal.reason);
        const stop = (): void => {
          sleepers.delete(sleeper);
          reject(signal?.reason);
        };
        const sleeper: Sleeper = {
          due: now + Math.max(0, ms),
          wake: () => {
            signal?.removeEventListener('abort', stop);
            resolve();
          },
        };
        sleepers.add(sleeper);
        signal?.addEventListener('abort', stop, { once: true });
      }),
    advance: (ms) => moveTo(now + ms),
    async drain(maxMs = 3_600_000) {
      const from = now;
      await settle();
      for (let sleeper = next(from + maxMs); sleeper !== undefined; sleeper = next(from + maxMs)) await moveTo(sleeper.due);
      return now - from;
    },
    sleepers: () => [...sleepers].map(({ due }) => due).sort((a, b) => a - b),
  };
}

/** Lets everything run that is ready: promise chains and one turn of the event loop's I/O. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 3; turn++) await new Promise((resolve) => setImmediate(resolve));
}
