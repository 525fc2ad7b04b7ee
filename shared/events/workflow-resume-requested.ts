import { z } from 'zod';
import type { ResumeRequested } from '../domain/workflow/facts.ts';
import { defineContract } from './define-contract.ts';
import { attemptNumber, epochMs, messageText, queueIdText } from './fields.ts';
import { QUEUE_EVENTS } from './topics.ts';
import { lackingSchema } from './workflow-requested.ts';

/**
 * A workflow in `error` or `interrupted` shall go on under its next attempt, planned anew from what the ledger lacks now. `attempt` is the one that
 * it begins: one more than the last.
 *
 *     {"queue_id": "wf-btcusdt-api_candles_5m-20240801-a1b2c3", "attempt": 2, "reason": "asked by the caller", "effective_to": 1725148800000, "as_of": 1725200000000,
 *      "lacking": [{"series": "binance:BTCUSDT:candles:5m", "ranges": [{"from": 1722770400000, "to": 1725148800000}]}]}
 */
export type WorkflowResumeRequested = ResumeRequested;

const schema: z.ZodType<WorkflowResumeRequested> = z.looseObject({
  queue_id: queueIdText,
  attempt: attemptNumber,
  reason: messageText,
  effective_to: epochMs,
  as_of: epochMs,
  lacking: lackingSchema,
});

/** `workflow-resume-requested.v1`. */
export const workflowResumeRequested = defineContract<WorkflowResumeRequested>({
  name: 'workflow-resume-requested.v1',
  schema,
  topics: [QUEUE_EVENTS],
  key: (data) => data.queue_id,
  id: (data) => `workflow-resume-requested:${data.queue_id}:${data.attempt}`,
  queueId: (data) => data.queue_id,
});
