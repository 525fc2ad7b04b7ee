import { buildDeadLetter } from '../bus/dead-letter.ts';
import { type AppError, toAppError } from '../domain/errors.ts';
import type { StreamEvent } from '../events/event.ts';
import type { DeadLetterDocument } from '../store/workflow-store.ts';
import type { Context } from './context.ts';
import { retryDelayMs } from './delivery.ts';
import { type FailedEvent, failureEvent, workflowOf } from './failure-event.ts';

/** Puts events aside that could not be handled. */
export interface DeadLetterWriter {
  /**
   * Resolves when everything is durable: the failure on `queue-events` (where the event belongs to a workflow), the record in `<topic>.dlq`, the document in
   * the store. While one of them cannot be written it waits and tries again, so nobody commits past the event; rejects only when `signal` aborts.
   */
  write(failed: FailedEvent, error: AppError, signal: AbortSignal): Promise<void>;
}

/** The dead letters of one function. */
export function createDeadLetterWriter<C>(context: Context<C>): DeadLetterWriter {
  const { ports, clock, metrics, logger } = context;

  async function announce(failed: FailedEvent, error: AppError): Promise<void> {
    const queueId = workflowOf(failed);
    if (queueId === undefined) return;
    const workflow = await ports.workflows.readWorkflow(queueId);
    let event: StreamEvent;
    try {
      event = failureEvent(failed, error, { functionName: context.functionName, queueId, workflow, now: clock.now() });
    } catch (problem) {
      // A queue id that is none has no workflow that could wait.
      logger.warn({ error: problem, ...placeOf(failed) }, 'The failure could not be told to a workflow.');
      return;
    }
    await context.publisher.publish([event]);
  }

  return {
    async write(failed, error, signal) {
      const { record, group, trigger, event } = failed;
      const steps = [
        () => announce(failed, error),
        () => ports.bus.publish([buildDeadLetter(record, { error, group })]),
        () => ports.workflows.putDeadLetters([deadLetterDocument(failed, error, clock.now())]),
      ];
      for (let step = 0, tries = 1; step < steps.length; ) {
        try {
          await steps[step]?.();
          step += 1;
          tries = 1;
        } catch (problem) {
          const delayMs = Math.round(retryDelayMs(toAppError(problem), tries, context.random));
          logger.error(
            { error: problem, tries, delay_ms: delayMs, ...placeOf(failed) },
            'The dead letter could not be written and is tried again.',
          );
          tries += 1;
          await clock.sleep(delayMs, signal);
        }
      }
      metrics.count('streamforge_events_dead_lettered_total', { function: context.functionName, trigger, code: error.code });
      logger.error(
        { error, ...placeOf(failed), ...(event === undefined ? {} : { id: event.id, queue_id: event.queueid }) },
        'Dead-lettered.',
      );
    },
  };
}

/** What the store keeps of a dead letter beside the topic. */
export function deadLetterDocument(
  { record, event, group }: Omit<FailedEvent, 'trigger'>,
  error: AppError,
  at: number,
): DeadLetterDocument {
  const { topic, partition, offset } = record;
  const queueId = event?.queueid ?? record.headers.ce_queueid;
  return {
    topic,
    partition,
    offset,
    group,
    code: error.code,
    cause: error.message,
    ...(queueId === undefined ? {} : { queue_id: queueId }),
    at,
  };
}

function placeOf({ record, group, trigger }: FailedEvent): Record<string, unknown> {
  return { trigger, group, topic: record.topic, partition: record.partition, offset: record.offset };
}
