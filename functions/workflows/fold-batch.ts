import { AppError } from '../../shared/domain/errors.ts';
import type { Context } from '../../shared/runtime/context.ts';
import type { EventOutcome, ReceivedEvent } from '../../shared/runtime/define-function.ts';
import type { WorkflowDocument } from '../../shared/store/workflow-store.ts';
import { cacheOf, type DocumentCache } from './document-cache.ts';
import { factOf } from './facts.ts';
import { type FoldedEvent, type FoldOutcome, foldEvents } from './fold-events.ts';

/** How often a batch is folded anew because another writer was faster, before it is left to the delivery's back-off. */
const MAX_CONFLICTS = 5;

type Placed = FoldedEvent & { readonly index: number };

/**
 * Folds events of one partition: one read of what is not known yet, one write of documents, shards and events, one sending of commands, and outboxes
 * emptied. An event is done only when the outbox of its workflow is empty: until then the offset stays where it is, and lag is what wakes us.
 */
export async function handleBatch(received: readonly ReceivedEvent[], context: Context): Promise<readonly EventOutcome[]> {
  const outcomes: EventOutcome[] = received.map(() => ({ ok: true }));
  const placed = received.flatMap(({ event }, index): Placed[] => {
    try {
      return [{ event, index, fact: factOf(event) }];
    } catch (error) {
      outcomes[index] = { ok: false, error };
      return [];
    }
  });
  const groups = Map.groupBy(placed, ({ fact }) => fact.data.queue_id);
  if (groups.size === 0) return outcomes;
  const cache = cacheOf(context.ports.workflows);
  for (let conflicts = 0; conflicts < MAX_CONFLICTS; conflicts += 1) {
    if (await foldGroups(groups, cache, outcomes, context)) return outcomes;
    cache.forget([...groups.keys()]);
  }
  throw new AppError(
    'store_unavailable',
    `The workflows ${[...groups.keys()].slice(0, 3).join(', ')} were written by another consumer again and again.`,
  );
}

async function foldGroups(
  groups: ReadonlyMap<string, readonly Placed[]>,
  cache: DocumentCache,
  outcomes: EventOutcome[],
  context: Context,
): Promise<boolean> {
  const { workflows } = context.ports;
  const documents = await cache.read([...groups.keys()]);
  const folded: FoldOutcome[] = [];
  for (const [id, events] of groups) {
    const outcome = foldGroup(documents.get(id), events, outcomes, context);
    if (outcome !== undefined) folded.push(outcome);
    else context.logger.debug({ queue_id: id }, 'events of a workflow that was never asked for');
  }
  if (folded.length === 0) return true;
  // Before the commit: a selection that is written twice is the same, one that is never written would be lost with the step that made it.
  for (const { selections } of folded) for (const selection of selections) await workflows.putCollection(selection);
  if (!(await workflows.commitChanges(folded.map(({ change }) => change)))) return false;
  const written = folded.map(({ change }) => ({ ...change.document, rev: change.document.rev + 1 }));
  for (const document of written) {
    report(documents.get(document.queue_id), document, context);
    cache.keep(document);
  }
  const unsent = written.filter(({ outbox }) => outbox.length > 0);
  if (unsent.length === 0) return true;
  await context.publisher.publish(
    unsent.flatMap(({ outbox }) => outbox),
    { signal: context.signal },
  );
  if (!(await workflows.clearOutbox(unsent.map(({ queue_id, rev }) => ({ queue_id, rev }))))) return false;
  for (const document of unsent) cache.keep({ ...document, rev: document.rev + 1, outbox: [] });
  return true;
}

/** The events of one workflow together; where one of them cannot be folded, one by one, so that it alone is at fault. */
function foldGroup(
  document: WorkflowDocument | undefined,
  events: readonly Placed[],
  outcomes: EventOutcome[],
  context: Context,
): FoldOutcome | undefined {
  const options = { producer: context.functionName, send: true };
  try {
    return foldEvents(document, events, options);
  } catch (error) {
    const good = events.filter(({ index }) => outcomes[index]?.ok === true);
    const culprit = good.find((_, last) => {
      try {
        foldEvents(document, good.slice(0, last + 1), options);
        return false;
      } catch {
        return true;
      }
    });
    if (culprit === undefined) throw error;
    outcomes[culprit.index] = { ok: false, error };
    return foldGroup(
      document,
      good.filter((event) => event !== culprit),
      outcomes,
      context,
    );
  }
}

function report(before: WorkflowDocument | undefined, { queue_id, status, attempt }: WorkflowDocument, context: Context): void {
  if (before?.status === status && before.attempt === attempt) return;
  context.logger.info({ queue_id, status, attempt }, `the workflow is ${status}`);
}
