import { AppError, isAbort, isRetryable } from '../domain/errors.ts';
import {
  type BudgetDemand,
  type BudgetDocument,
  type BudgetFreeze,
  type BudgetGrant,
  emptyBudget,
  freezeBudget,
  grantBudget,
} from '../domain/request-budget.ts';
import type { ExchangeName } from '../domain/series.ts';
import type { RequestBudget } from '../exchanges/request-budget.ts';
import type { WorkflowStore } from '../store/workflow-store.ts';
import type { Clock, Random } from './context.ts';

/** Waits after another process was quicker: jittered, doubled, up to the longest. */
const FIRST_CONFLICT_MS = 4;
const LONGEST_CONFLICT_MS = 200;
/** So many lost races in a row are no race any more: somebody writes without end. */
const MOST_CONFLICTS = 60;
/** Waits for a store that is away: together some ten seconds, then its error is told. */
const FIRST_OUTAGE_MS = 100;
const LONGEST_OUTAGE_MS = 4_000;
const MOST_OUTAGES = 8;

/** One step of the document; the same object where nothing is to be written. */
interface Step<T> {
  readonly document: BudgetDocument;
  readonly result: T;
}

export interface SharedBudgetOptions {
  readonly exchange: ExchangeName;
  readonly workflows: Pick<WorkflowStore, 'readBudget' | 'writeBudget'>;
  readonly clock: Clock;
  readonly random: Pick<Random, 'next'>;
  /** The exchange's limit where nobody has told one yet. */
  readonly limit: number;
}

/** The budget of one exchange as a document of the store, changed by compare-and-set. */
export class SharedBudget implements RequestBudget {
  readonly #options: SharedBudgetOptions;
  /** As it was read or written last: mostly nobody else has written since, and the read is spared. */
  #known: BudgetDocument | undefined;

  constructor(options: SharedBudgetOptions) {
    this.#options = options;
  }

  async read(signal?: AbortSignal): Promise<BudgetDocument | undefined> {
    const { workflows, exchange } = this.#options;
    this.#known = await this.#whileAway(() => workflows.readBudget(exchange), signal);
    return this.#known;
  }

  async lease(demand: BudgetDemand, signal?: AbortSignal): Promise<BudgetGrant> {
    return this.#change((before) => {
      const grant = grantBudget(before, demand);
      return { document: grant.document, result: grant };
    }, signal).then(({ document, result }) => ({ ...result, document }));
  }

  async freeze(freeze: BudgetFreeze, signal?: AbortSignal): Promise<BudgetDocument> {
    return (await this.#change((before) => ({ document: freezeBudget(before, freeze), result: undefined }), signal)).document;
  }

  async #change<T>(step: (before: BudgetDocument) => Step<T>, signal: AbortSignal | undefined): Promise<Step<T>> {
    const { workflows, exchange, limit } = this.#options;
    let known = this.#known;
    for (let conflicts = 0; conflicts < MOST_CONFLICTS; ) {
      const before = known ?? (await this.read(signal)) ?? emptyBudget(exchange, limit);
      const { document, result } = step(before);
      if (document === before) {
        // What is not written is not checked: a refusal must come from what is stored now.
        if (known === undefined) return { document, result };
        known = undefined;
        continue;
      }
      const isWritten = await this.#whileAway(() => workflows.writeBudget(document, before.rev), signal);
      if (isWritten) {
        const stored = { ...document, rev: before.rev + 1 };
        this.#known = stored;
        return { document: stored, result };
      }
      if (known === undefined) await this.#pause(conflicts++, FIRST_CONFLICT_MS, LONGEST_CONFLICT_MS, signal);
      known = undefined;
    }
    throw new AppError('store_unavailable', `The request budget of ${exchange} could not be written: others were quicker each time.`, {
      exchange,
    });
  }

  async #whileAway<T>(call: () => Promise<T>, signal: AbortSignal | undefined): Promise<T> {
    for (let outages = 0; ; outages += 1) {
      signal?.throwIfAborted();
      try {
        return await call();
      } catch (error) {
        this.#known = undefined;
        if (outages >= MOST_OUTAGES || isAbort(error) || !isRetryable(error)) throw error;
        await this.#pause(outages, FIRST_OUTAGE_MS, LONGEST_OUTAGE_MS, signal);
      }
    }
  }

  async #pause(nth: number, firstMs: number, longestMs: number, signal: AbortSignal | undefined): Promise<void> {
    const { clock, random } = this.#options;
    await clock.sleep(random.next() * Math.min(longestMs, firstMs * 2 ** nth), signal);
  }
}
