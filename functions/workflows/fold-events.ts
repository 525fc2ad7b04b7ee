import type { WorkflowFact } from '../../shared/domain/workflow/facts.ts';
import { fold } from '../../shared/domain/workflow/fold.ts';
import type { SelectionRecord, ShardRecord } from '../../shared/domain/workflow/state.ts';
import type { StreamEvent } from '../../shared/events/event.ts';
import type { WorkflowRequested } from '../../shared/events/workflow-requested.ts';
import type { WorkflowChange, WorkflowDocument } from '../../shared/store/workflow-store.ts';
import { firstDocument, foldedState, nextDocument, withOutbox } from './document.ts';
import { eventOf } from './outgoing.ts';

/** One event of a workflow with what it says to the fold. */
export interface FoldedEvent {
  readonly event: StreamEvent;
  readonly fact: WorkflowFact;
}

/** What folding some events of one workflow gives: what to write, and the saved selections to write before it. */
export interface FoldOutcome {
  readonly change: WorkflowChange;
  readonly selections: readonly SelectionRecord[];
}

/**
 * Folds events of one workflow, in order, into its document. Undefined where the workflow was never asked for. With `send` false nothing is put into the
 * outbox. A failing event throws; give events one by one to find it.
 */
export function foldEvents(
  stored: WorkflowDocument | undefined,
  events: readonly FoldedEvent[],
  options: { readonly producer: string; readonly send: boolean },
): FoldOutcome | undefined {
  let document = foldedState(stored) === undefined ? undefined : stored;
  const shards = new Map<string, ShardRecord>();
  const selections: SelectionRecord[] = [];
  const commands: StreamEvent[] = [];
  const recorded: StreamEvent[] = [];
  for (const { event, fact } of events) {
    const step = fold(foldedState(document), fact);
    if (step.state === undefined) continue;
    document =
      document === undefined
        ? firstDocument(fact.data as WorkflowRequested, step.state, stored?.rev ?? 0)
        : step.state === foldedState(document)
          ? document
          : nextDocument(document, step.state);
    recorded.push(event);
    for (const shard of step.shards) shards.set(shard.shard, shard);
    if (step.selection !== undefined) selections.push(step.selection);
    if (options.send) {
      const trace = {
        ...(event.traceparent === undefined ? {} : { traceparent: event.traceparent }),
        ...(event.tracestate === undefined ? {} : { tracestate: event.tracestate }),
      };
      for (const command of step.commands) commands.push(eventOf(command, { producer: options.producer, time: fact.at, ...trace }));
    }
  }
  if (document === undefined) return undefined;
  return { change: { document: withOutbox(document, commands), shards: [...shards.values()], events: recorded }, selections };
}
