import { AppError } from '../../shared/domain/errors.ts';
import type { Clock, Context } from '../../shared/runtime/context.ts';
import type { WorkflowStatus, WorkflowStore, WorkflowView } from '../../shared/store/workflow-store.ts';

/** How often the views of the workflows that are worked for are read. */
const POLL_MS = 300;
/** Oldest view that a request may leave on: a second, less what the way to the exchange takes. */
const MOST_AGE_MS = 900;

/** Statuses in which a shard is still wanted; a later stage means that the load is over. */
const WANTED: readonly WorkflowStatus[] = ['pending', 'loading'];

/** One piece of work's eye on its workflow. */
export interface Watch {
  /** Aborts with `state_conflict` once the workflow no longer wants the work: within a second of the stop. */
  readonly signal: AbortSignal;
  /** Resolves when a view at most a second old says that the work is wanted; throws `state_conflict` otherwise, or what the store throws. */
  check(): Promise<void>;
  end(): void;
}

/** The work of one attempt of a workflow. */
interface Work {
  readonly attempt: number;
  readonly stop: AbortController;
}

interface Watched {
  readonly works: Set<Work>;
  view: WorkflowView | undefined;
  /** When the read of `view` began, by our clock. */
  readAt: number;
}

/** One watcher for each store of the process: however many shards are worked on, each workflow is read once. */
const watchers = new WeakMap<WorkflowStore, WorkflowWatcher>();

/** Watches a workflow for one attempt's work, until `end`. */
export function watchWorkflow({ ports, clock }: Pick<Context, 'ports' | 'clock'>, queueId: string, attempt: number): Watch {
  const watcher = watchers.get(ports.workflows) ?? new WorkflowWatcher(ports.workflows, clock);
  watchers.set(ports.workflows, watcher);
  return watcher.watch(queueId, attempt);
}

class WorkflowWatcher {
  readonly #store: WorkflowStore;
  readonly #clock: Clock;
  readonly #watched = new Map<string, Watched>();
  #polling = false;

  constructor(store: WorkflowStore, clock: Clock) {
    this.#store = store;
    this.#clock = clock;
  }

  watch(queueId: string, attempt: number): Watch {
    const watched = this.#watched.get(queueId) ?? { works: new Set(), view: undefined, readAt: Number.NEGATIVE_INFINITY };
    this.#watched.set(queueId, watched);
    const work: Work = { attempt, stop: new AbortController() };
    watched.works.add(work);
    void this.#poll();
    return {
      signal: work.stop.signal,
      check: async () => {
        if (this.#clock.now() - watched.readAt > MOST_AGE_MS) await this.#read([queueId]);
        const refusal = refusalOf(queueId, watched.view, attempt);
        if (refusal !== undefined) throw refusal;
      },
      end: () => {
        watched.works.delete(work);
        if (watched.works.size === 0) this.#watched.delete(queueId);
      },
    };
  }

  async #poll(): Promise<void> {
    if (this.#polling) return;
    this.#polling = true;
    for (;;) {
      await this.#clock.sleep(POLL_MS);
      if (this.#watched.size === 0) break;
      // A store that is away lets the views grow old: whoever is about to ask the exchange then asks the store, and fails with it.
      await this.#read([...this.#watched.keys()]).catch(() => undefined);
    }
    this.#polling = false;
  }

  async #read(queueIds: readonly string[]): Promise<void> {
    const readAt = this.#clock.now();
    const views = new Map((await this.#store.readViews(queueIds)).map((view) => [view.queue_id, view]));
    for (const queueId of queueIds) {
      const watched = this.#watched.get(queueId);
      if (watched === undefined || watched.readAt > readAt) continue;
      watched.view = views.get(queueId);
      watched.readAt = readAt;
      for (const { attempt, stop } of watched.works) {
        const refusal = refusalOf(queueId, watched.view, attempt);
        if (refusal !== undefined) stop.abort(refusal);
      }
    }
  }
}

/** Why work is not wanted, or undefined. A view behind the command's attempt is only late: the command was sent after the state was stored. */
function refusalOf(queueId: string, view: WorkflowView | undefined, attempt: number): AppError | undefined {
  if (view === undefined) return refuse(queueId, 'is not stored');
  if (view.attempt > attempt) return refuse(queueId, `is at attempt ${view.attempt}, this work is of attempt ${attempt}`);
  if (view.attempt === attempt && !WANTED.includes(view.status)) return refuse(queueId, `is ${view.status}`);
  return undefined;
}

function refuse(queueId: string, why: string): AppError {
  return new AppError('state_conflict', `The shard is dropped: workflow ${queueId} ${why}.`, { queue_id: queueId });
}
