import type { Absence } from '../domain/coverage.ts';
import type { SeriesRange } from '../domain/range.ts';
import type { BudgetDocument } from '../domain/request-budget.ts';
import type { ExchangeName } from '../domain/series.ts';
import { WORKFLOW_STATUSES, type WorkflowStatus } from '../domain/workflow/state.ts';
import type { StreamEvent } from '../events/event.ts';

/** Documents of one answer where the caller names no limit. */
export const DEFAULT_LIMIT = 100;
/** A place behind every queue id and time: where a listing, newest first, begins. */
export const NEWEST = [Number.MAX_SAFE_INTEGER, ''] as const;

export { WORKFLOW_STATUSES, type WorkflowStatus };

/**
 * A workflow (`workflows`). Written by HTTP once, as `pending`, for the reader; after that by the fold over `queue-events` alone.
 * `state` is the fold's own JSON; the fields beside it are copies to search by. `outbox` holds commands that are not sent yet.
 */
export interface WorkflowDocument {
  readonly queue_id: string;
  /** 0: not stored yet. Rises by one with each write. */
  readonly rev: number;
  readonly status: WorkflowStatus;
  readonly attempt: number;
  readonly symbols: readonly string[];
  readonly types: readonly string[];
  readonly idempotency_key?: string;
  /** SHA-256 of the normalised request: the same key with another hash is `idempotency_mismatch`. */
  readonly request_hash: string;
  readonly created_at: number;
  readonly updated_at: number;
  readonly state: unknown;
  readonly outbox: readonly StreamEvent[];
}

/** One shard of a workflow (`workflow_shards`), for the reader: the fold does not read it. */
export interface ShardDocument {
  readonly queue_id: string;
  readonly shard: string;
  readonly attempt: number;
  readonly try: number;
  readonly status: 'sent' | 'persisted' | 'short' | 'failed';
  readonly series: string;
  readonly from: number;
  readonly to: number;
  readonly counted: number;
  readonly missing: readonly SeriesRange[];
  readonly absent: readonly Absence[];
  readonly error?: { readonly code: string; readonly message: string };
  readonly updated_at: number;
}

/** One event of a workflow (`workflow_events`), once per event id. `seq` counts from 1 in the order of the topic. */
export interface WorkflowEventDocument {
  readonly queue_id: string;
  readonly seq: number;
  readonly event: StreamEvent;
}

/** One step of the fold: the document (its `rev` is the stored one), and what is kept beside it. */
export interface WorkflowChange {
  readonly document: WorkflowDocument;
  readonly shards: readonly ShardDocument[];
  /** Appended in order; an event whose id is stored already is left out. */
  readonly events: readonly StreamEvent[];
}

export interface WorkflowFilter {
  readonly status?: WorkflowStatus;
  readonly symbol?: string;
  readonly type?: string;
  readonly limit?: number;
  /** As the answer before gave it. */
  readonly cursor?: string;
}

/** What a worker must know before every request to an exchange. */
export interface WorkflowView {
  readonly queue_id: string;
  readonly attempt: number;
  readonly status: WorkflowStatus;
}

/** A lease on a piece of work (`claims`). Results are written only under the current token. */
export interface Claim {
  readonly key: string;
  readonly token: string;
  /** Epoch ms; the claim is free after it. */
  readonly until: number;
  /** Set when the work is done: the claim does not become free again until it is forgotten. */
  readonly done: boolean;
}

/** A saved selection (`collections`): the name of a workflow's result. */
export interface CollectionDocument {
  readonly name: string;
  readonly queue_id: string;
  readonly selections: readonly { readonly series: string; readonly from: number; readonly to: number }[];
  readonly created_at: number;
}

/** A dead letter as the store keeps it beside the topic (`dead_letters`). */
export interface DeadLetterDocument {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
  readonly group: string;
  /** Index of the row inside the event, where one row was refused alone. */
  readonly row?: number;
  readonly code: string;
  readonly cause: string;
  readonly queue_id?: string;
  readonly at: number;
}

