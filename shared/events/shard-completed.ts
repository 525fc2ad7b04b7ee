import { z } from 'zod';
import type { Absence } from '../domain/coverage.ts';
import type { SeriesRange } from '../domain/range.ts';
import { parseSeriesId } from '../domain/series.ts';
import { defineContract } from './define-contract.ts';
import {
  absenceSchema,
  attemptNumber,
  count,
  epochMs,
  inOrder,
  MAX_RANGES,
  queueIdText,
  rangeSchema,
  refusedRangeSchema,
  rowId,
  seriesText,
  shardText,
  tryNumber,
} from './fields.ts';
import { HISTORY_TOPICS, historyTopic } from './topics.ts';

/**
 * A shard of history was read to its end: sent by `fetch` on the topic and key of the shard's rows, after the last of them was acknowledged.
 * `first_id` and `last_id` are the ids that belong to the range (`last_id = first_id - 1` where it has no row).
 *
 *     {"queue_id": "wf-btcusdt-api_candles_5m-20240801-a1b2c3", "attempt": 1, "shard": "binance:BTCUSDT:candles:5m:1722470400000-1722770400000",
 *      "try": 1, "series": "binance:BTCUSDT:candles:5m", "from": 1722470400000, "to": 1722770400000, "row_count": 1000,
 *      "refused": [], "unavailable": [], "absent": []}
 */
export interface ShardCompleted {
  readonly queue_id: string;
  readonly attempt: number;
  readonly shard: string;
  readonly try: number;
  readonly series: string;
  readonly from: number;
  readonly to: number;
  /** Rows sent: a cross-check, never the proof. */
  readonly row_count: number;
  readonly first_id?: number;
  readonly last_id?: number;
  /** Rows that failed their checks and were dead-lettered alone, with the code of each. */
  readonly refused: readonly (SeriesRange & { readonly code: string })[];
  /** Cold history that the exchange's REST does not give. */
  readonly unavailable: readonly SeriesRange[];
  /** Holes of the exchange itself, with their evidence. */
  readonly absent: readonly Absence[];
}

const schema: z.ZodType<ShardCompleted> = z
  .looseObject({
    queue_id: queueIdText,
    attempt: attemptNumber,
    shard: shardText,
    try: tryNumber,
    series: seriesText,
    from: epochMs,
    to: epochMs,
    row_count: count,
    first_id: rowId.exactOptional(),
    last_id: rowId.exactOptional(),
    refused: z.array(refusedRangeSchema).max(MAX_RANGES),
    unavailable: z.array(rangeSchema).max(MAX_RANGES),
    absent: z.array(absenceSchema).max(MAX_RANGES),
  })
  .check(inOrder);

/** `shard-completed.v1`. */
export const shardCompleted = defineContract<ShardCompleted>({
  name: 'shard-completed.v1',
  schema,
  topics: HISTORY_TOPICS,
  topic: (data) => historyTopic(parseSeriesId(data.series).kind),
  key: (data) => data.series,
  id: (data) => `shard-completed:${data.queue_id}:${data.attempt}:${data.shard}:${data.try}`,
  queueId: (data) => data.queue_id,
});
