import type { PlanFigures } from '../../shared/domain/workflow/plan-figures.ts';
import { planFigures } from '../../shared/domain/workflow/plan-figures.ts';
import { symbolsOf, typesOf } from '../../shared/domain/workflow/request.ts';
import type { WorkflowState } from '../../shared/domain/workflow/state.ts';
import type { StreamEvent } from '../../shared/events/event.ts';
import type { WorkflowRequested } from '../../shared/events/workflow-requested.ts';
import type { WorkflowDocument } from '../../shared/store/workflow-store.ts';

/**
 * What the `state` of a workflow's document holds: before its request was folded the request itself, for the reader and for whoever has to send it again;
 * after that the fold's own state. `plan` is what the caller was told it would cost.
 */
export type StoredState =
  | { readonly kind: 'pending'; readonly requested: WorkflowRequested; readonly plan: PlanFigures }
  | { readonly kind: 'folded'; readonly workflow: WorkflowState; readonly plan: PlanFigures };

/** Reads back what this file wrote. */
export function storedState(document: WorkflowDocument): StoredState {
  return document.state as StoredState;
}

/** The fold's state of a document; undefined while its request has not been folded. */
export function foldedState(document: WorkflowDocument | undefined): WorkflowState | undefined {
  if (document === undefined) return undefined;
  const stored = storedState(document);
  return stored.kind === 'folded' ? stored.workflow : undefined;
}

/** The document that HTTP writes before the request is in the log: for the reader, and so that a key or an id is taken once. */
export function pendingDocument(requested: WorkflowRequested, at: number): WorkflowDocument {
  const state: StoredState = { kind: 'pending', requested, plan: planFigures(requested.lacking) };
  return { ...identity(requested), rev: 0, status: 'pending', attempt: 1, created_at: at, updated_at: at, state, outbox: [] };
}

function identity(
  requested: WorkflowRequested,
): Pick<WorkflowDocument, 'queue_id' | 'symbols' | 'types' | 'request_hash' | 'idempotency_key'> {
  const { queue_id, request_hash, idempotency_key } = requested;
  const key = idempotency_key === undefined ? {} : { idempotency_key };
  return { queue_id, request_hash, ...key, symbols: symbolsOf(requested), types: typesOf(requested) };
}

/** The document of a workflow whose first fact has just been folded. `rev` is that of the pending document, 0 where there is none. */
export function firstDocument(requested: WorkflowRequested, workflow: WorkflowState, rev: number): WorkflowDocument {
  const state: StoredState = { kind: 'folded', workflow, plan: planFigures(requested.lacking) };
  return { ...identity(requested), rev, ...searchable(workflow), created_at: workflow.created_at, state, outbox: [] };
}

/** The document after further facts. */
export function nextDocument(before: WorkflowDocument, workflow: WorkflowState): WorkflowDocument {
  const state: StoredState = { kind: 'folded', workflow, plan: storedState(before).plan };
  return { ...before, ...searchable(workflow), state };
}

function searchable(workflow: WorkflowState): Pick<WorkflowDocument, 'status' | 'attempt' | 'updated_at'> {
  return { status: workflow.status, attempt: workflow.attempt, updated_at: workflow.updated_at };
}

/** The document with commands that are to be sent, behind those that a crash left unsent. */
export function withOutbox(document: WorkflowDocument, commands: readonly StreamEvent[]): WorkflowDocument {
  return commands.length === 0 ? document : { ...document, outbox: [...document.outbox, ...commands] };
}
