import type { WorkflowDocument, WorkflowStore } from '../../shared/store/workflow-store.ts';

/** Documents that are kept; the state of a large workflow has some tens of kilobytes. */
const MAX_KEPT = 200;

/**
 * Documents as this process wrote them last: a workflow's next batch needs no read. Compare-and-set decides whether a kept one was still the newest; where
 * it was not, it is forgotten and read again.
 */
export class DocumentCache {
  readonly #store: WorkflowStore;
  readonly #kept = new Map<string, WorkflowDocument>();

  constructor(store: WorkflowStore) {
    this.#store = store;
  }

  async read(queueIds: readonly string[]): Promise<ReadonlyMap<string, WorkflowDocument>> {
    const found = await Promise.all(queueIds.map(async (id) => this.#kept.get(id) ?? (await this.#store.readWorkflow(id))));
    return new Map(found.flatMap((document) => (document === undefined ? [] : [[document.queue_id, document] as const])));
  }

  keep(document: WorkflowDocument): void {
    this.#kept.delete(document.queue_id);
    this.#kept.set(document.queue_id, document);
    for (const oldest of this.#kept.keys()) {
      if (this.#kept.size <= MAX_KEPT) break;
      this.#kept.delete(oldest);
    }
  }

  forget(queueIds: readonly string[]): void {
    for (const id of queueIds) this.#kept.delete(id);
  }
}

const caches = new WeakMap<WorkflowStore, DocumentCache>();

/** The cache of a store: one for all batches that this process folds. */
export function cacheOf(store: WorkflowStore): DocumentCache {
  const found = caches.get(store) ?? new DocumentCache(store);
  caches.set(store, found);
  return found;
}
