import { z } from 'zod';
import { defineContract } from './define-contract.ts';
import { queueIdText } from './fields.ts';
import { QUEUE_EVENTS } from './topics.ts';

/**
 * Look again: something of this workflow has been silent for too long. Two ticks of one moment are one.
 *
 *     {"queue_id": "wf-btcusdt-api_candles_5m-20240801-a1b2c3"}
 */
export interface WorkflowTick {
  readonly queue_id: string;
}

const schema: z.ZodType<WorkflowTick> = z.looseObject({ queue_id: queueIdText });

/** `workflow-tick.v1`. */
export const workflowTick = defineContract<WorkflowTick>({
  name: 'workflow-tick.v1',
  schema,
  topics: [QUEUE_EVENTS],
  key: (data) => data.queue_id,
  id: (data, meta) => `workflow-tick:${data.queue_id}:${meta.time}`,
  queueId: (data) => data.queue_id,
});
