import type { BudgetDocument } from '../../domain/request-budget.ts';
import type { ExchangeName } from '../../domain/series.ts';
import {
  type Claim,
  type CollectionDocument,
  DEFAULT_LIMIT,
  type DeadLetterDocument,
  type DeliveryKey,
  NEWEST,
  type ShardDocument,
  type WorkflowChange,
  type WorkflowDocument,
  type WorkflowEventDocument,
  type WorkflowFilter,
  type WorkflowStore,
  type WorkflowView,
} from '../workflow-store.ts';
import type { ArangoPort } from './arango-port.ts';
import { BudgetDocuments } from './budget-documents.ts';
import { ClaimDocuments } from './claim-documents.ts';
import { documentKey } from './document-key.ts';
import { WorkflowWriter } from './workflow-commits.ts';
import { fromCursor, fromStoredWorkflow, type StoredWorkflow } from './workflow-documents.ts';
import { CLEAR_OUTBOX, LIST_WORKFLOWS, PUT_DOCUMENT, READ_DOCUMENT, READ_EVENTS, READ_SHARDS, READ_VIEWS } from './workflow-statements.ts';

/** In this order a drop that is cut short leaves workflows that are dropped again, never shards or events without one. */
const DROPPED = ['workflow_events', 'workflow_shards', 'collections', 'workflows'] as const;

/** The workflow store on ArangoDB: a document for each workflow, shard, event, claim, selection, delivery and dead letter. */
export class ArangoWorkflowStore implements WorkflowStore {
  readonly #port: ArangoPort;
  readonly #writer: WorkflowWriter;
  readonly #claims: ClaimDocuments;
  readonly #budgets: BudgetDocuments;

  constructor(port: ArangoPort) {
    this.#port = port;
    this.#writer = new WorkflowWriter(port);
    this.#claims = new ClaimDocuments(port);
    this.#budgets = new BudgetDocuments(port);
  }

  insertPending(document: WorkflowDocument): Promise<{ readonly created: boolean; readonly stored: WorkflowDocument }> {
    return this.#writer.insertPending(document);
  }

  readWorkflow(queueId: string): Promise<WorkflowDocument | undefined> {
    return this.#writer.find(queueId);
  }

  findByIdempotencyKey(key: string): Promise<WorkflowDocument | undefined> {
    return this.#writer.findByKey(key);
  }

  async listWorkflows(filter: WorkflowFilter = {}): Promise<{ readonly items: readonly WorkflowDocument[]; readonly cursor?: string }> {
    const { status = null, symbol = null, type = null, limit = DEFAULT_LIMIT, cursor } = filter;
    const before = cursor === undefined ? NEWEST : fromCursor(cursor);
    // One more than asked tells whether there is a next page.
    const bind = { status, symbol, type, before, limit: limit + 1 };
    const found = await this.#port.query<StoredWorkflow>('listing workflows', LIST_WORKFLOWS, bind);
    const items = found.slice(0, limit).map(fromStoredWorkflow);
    const last = items.at(-1);
    return found.length <= limit || last === undefined ? { items } : { items, cursor: `${last.created_at}:${last.queue_id}` };
  }

  async commitChanges(changes: readonly WorkflowChange[]): Promise<boolean> {
    return changes.length === 0 || this.#writer.commit(changes);
  }

  async clearOutbox(sent: readonly { readonly queue_id: string; readonly rev: number }[]): Promise<boolean> {
    if (sent.length === 0) return true;
    const keyed = sent.map(({ queue_id, rev }) => ({ _key: documentKey(queue_id), rev }));
    return this.#port.one<boolean>(`emptying the outbox of ${sent[0]?.queue_id}`, CLEAR_OUTBOX, { sent: keyed });
  }

  async readViews(queueIds: readonly string[]): Promise<readonly WorkflowView[]> {
    if (queueIds.length === 0) return [];
    return this.#port.query<WorkflowView>('reading views of workflows', READ_VIEWS, { keys: queueIds.map(documentKey) });
  }

  async readShards(
    queueId: string,
    options: { readonly attempt?: number; readonly status?: ShardDocument['status']; readonly limit?: number } = {},
  ): Promise<readonly ShardDocument[]> {
    const { attempt = null, status = null, limit = Number.MAX_SAFE_INTEGER } = options;
    return this.#port.query<ShardDocument>(`reading shards of ${queueId}`, READ_SHARDS, { queue_id: queueId, attempt, status, limit });
  }

  async readEvents(queueId: string, afterSeq: number, limit: number): Promise<readonly WorkflowEventDocument[]> {
    const bind = { queue_id: queueId, after: afterSeq, limit };
    return this.#port.query<WorkflowEventDocument>(`reading events of ${queueId}`, READ_EVENTS, bind);
  }

  async dropWorkflows(): Promise<void> {
    for (const name of DROPPED) {
      const path = `/_api/collection/${name}/truncate`;
      await this.#port.send(`dropping ${name}`, { method: 'PUT', path, search: { waitForSync: 'true' } });
    }
  }

  acquireClaim(key: string, token: string, now: number, leaseMs: number): Promise<{ readonly granted: boolean; readonly claim: Claim }> {
    return this.#claims.acquire(key, token, now, leaseMs);
  }

  renewClaim(key: string, token: string, until: number): Promise<boolean> {
    return this.#claims.renew(key, token, until);
  }

  releaseClaim(key: string, token: string, done: boolean): Promise<boolean> {
    return this.#claims.release(key, token, done);
  }

  readClaim(key: string): Promise<Claim | undefined> {
    return this.#claims.read(key);
  }

  expiredClaims(prefix: string, now: number): Promise<readonly Claim[]> {
    return this.#claims.expired(prefix, now);
  }

  forgetClaims(before: number): Promise<number> {
    return this.#claims.forget(before);
  }

  async putCollection(collection: CollectionDocument): Promise<void> {
    const document = { _key: documentKey(collection.name), ...collection };
    const bind = { '@collection': 'collections', document };
    await this.#port.query(`keeping collection ${collection.name}`, PUT_DOCUMENT, bind, { retryDuplicates: true });
  }

  async readCollection(name: string): Promise<CollectionDocument | undefined> {
    const bind = { '@collection': 'collections', key: documentKey(name) };
    return (await this.#port.query<CollectionDocument>(`reading collection ${name}`, READ_DOCUMENT, bind))[0];
  }

  countDelivery(key: DeliveryKey, error: string, at: number): Promise<number> {
    return this.#claims.countDelivery(key, error, at);
  }

  clearDelivery(key: DeliveryKey): Promise<void> {
    return this.#claims.clearDelivery(key);
  }

  putDeadLetters(letters: readonly DeadLetterDocument[]): Promise<void> {
    return this.#claims.putDeadLetters(letters);
  }

  listDeadLetters(
    filter: { readonly topic?: string; readonly queue_id?: string; readonly limit?: number } = {},
  ): Promise<readonly DeadLetterDocument[]> {
    return this.#claims.listDeadLetters(filter.topic ?? null, filter.queue_id ?? null, filter.limit ?? DEFAULT_LIMIT);
  }

  readBudget(exchange: ExchangeName): Promise<BudgetDocument | undefined> {
    return this.#budgets.read(exchange);
  }

  writeBudget(document: BudgetDocument, rev: number): Promise<boolean> {
    return this.#budgets.write(document, rev);
  }

  async close(): Promise<void> {
    await this.#port.close();
  }
}
