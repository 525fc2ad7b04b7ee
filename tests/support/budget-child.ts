// A process that reads history without end under the shared budget of a store, as several `fetch` functions would; it is told what by messages.
import { BinanceExchange } from '../../shared/exchanges/binance/binance-exchange.ts';
import { systemRandom } from '../../shared/runtime/random.ts';
import { SharedBudget } from '../../shared/runtime/shared-budget.ts';
import { systemClock } from '../../shared/runtime/system-clock.ts';
import type { Stores } from '../conformance/stores.ts';

/** What the process is opened with, as JSON in `BUDGET_CHILD`. */
export interface BudgetChildOptions {
  /** The store that all processes share: a module that exports `openStores(location)`, and where. */
  readonly opener: string;
  readonly location: string;
  readonly rest: string;
  /** Exchanges of the process, each with a connection of its own to the exchange. */
  readonly exchanges: number;
}

/** The clock of the host: at the machine's time `at` it says `now`, and it runs `speed` times as fast. */
export interface HostClock {
  readonly at: number;
  readonly now: number;
  readonly speed: number;
}

/** Begins work: every exchange reads hours of one symbol for a workflow, so many side by side and so many in all. */
export interface BudgetWork {
  readonly clock: HostClock;
  readonly workflow: string;
  readonly symbol: string;
  readonly readers: number;
  /** Reads in all, of this process; default: until it is killed. */
  readonly reads?: number;
}

/** What it tells: `ready` when the store is open, `done` when a work with an end has ended. */
export type BudgetChildMessage = 'ready' | 'done';

const HOUR_MS = 3_600_000;
const FROM = Date.UTC(2023, 0, 1);

async function main({ opener, location, rest, exchanges }: BudgetChildOptions): Promise<void> {
  const { openStores } = (await import(opener)) as { openStores(location: string): Promise<Stores> };
  const store = await openStores(location);
  let host: HostClock = { at: 0, now: 0, speed: 1 };
  const clock = {
    now: () => Math.floor(host.now + (Date.now() - host.at) * host.speed),
    sleep: (ms: number, signal?: AbortSignal) => systemClock.sleep(ms / host.speed, signal),
  };
  const parts = { clock, random: systemRandom };
  const opened = Array.from({ length: exchanges }, () => {
    const budget = new SharedBudget({ exchange: 'binance', workflows: store.workflows, limit: 6_000, ...parts });
    // Deadlines are for sockets, whose time is the machine's.
    return new BinanceExchange({ baseUrl: rest, budget, deadlineMs: 120_000, ...parts });
  });

  process.on('message', (work: BudgetWork) => {
    host = work.clock;
    let begun = 0;
    const read = async (exchange: BinanceExchange): Promise<void> => {
      while (begun < (work.reads ?? Number.POSITIVE_INFINITY)) {
        const from = FROM + (begun++ % 5_000) * HOUR_MS;
        const series = { exchange: 'binance', symbol: work.symbol, kind: 'candles', interval: '1m' } as const;
        const pages = exchange.readHistory({ series, from, to: from + HOUR_MS }, { onBehalfOf: work.workflow });
        while (!(await pages.next()).done);
      }
    };
    const readers = opened.flatMap((exchange) => Array.from({ length: work.readers }, () => read(exchange)));
    Promise.all(readers).then(
      () => process.send?.('done' satisfies BudgetChildMessage),
      (error: unknown) => {
        process.stderr.write(`${error instanceof Error ? error.stack : String(error)}\n`);
        process.exit(1);
      },
    );
  });
  process.send?.('ready' satisfies BudgetChildMessage);
}

if (process.env.BUDGET_CHILD !== undefined) await main(JSON.parse(process.env.BUDGET_CHILD) as BudgetChildOptions);
