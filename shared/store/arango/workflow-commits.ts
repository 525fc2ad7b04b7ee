import { AppError } from '../../domain/errors.ts';
import type { WorkflowChange, WorkflowDocument } from '../workflow-store.ts';
import { ARANGO_ERRORS, errorNumberOf } from './arango-failure.ts';
import type { ArangoPort } from './arango-port.ts';
import { compositeKey, documentKey } from './document-key.ts';
import { fromStoredWorkflow, type StoredWorkflow, toStoredWorkflow } from './workflow-documents.ts';
import { COMMIT_CHANGES, FIND_BY_IDEMPOTENCY_KEY, INSERT_WORKFLOW, READ_STANDING, READ_WORKFLOW } from './workflow-statements.ts';

/** Rounds of looking and inserting: each lost one means that another's document came, or went, in between. */
const MOST_ROUNDS = 10;

interface Standing {
  readonly workflows: readonly { readonly key: string; readonly engine_rev: string; readonly rev: number; readonly event_count: number }[];
  readonly events: readonly string[];
}

/** Writes workflows: each once as pending, then under compare-and-set. */
export class WorkflowWriter {
  readonly #port: ArangoPort;

  constructor(port: ArangoPort) {
    this.#port = port;
  }

  async find(queueId: string): Promise<WorkflowDocument | undefined> {
    const [stored] = await this.#port.query<StoredWorkflow>(`reading workflow ${queueId}`, READ_WORKFLOW, { key: documentKey(queueId) });
    return stored === undefined ? undefined : fromStoredWorkflow(stored);
  }

  async findByKey(key: string): Promise<WorkflowDocument | undefined> {
    const [stored] = await this.#port.query<StoredWorkflow>('finding a workflow by its key', FIND_BY_IDEMPOTENCY_KEY, { key });
    return stored === undefined ? undefined : fromStoredWorkflow(stored);
  }

  /** The database's own unique keys decide between two at once. */
  async insertPending(document: WorkflowDocument): Promise<{ readonly created: boolean; readonly stored: WorkflowDocument }> {
    for (let round = 0; round < MOST_ROUNDS; round += 1) {
      const found = (await this.find(document.queue_id)) ?? (await this.#holderOf(document));
      if (found !== undefined) return { created: false, stored: found };
      const stored = toStoredWorkflow(document, 0);
      const inserted = await this.#unlessTaken(async () => {
        await this.#port.query(`inserting workflow ${document.queue_id}`, INSERT_WORKFLOW, { document: stored });
        return true;
      });
      if (inserted === true) return { created: true, stored: fromStoredWorkflow(stored) };
    }
    throw new AppError(
      'store_unavailable',
      `Workflow ${document.queue_id} was in the way of others ${MOST_ROUNDS} times in a row; try again.`,
    );
  }

  /** All or none; false where a `rev` differs. Throws `idempotency_mismatch` for the key of another workflow. */
  async commit(changes: readonly WorkflowChange[]): Promise<boolean> {
    const doing = `committing workflow ${changes[0]?.document.queue_id}`;
    const eventsOf = ({ document, events }: WorkflowChange) =>
      events.map((event) => ({ _key: compositeKey(document.queue_id, event.id), queue_id: document.queue_id, event }));
    const bind = {
      keys: changes.map(({ document }) => documentKey(document.queue_id)),
      events: changes.flatMap(eventsOf).map(({ _key }) => _key),
    };
    const standing = await this.#port.one<Standing>(doing, READ_STANDING, bind);
    const stored = new Map(standing.workflows.map((workflow) => [workflow.key, workflow]));
    const known = new Set(standing.events);

    const documents: (StoredWorkflow & { readonly _rev?: string })[] = [];
    const events: { readonly _key: string; readonly seq: number }[] = [];
    for (const change of changes) {
      const before = stored.get(documentKey(change.document.queue_id));
      if ((before?.rev ?? 0) !== change.document.rev) return false;
      let seq = before?.event_count ?? 0;
      for (const event of eventsOf(change)) {
        if (known.has(event._key)) continue;
        known.add(event._key);
        seq += 1;
        events.push({ ...event, seq });
      }
      documents.push({ ...toStoredWorkflow(change.document, seq), ...(before === undefined ? {} : { _rev: before.engine_rev }) });
    }
    const shards = changes
      .flatMap((change) => change.shards)
      .map((shard) => ({ _key: compositeKey(shard.queue_id, shard.shard), ...shard }));
    const committed = await this.#unlessTaken(() => this.#port.one<boolean>(doing, COMMIT_CHANGES, { documents, shards, events }));
    if (committed !== undefined) return committed;
    for (const { document } of changes) await this.#checkKey(document);
    return false;
  }

  async #checkKey(document: WorkflowDocument): Promise<void> {
    const holder = await this.#holderOf(document);
    if (holder === undefined || holder.queue_id === document.queue_id) return;
    throw new AppError('idempotency_mismatch', `The idempotency key of ${document.queue_id} belongs to ${holder.queue_id}.`, {
      queue_id: document.queue_id,
      stored: holder.queue_id,
    });
  }

  async #holderOf({ idempotency_key }: WorkflowDocument): Promise<WorkflowDocument | undefined> {
    return idempotency_key === undefined ? undefined : this.findByKey(idempotency_key);
  }

  /** Undefined where a unique value was taken. */
  async #unlessTaken<Result>(write: () => Promise<Result>): Promise<Result | undefined> {
    try {
      return await write();
    } catch (error) {
      if (error instanceof AppError && errorNumberOf(error.cause) === ARANGO_ERRORS.uniqueViolated) return undefined;
      throw error;
    }
  }
}
