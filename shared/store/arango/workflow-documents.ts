import { AppError } from '../../domain/errors.ts';
import type { WorkflowDocument } from '../workflow-store.ts';
import { documentKey } from './document-key.ts';

/** A workflow as it is stored: beside its fields how many events it has. */
export interface StoredWorkflow extends WorkflowDocument {
  readonly _key: string;
  readonly event_count: number;
}

/** The document to store, with the next `rev`. */
export function toStoredWorkflow(document: WorkflowDocument, eventCount: number): StoredWorkflow {
  return {
    ...document,
    _key: documentKey(document.queue_id),
    rev: document.rev + 1,
    state: document.state ?? null,
    event_count: eventCount,
  };
}

/** Without what the store keeps beside the fields. */
export function fromStoredWorkflow(stored: StoredWorkflow): WorkflowDocument {
  const {
    _key: _,
    _id: __,
    _rev: ___,
    event_count: ____,
    ...document
  } = stored as StoredWorkflow & { readonly _id: string; readonly _rev: string };
  return document;
}

/** Where a page of workflows begins: before this time and queue id. Throws `invalid_request` for a cursor that no answer gave. */
export function fromCursor(cursor: string): readonly [createdAt: number, queueId: string] {
  const [, time, queueId] = /^(\d{1,16}):(.+)$/s.exec(cursor) ?? [];
  if (time === undefined || queueId === undefined)
    throw new AppError('invalid_request', `${JSON.stringify(cursor)} is no cursor of an earlier answer.`, {
      fields: [{ path: 'cursor', problem: 'not a cursor of an earlier answer' }],
    });
  return [Number(time), queueId];
}
