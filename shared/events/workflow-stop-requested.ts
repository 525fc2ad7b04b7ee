import { z } from 'zod';
import { defineContract } from './define-contract.ts';
import { attemptNumber, messageText, queueIdText } from './fields.ts';
import { QUEUE_EVENTS } from './topics.ts';

/**
 * A workflow shall stop. It counts for the attempt that it means: replayed behind a resume it changes nothing.
 *
 *     {"queue_id": "wf-btcusdt-api_candles_5m-20240801-a1b2c3", "attempt": 1, "reason": "stopped by the caller"}
 */
export interface WorkflowStopRequested {
  readonly queue_id: string;
  /** The attempt that ran when the stop was asked. */
  readonly attempt: number;
  readonly reason: string;
}

const schema: z.ZodType<WorkflowStopRequested> = z.looseObject({ queue_id: queueIdText, attempt: attemptNumber, reason: messageText });

/** `workflow-stop-requested.v1`. */
export const workflowStopRequested = defineContract<WorkflowStopRequested>({
  name: 'workflow-stop-requested.v1',
  schema,
  topics: [QUEUE_EVENTS],
  key: (data) => data.queue_id,
  id: (data) => `workflow-stop-requested:${data.queue_id}:${data.attempt}`,
  queueId: (data) => data.queue_id,
});
