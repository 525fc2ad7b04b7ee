import { z } from 'zod';
import type { Absence } from '../domain/coverage.ts';
import type { SeriesRange } from '../domain/range.ts';
import { defineContract } from './define-contract.ts';
import {
  absenceSchema,
  attemptNumber,
  count,
  type Failure,
  failureSchema,
  MAX_RANGES,
  queueIdText,
  rangeSchema,
  seriesText,
  shardText,
  tryNumber,
} from './fields.ts';
import { QUEUE_EVENTS } from './topics.ts';

/** `persisted`: the stored rows prove the shard. `short`: another fetch may bring what is missing. `failed`: none can. */
export const VERDICTS = ['persisted', 'short', 'failed'] as const;
export type Verdict = (typeof VERDICTS)[number];

/**
 * The sink's verdict about one try of a shard, from the stored rows.
 *
 *     {"queue_id": "wf-btcusdt-api_candles_5m-20240801-a1b2c3", "attempt": 1, "shard": "binance:BTCUSDT:candles:5m:1722470400000-1722770400000",
 *      "try": 1, "series": "binance:BTCUSDT:candles:5m", "verdict": "persisted", "counted": 1000, "missing": [], "absent": []}
 */
export interface ShardVerified {
  readonly queue_id: string;
  readonly attempt: number;
  readonly shard: string;
  readonly try: number;
  readonly series: string;
  readonly verdict: Verdict;
  /** Rows stored inside the range. */
  readonly counted: number;
  /** What is neither stored nor absent; empty where `persisted`. */
  readonly missing: readonly SeriesRange[];
  readonly absent: readonly Absence[];
  /** Why, where `failed`. */
  readonly error?: Failure;
}

const schema: z.ZodType<ShardVerified> = z.looseObject({
  queue_id: queueIdText,
  attempt: attemptNumber,
  shard: shardText,
  try: tryNumber,
  series: seriesText,
  verdict: z.enum(VERDICTS),
  counted: count,
  missing: z.array(rangeSchema).max(MAX_RANGES),
  absent: z.array(absenceSchema).max(MAX_RANGES),
  error: failureSchema.exactOptional(),
});

/** `shard-verified.v1`; its id is queue id, attempt, shard, try and verdict. */
export const shardVerified = defineContract<ShardVerified>({
  name: 'shard-verified.v1',
  schema,
  topics: [QUEUE_EVENTS],
  key: (data) => data.queue_id,
  id: (data) => `${data.queue_id}:${data.attempt}:${data.shard}:${data.try}:${data.verdict}`,
  queueId: (data) => data.queue_id,
});
