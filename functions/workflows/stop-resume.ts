import { AppError } from '../../shared/domain/errors.ts';
import { isActive } from '../../shared/domain/workflow/state.ts';
import { workflowResumeRequested } from '../../shared/events/workflow-resume-requested.ts';
import { workflowStopRequested } from '../../shared/events/workflow-stop-requested.ts';
import type { Context } from '../../shared/runtime/context.ts';
import type { WorkflowDocument } from '../../shared/store/workflow-store.ts';
import type { WorkflowsConfig } from './config.ts';
import { storedState } from './document.ts';
import { exchangeTime } from './exchange-facts.ts';
import { describeLack, linksOf, requestOf } from './start-workflow.ts';

/** What a caller of stop or resume is answered: the state in which the workflow was asked, and the attempt that is meant. */
export interface Asked {
  readonly queue_id: string;
  readonly status: string;
  readonly attempt: number;
  readonly links: Readonly<Record<string, string>>;
}

/** The stored workflow. Throws `not_found`. */
export async function readWorkflow(queueId: string, context: Context): Promise<WorkflowDocument> {
  const document = await context.ports.workflows.readWorkflow(queueId);
  if (document === undefined) throw new AppError('not_found', `There is no workflow ${JSON.stringify(queueId.slice(0, 128))}.`);
  return document;
}

/** Asks for a stop of the running attempt. Throws `state_conflict` where nothing runs. */
export async function stopWorkflow(queueId: string, reason: string, context: Context, signal: AbortSignal): Promise<Asked> {
  const { queue_id, status, attempt } = await readWorkflow(queueId, context);
  if (!isActive(status))
    throw new AppError('state_conflict', `${queue_id} is ${status}: nothing runs that could be stopped.`, { queue_id, status });
  const event = workflowStopRequested.build({ queue_id, attempt, reason }, { producer: context.functionName, time: context.clock.now() });
  await context.publisher.publish([event], { signal });
  return { queue_id, status: 'stopping', attempt, links: linksOf(queue_id) };
}

/** Asks for the next attempt, planned from what the ledger lacks now. Throws `state_conflict` unless the workflow ended in `error` or `interrupted`. */
export async function resumeWorkflow(
  queueId: string,
  reason: string,
  context: Context<WorkflowsConfig>,
  signal: AbortSignal,
): Promise<Asked> {
  const document = await readWorkflow(queueId, context);
  const { queue_id, status } = document;
  if (status !== 'error' && status !== 'interrupted') {
    const why = status === 'finished' ? 'it is done' : 'it runs; stop it first';
    throw new AppError('state_conflict', `${queue_id} is ${status}: ${why}.`, { queue_id, status });
  }
  const attempt = document.attempt + 1;
  const request = requestOf(document);
  const asOf = await endingClock(document, context, signal);
  const lack = await describeLack(request, asOf, context);
  const event = workflowResumeRequested.build(
    { queue_id, attempt, reason, ...lack },
    { producer: context.functionName, time: context.clock.now() },
  );
  await context.publisher.publish([event], { signal });
  return { queue_id, status: 'resuming', attempt, links: linksOf(queue_id) };
}

/** The clock that ends the ranges: a request that was clipped reaches further now; one of the past needs no exchange to go on. */
async function endingClock(document: WorkflowDocument, context: Context<WorkflowsConfig>, signal: AbortSignal): Promise<number> {
  const state = storedState(document);
  const { as_of, effective_to } = state.kind === 'pending' ? state.requested : state.workflow;
  const request = requestOf(document);
  return effective_to < request.to ? await exchangeTime(context.ports.exchange(request.exchange), context, signal) : as_of;
}
