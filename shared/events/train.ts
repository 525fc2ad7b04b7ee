import { z } from 'zod';
import type { TrainRequest } from '../domain/workflow/request.ts';
import { defineContract } from './define-contract.ts';
import { attemptNumber, queueIdText, symbolText } from './fields.ts';
import { trainParamFields } from './job-params.ts';
import { TRAIN_TOPIC } from './topics.ts';

/**
 * One model to train on a stored graph. `symbol` is the workflow's first, for its events.
 *
 *     {"queue_id": "wf-btcusdt-api_candles_5m-20240801-a1b2c3", "attempt": 1, "symbol": "BTCUSDT", "graph_id": "3f2a…", "task": "vol", "horizon": 12,
 *      "model": "rsage", "hidden": 32, "epochs": 60, "seeds": [1, 2, 3]}
 */
export interface Train extends TrainRequest {
  readonly queue_id: string;
  readonly attempt: number;
  readonly symbol: string;
  readonly graph_id: string;
}

const schema: z.ZodType<Train> = z.looseObject({
  queue_id: queueIdText,
  attempt: attemptNumber,
  symbol: symbolText,
  graph_id: z.string().min(1).max(128),
  ...trainParamFields,
});

/** `train.v1`. */
export const train = defineContract<Train>({
  name: 'train.v1',
  schema,
  topics: [TRAIN_TOPIC],
  key: (data) => data.queue_id,
  id: (data) => `train:${data.queue_id}:${data.attempt}`,
  queueId: (data) => data.queue_id,
});
