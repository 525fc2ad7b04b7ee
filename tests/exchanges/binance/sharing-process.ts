import type { Need } from '../../../shared/exchanges/binance/budget-leases.ts';
import { ExchangeClock } from '../../../shared/exchanges/binance/exchange-clock.ts';
import { WeightLimiter } from '../../../shared/exchanges/binance/weight-limiter.ts';
import { seededRandom } from '../../../shared/runtime/random.ts';
import { SharedBudget } from '../../../shared/runtime/shared-budget.ts';
import { createFakeClock, type FakeClock } from '../../support/fake-clock.ts';
import type { MemoryBudget } from '../../support/memory-budget.ts';

export const MINUTE = 60_000;
/** 2024-08-01T00:00:10Z by the exchange: ten seconds into a minute. */
export const NOW = 1_722_470_410_000;
export const HEAD = NOW - 10_000;

export interface Process {
  readonly clock: FakeClock;
  readonly exchangeClock: ExchangeClock;
  readonly limiter: WeightLimiter;
  readonly budget: SharedBudget;
}

/** A process whose host's clock is wrong by `skewMs`; `measured` is whether it has read the exchange's. */
export function openProcess(
  store: MemoryBudget,
  { limit = 6_000, skewMs = 0, measured = true, clock = createFakeClock(NOW + skewMs) } = {},
): Process {
  const exchangeClock = new ExchangeClock(clock);
  if (measured) exchangeClock.measure(clock.now() - skewMs, clock.now(), undefined);
  const budget = new SharedBudget({ exchange: 'binance', workflows: store, clock, random: seededRandom(1), limit });
  const limiter = new WeightLimiter({ clock, exchangeClock, random: () => 0, reserve: 0.2, budget });
  limiter.setLimit(limit);
  return { clock, exchangeClock, limiter, budget };
}

export const history = (weight: number, workflow = 'wf'): Need => ({ weight, urgent: false, workflow });

/** Keeps the proof of the exchange's clock young, as `/time` would. */
export function prove({ clock, exchangeClock }: Process): void {
  exchangeClock.measure(exchangeClock.now(), clock.now(), undefined);
}

/** Waits and takes until the limiter makes it wait; the weight that went out. */
export async function sendAll(process: Process, need: Need): Promise<number> {
  const stop = new AbortController();
  let sent = 0;
  let isWaiting = false;
  while (!isWaiting) {
    const step = process.limiter.wait(need, stop.signal).then(
      () => 'ready',
      () => 'waiting',
    );
    await process.clock.advance(0);
    stop.signal.throwIfAborted();
    isWaiting = process.clock.sleepers().length > 0;
    if (isWaiting) stop.abort();
    if ((await step) === 'ready' && process.limiter.take(need)) sent += need.weight;
  }
  return sent;
}
