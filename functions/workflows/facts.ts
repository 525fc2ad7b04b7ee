import { AppError } from '../../shared/domain/errors.ts';
import type { WorkflowFact } from '../../shared/domain/workflow/facts.ts';
import type { StreamEvent } from '../../shared/events/event.ts';
import { queueEvent } from '../../shared/events/queue-event.ts';
import { shardVerified } from '../../shared/events/shard-verified.ts';
import { workflowRequested } from '../../shared/events/workflow-requested.ts';
import { workflowResumeRequested } from '../../shared/events/workflow-resume-requested.ts';
import { workflowStopRequested } from '../../shared/events/workflow-stop-requested.ts';
import { workflowTick } from '../../shared/events/workflow-tick.ts';

type Reader = (event: StreamEvent, at: number) => WorkflowFact;

const READERS: ReadonlyMap<string, Reader> = new Map<string, Reader>([
  [workflowRequested.type, (event, at) => ({ kind: 'requested', at, data: workflowRequested.parse(event) })],
  [workflowStopRequested.type, (event, at) => ({ kind: 'stop-requested', at, data: workflowStopRequested.parse(event) })],
  [workflowResumeRequested.type, (event, at) => ({ kind: 'resume-requested', at, data: workflowResumeRequested.parse(event) })],
  [workflowTick.type, (event, at) => ({ kind: 'tick', at, data: workflowTick.parse(event) })],
  [shardVerified.type, (event, at) => ({ kind: 'shard-verified', at, data: shardVerified.parse(event) })],
  [queueEvent.type, (event, at) => ({ kind: 'queue-event', at, data: queueEvent.parse(event) })],
]);

/** What an event of `queue-events` says to the fold. Throws `contract_mismatch` for one that breaks its contract or is of another type. */
export function factOf(event: StreamEvent): WorkflowFact {
  const read = READERS.get(event.type);
  if (read === undefined)
    throw new AppError('contract_mismatch', `workflows does not fold events of type ${event.type}.`, { type: event.type });
  return read(event, Date.parse(event.time));
}
