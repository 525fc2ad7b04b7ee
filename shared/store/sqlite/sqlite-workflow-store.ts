import { AppError } from '../../domain/errors.ts';
import type { BudgetDocument } from '../../domain/request-budget.ts';
import type { ExchangeName } from '../../domain/series.ts';
import type { StreamEvent } from '../../events/event.ts';
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
  type WorkflowStatus,
  type WorkflowStore,
  type WorkflowView,
} from '../workflow-store.ts';
import type { StorePort } from './store-client.ts';
import type { ChangeLines, WorkflowLine } from './workflow-operations.ts';

/** The workflow store on SQLite. Documents are JSON, made and read on this side: the store's thread moves text. */
export class SqliteWorkflowStore implements WorkflowStore {
  readonly #port: StorePort;

  constructor(port: StorePort) {
    this.#port = port;
  }

  async insertPending(document: WorkflowDocument): Promise<{ readonly created: boolean; readonly stored: WorkflowDocument }> {
    const { created, stored } = await this.#port.call('insertPending', toLine(document));
    return { created, stored: fromLine(stored) };
  }

  async readWorkflow(queueId: string): Promise<WorkflowDocument | undefined> {
    const line = await this.#port.call('readWorkflow', queueId);
    return line === undefined ? undefined : fromLine(line);
  }

  async findByIdempotencyKey(key: string): Promise<WorkflowDocument | undefined> {
    const line = await this.#port.call('findByIdempotencyKey', key);
    return line === undefined ? undefined : fromLine(line);
  }

  async listWorkflows(filter: WorkflowFilter = {}): Promise<{ readonly items: readonly WorkflowDocument[]; readonly cursor?: string }> {
    const { status = null, symbol = null, type = null, limit = DEFAULT_LIMIT, cursor } = filter;
    const before = cursor === undefined ? NEWEST : fromCursor(cursor);
    // One more than asked tells whether there is a next page.
    const lines = await this.#port.call('listWorkflows', { status, symbol, type, before, limit: limit + 1 });
    const items = lines.slice(0, limit).map(fromLine);
    const last = items.at(-1);
    return lines.length <= limit || last === undefined ? { items } : { items, cursor: `${last.created_at}:${last.queue_id}` };
  }

  async commitChanges(changes: readonly WorkflowChange[]): Promise<boolean> {
    return changes.length === 0 || this.#port.call('commitChanges', changes.map(toChangeLines));
  }

  async clearOutbox(sent: readonly { readonly queue_id: string; readonly rev: number }[]): Promise<boolean> {
    return sent.length === 0 || this.#port.call('clearOutbox', sent);
  }

  async readViews(queueIds: readonly string[]): Promise<readonly WorkflowView[]> {
    return queueIds.length === 0 ? [] : this.#port.call('readViews', queueIds);
  }