/** Where an event stands, for the count of its failed tries (`deliveries`). */
export interface DeliveryKey {
  readonly group: string;
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
}

/**
 * Workflows with their outbox, shards and events; claims, collections, deliveries, dead letters and request budgets. Errors: `store_unavailable`,
 * `storage_full`. Every write is durable when its promise resolves.
 */
export interface WorkflowStore {
  /** Writes the pending document unless its queue id or its idempotency key is stored; returns what is stored then. */
  insertPending(document: WorkflowDocument): Promise<{ readonly created: boolean; readonly stored: WorkflowDocument }>;
  readWorkflow(queueId: string): Promise<WorkflowDocument | undefined>;
  findByIdempotencyKey(key: string): Promise<WorkflowDocument | undefined>;
  /** Newest first. */
  listWorkflows(filter?: WorkflowFilter): Promise<{ readonly items: readonly WorkflowDocument[]; readonly cursor?: string }>;
  /** All or none, under compare-and-set of every `rev` (0: must not be stored): false where one differs. Stored `rev` = given + 1. */
  commitChanges(changes: readonly WorkflowChange[]): Promise<boolean>;
  /** Empties outboxes after they were sent; false where a `rev` differs. Stored `rev` = given + 1. */
  clearOutbox(sent: readonly { readonly queue_id: string; readonly rev: number }[]): Promise<boolean>;
  readViews(queueIds: readonly string[]): Promise<readonly WorkflowView[]>;
  readShards(
    queueId: string,
    options?: { readonly attempt?: number; readonly status?: ShardDocument['status']; readonly limit?: number },
  ): Promise<readonly ShardDocument[]>;
  /** Events behind `afterSeq`, oldest first. */
  readEvents(queueId: string, afterSeq: number, limit: number): Promise<readonly WorkflowEventDocument[]>;
  /** Drops workflows, shards, events and collections (not claims): what `workflow rebuild` folds again. */
  dropWorkflows(): Promise<void>;

  /** Takes a claim that is free or expired (`until` ≤ `now`), or the caller's own token again. Returns the claim that holds after the call. */
  acquireClaim(key: string, token: string, now: number, leaseMs: number): Promise<{ readonly granted: boolean; readonly claim: Claim }>;
  /** False when another token holds it by now. */
  renewClaim(key: string, token: string, until: number): Promise<boolean>;
  /** `done`: keeps it until it is forgotten; else frees it. False when another token holds it. */
  releaseClaim(key: string, token: string, done: boolean): Promise<boolean>;
  readClaim(key: string): Promise<Claim | undefined>;
  /** Claims whose key starts with `prefix` and that are expired at `now` and not done. */
  expiredClaims(prefix: string, now: number): Promise<readonly Claim[]>;
  /** Deletes claims, done or not, whose lease ended before `before` (epoch ms): when no command can come any more that asks for their work. Returns how many. */
  forgetClaims(before: number): Promise<number>;

  putCollection(collection: CollectionDocument): Promise<void>;
  readCollection(name: string): Promise<CollectionDocument | undefined>;

  /** Counts one failed try of an event and returns the tries so far. */
  countDelivery(key: DeliveryKey, error: string, at: number): Promise<number>;
  clearDelivery(key: DeliveryKey): Promise<void>;
  putDeadLetters(letters: readonly DeadLetterDocument[]): Promise<void>;
  /** Newest first. */
  listDeadLetters(filter?: {
    readonly topic?: string;
    readonly queue_id?: string;
    readonly limit?: number;
  }): Promise<readonly DeadLetterDocument[]>;

  /** The budget of one exchange (`request_budget`). */
  readBudget(exchange: ExchangeName): Promise<BudgetDocument | undefined>;
  /** Under compare-and-set of `rev`, whatever the document's own says (0: must not be stored): false where it differs. Stored `rev` = given + 1. */
  writeBudget(document: BudgetDocument, rev: number): Promise<boolean>;
  close(): Promise<void>;
}
