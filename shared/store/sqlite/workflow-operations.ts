import { AppError } from '../../domain/errors.ts';
import type { WorkflowView } from '../workflow-store.ts';
import type { Database } from './database.ts';
import { read, write } from './operation.ts';

/** A workflow as its line holds it: lists, state and outbox as JSON, made and read on the caller's side. */
export interface WorkflowLine {
  readonly queue_id: string;
  readonly rev: number;
  readonly status: string;
  readonly attempt: number;
  readonly symbols: string;
  readonly types: string;
  readonly idempotency_key: string | null;
  readonly request_hash: string;
  readonly created_at: number;
  readonly updated_at: number;
  readonly state: string;
  readonly outbox: string;
}

/** A shard as its line holds it, with what it is searched by. */
export interface ShardLine {
  readonly shard: string;
  readonly attempt: number;
  readonly status: string;
  readonly document: string;
}

/** An event as its line holds it; `seq` is given by the store. */
export interface EventLine {
  readonly event_id: string;
  readonly event: string;
}

/** One step of the fold. */
export interface ChangeLines {
  readonly workflow: WorkflowLine;
  readonly shards: readonly ShardLine[];
  readonly events: readonly EventLine[];
}

/** What a list of workflows is narrowed to; null is any. */
export interface WorkflowSearch {
  readonly status: string | null;
  readonly symbol: string | null;
  readonly type: string | null;
  /** The newest that may be answered: lines before it in the order of age. */
  readonly before: readonly [created_at: number, queue_id: string];
  readonly limit: number;
}

/** What the worker does for workflows, their shards, events and collections. */
export function createWorkflowOperations(database: Database) {
  const sql = (text: string) => database.statement(text);

  const find = (queueId: string): WorkflowLine | undefined =>
    sql('SELECT * FROM workflows WHERE queue_id = ?').get(queueId) as WorkflowLine | undefined;
  const findByKey = (key: string): WorkflowLine | undefined =>
    sql('SELECT * FROM workflows WHERE idempotency_key = ?').get(key) as WorkflowLine | undefined;
  const hasRev = ({ queue_id, rev }: { readonly queue_id: string; readonly rev: number }): boolean =>
    (sql('SELECT rev FROM workflows WHERE queue_id = ?').get(queue_id)?.rev ?? 0) === rev;

  /** Stores the line with the next `rev`. */
  const put = (line: WorkflowLine): void => {
    const other = line.idempotency_key === null ? undefined : findByKey(line.idempotency_key);
    if (other !== undefined && other.queue_id !== line.queue_id)
      throw new AppError('idempotency_mismatch', `The idempotency key of ${line.queue_id} belongs to ${other.queue_id}.`, {
        queue_id: line.queue_id,
        stored: other.queue_id,
      });
    sql(
      `INSERT OR REPLACE INTO workflows
       (queue_id, rev, status, attempt, symbols, types, idempotency_key, request_hash, created_at, updated_at, state, outbox)
       VALUES (:queue_id, :rev, :status, :attempt, :symbols, :types, :idempotency_key, :request_hash, :created_at, :updated_at, :state, :outbox)`,
    ).run({ ...line, rev: line.rev + 1 });
  };

  const putShard = (queueId: string, { shard, attempt, status, document }: ShardLine): void => {
    sql('INSERT OR REPLACE INTO workflow_shards (queue_id, shard, attempt, status, document) VALUES (?, ?, ?, ?, ?)').run(
      queueId,
      shard,
      attempt,
      status,
      document,
    );
  };

  const appendEvent = (queueId: string, { event_id, event }: EventLine): void => {
    sql(
      `INSERT INTO workflow_events (queue_id, seq, event_id, event)
       SELECT ?1, coalesce(max(seq), 0) + 1, ?2, ?3 FROM workflow_events WHERE queue_id = ?1 ON CONFLICT DO NOTHING`,
    ).run(queueId, event_id, event);
  };

  return {
    insertPending: write((line: WorkflowLine): { created: boolean; stored: WorkflowLine } => {
      const stored = find(line.queue_id) ?? (line.idempotency_key === null ? undefined : findByKey(line.idempotency_key));
      if (stored !== undefined) return { created: false, stored };
      put(line);
      return { created: true, stored: { ...line, rev: line.rev + 1 } };
    }),

    commitChanges: write((changes: readonly ChangeLines[]): boolean => {
      if (!changes.every(({ workflow }) => hasRev(workflow))) return false;
      for (const { workflow, shards, events } of changes) {
        put(workflow);
        for (const shard of shards) putShard(workflow.queue_id, shard);
        for (const event of events) appendEvent(workflow.queue_id, event);
      }
      return true;
    }),

    clearOutbox: write((sent: readonly { readonly queue_id: string; readonly rev: number }[]): boolean => {
      if (!sent.every(hasRev)) return false;
      for (const { queue_id } of sent) sql("UPDATE workflows SET outbox = '[]', rev = rev + 1 WHERE queue_id = ?").run(queue_id);
      return true;
    }),

    readWorkflow: read(find),
    findByIdempotencyKey: read(findByKey),

    listWorkflows: read(({ status, symbol, type, before, limit }: WorkflowSearch): WorkflowLine[] => {
      const found = sql(
        `SELECT * FROM workflows WHERE (?1 IS NULL OR status = ?1)
         AND (?2 IS NULL OR EXISTS (SELECT 1 FROM json_each(symbols) WHERE value = ?2))
         AND (?3 IS NULL OR EXISTS (SELECT 1 FROM json_each(types) WHERE value = ?3))
         AND (created_at, queue_id) < (?4, ?5) ORDER BY created_at DESC, queue_id DESC LIMIT ?6`,
      ).all(status, symbol, type, ...before, limit);
      return found as unknown as WorkflowLine[];
    }),

    readViews: read((queueIds: readonly string[]): WorkflowView[] => {
      const views = sql('SELECT queue_id, attempt, status FROM workflows WHERE queue_id IN (SELECT value FROM json_each(?))');
      return views.all(JSON.stringify(queueIds)) as unknown as WorkflowView[];
    }),

    readShards: read(
      (args: {
        readonly queueId: string;
        readonly attempt: number | null;
        readonly status: string | null;
        readonly limit: number;
      }): string[] =>
        sql(
          `SELECT document FROM workflow_shards WHERE queue_id = ?1 AND (?2 IS NULL OR attempt = ?2) AND (?3 IS NULL OR status = ?3)
           ORDER BY shard LIMIT ?4`,
        )
          .all(args.queueId, args.attempt, args.status, args.limit)
          .map(({ document }) => document as string),
    ),

    readEvents: read((args: { readonly queueId: string; readonly afterSeq: number; readonly limit: number }) =>
      sql('SELECT seq, event FROM workflow_events WHERE queue_id = ? AND seq > ? ORDER BY seq LIMIT ?')
        .all(args.queueId, args.afterSeq, args.limit)
        .map(({ seq, event }) => ({ seq: seq as number, event: event as string })),
    ),

    dropWorkflows: write((): void => {
      for (const table of ['workflows', 'workflow_shards', 'workflow_events', 'collections']) sql(`DELETE FROM ${table}`).run();
    }),

    putCollection: write(({ name, document }: { readonly name: string; readonly document: string }): void => {
      sql('INSERT OR REPLACE INTO collections (name, document) VALUES (?, ?)').run(name, document);
    }),

    readCollection: read(
      (name: string): string | undefined =>
        sql('SELECT document FROM collections WHERE name = ?').get(name)?.document as string | undefined,
    ),
  };
}