  async readShards(
    queueId: string,
    { attempt, status, limit }: { readonly attempt?: number; readonly status?: ShardDocument['status']; readonly limit?: number } = {},
  ): Promise<readonly ShardDocument[]> {
    const documents = await this.#port.call('readShards', {
      queueId,
      attempt: attempt ?? null,
      status: status ?? null,
      limit: limit ?? -1,
    });
    return documents.map((document) => JSON.parse(document) as ShardDocument);
  }

  async readEvents(queueId: string, afterSeq: number, limit: number): Promise<readonly WorkflowEventDocument[]> {
    const lines = await this.#port.call('readEvents', { queueId, afterSeq, limit });
    return lines.map(({ seq, event }) => ({ queue_id: queueId, seq, event: JSON.parse(event) as StreamEvent }));
  }

  async dropWorkflows(): Promise<void> {
    await this.#port.call('dropWorkflows', undefined);
  }

  async acquireClaim(
    key: string,
    token: string,
    now: number,
    leaseMs: number,
  ): Promise<{ readonly granted: boolean; readonly claim: Claim }> {
    return this.#port.call('acquireClaim', { key, token, now, until: now + leaseMs });
  }

  async renewClaim(key: string, token: string, until: number): Promise<boolean> {
    return this.#port.call('renewClaim', { key, token, until });
  }

  async releaseClaim(key: string, token: string, done: boolean): Promise<boolean> {
    return this.#port.call('releaseClaim', { key, token, done });
  }

  async readClaim(key: string): Promise<Claim | undefined> {
    return this.#port.call('readClaim', key);
  }

  async expiredClaims(prefix: string, now: number): Promise<readonly Claim[]> {
    return this.#port.call('expiredClaims', { prefix, now });
  }

  async forgetClaims(before: number): Promise<number> {
    let forgotten = 0;
    for (;;) {
      const count = await this.#port.call('forgetClaims', before);
      if (count === 0) return forgotten;
      forgotten += count;
    }
  }

  async putCollection(collection: CollectionDocument): Promise<void> {
    await this.#port.call('putCollection', { name: collection.name, document: JSON.stringify(collection) });
  }

  async readCollection(name: string): Promise<CollectionDocument | undefined> {
    const document = await this.#port.call('readCollection', name);
    return document === undefined ? undefined : (JSON.parse(document) as CollectionDocument);
  }

  async countDelivery(delivery: DeliveryKey, error: string, at: number): Promise<number> {
    return this.#port.call('countDelivery', { delivery, error, at });
  }

  async clearDelivery(delivery: DeliveryKey): Promise<void> {
    await this.#port.call('clearDelivery', delivery);
  }

  async putDeadLetters(letters: readonly DeadLetterDocument[]): Promise<void> {
    const lines = letters.map((letter) => ({
      key: JSON.stringify([letter.topic, letter.partition, letter.offset, letter.group, letter.row ?? null]),
      topic: letter.topic,
      queue_id: letter.queue_id ?? null,
      document: JSON.stringify(letter),
    }));
    if (lines.length > 0) await this.#port.call('putDeadLetters', lines);
  }

  async listDeadLetters({
    topic,
    queue_id,
    limit = DEFAULT_LIMIT,
  }: {
    readonly topic?: string;
    readonly queue_id?: string;
    readonly limit?: number;
  } = {}): Promise<readonly DeadLetterDocument[]> {
    const documents = await this.#port.call('listDeadLetters', { topic: topic ?? null, queueId: queue_id ?? null, limit });
    return documents.map((document) => JSON.parse(document) as DeadLetterDocument);
  }

  async readBudget(exchange: ExchangeName): Promise<BudgetDocument | undefined> {
    const line = await this.#port.call('readBudget', exchange);
    return line === undefined ? undefined : { ...(JSON.parse(line.document) as BudgetDocument), rev: line.rev };
  }

  async writeBudget(document: BudgetDocument, rev: number): Promise<boolean> {
    return this.#port.call('writeBudget', { exchange: document.exchange, rev, document: JSON.stringify(document) });
  }

  async close(): Promise<void> {
    await this.#port.close();
  }
}

function toLine(document: WorkflowDocument): WorkflowLine {
  const { queue_id, rev, status, attempt, request_hash, created_at, updated_at } = document;
  return {
    ...{ queue_id, rev, status, attempt, request_hash, created_at, updated_at },
    idempotency_key: document.idempotency_key ?? null,
    symbols: JSON.stringify(document.symbols),
    types: JSON.stringify(document.types),
    state: JSON.stringify(document.state ?? null),
    outbox: JSON.stringify(document.outbox),
  };
}

function fromLine({ symbols, types, state, outbox, idempotency_key, ...line }: WorkflowLine): WorkflowDocument {
  return {
    ...line,
    status: line.status as WorkflowStatus,
    ...(idempotency_key === null ? {} : { idempotency_key }),
    symbols: JSON.parse(symbols) as string[],
    types: JSON.parse(types) as string[],
    state: JSON.parse(state) as unknown,
    outbox: JSON.parse(outbox) as StreamEvent[],
  };
}

function toChangeLines({ document, shards, events }: WorkflowChange): ChangeLines {
  return {
    workflow: toLine(document),
    shards: shards.map((shard) => ({ shard: shard.shard, attempt: shard.attempt, status: shard.status, document: JSON.stringify(shard) })),
    events: events.map((event) => ({ event_id: event.id, event: JSON.stringify(event) })),
  };
}

/** Throws `invalid_request` for a cursor that no answer gave. */
function fromCursor(cursor: string): readonly [created_at: number, queue_id: string] {
  const [, time, queueId] = /^(\d{1,16}):(.+)$/s.exec(cursor) ?? [];
  if (time === undefined || queueId === undefined)
    throw new AppError('invalid_request', `${JSON.stringify(cursor)} is no cursor of an earlier answer.`, {
      fields: [{ path: 'cursor', problem: 'not a cursor of an earlier answer' }],
    });
  return [Number(time), queueId];
}
