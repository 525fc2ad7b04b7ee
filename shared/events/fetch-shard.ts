import { z } from 'zod';
import { EXCHANGES, parseSeriesId } from '../domain/series.ts';
import { defineContract } from './define-contract.ts';
import { attemptNumber, inOrder, queueIdText, rangeFields, seriesText, shardText, tryNumber } from './fields.ts';
import { fetchTopic } from './topics.ts';

/**
 * One shard of history to fetch. A second try carries the hull of the missing ranges under the id of the first one.
 *
 *     {"queue_id": "wf-btcusdt-api_candles_5m-20240801-a1b2c3", "attempt": 1, "shard": "binance:BTCUSDT:candles:5m:1722470400000-1722770400000",
 *      "try": 1, "series": "binance:BTCUSDT:candles:5m", "from": 1722470400000, "to": 1722770400000}
 */
export interface FetchShard {
  readonly queue_id: string;
  readonly attempt: number;
  /** `<series id>:<from>-<to>` of the first try, in ms. */
  readonly shard: string;
  /** 1 to 4. */
  readonly try: number;
  readonly series: string;
  readonly from: number;
  readonly to: number;
  /** Given for a repair of missing ids: exactly these ids are read. */
  readonly from_id?: number;
  readonly to_id?: number;
}

const schema: z.ZodType<FetchShard> = z
  .looseObject({ queue_id: queueIdText, attempt: attemptNumber, shard: shardText, try: tryNumber, series: seriesText, ...rangeFields })
  .check(inOrder);

/** `fetch-shard.v1`. */
export const fetchShard = defineContract<FetchShard>({
  name: 'fetch-shard.v1',
  schema,
  topics: EXCHANGES.map(fetchTopic),
  topic: (data) => fetchTopic(parseSeriesId(data.series).exchange),
  key: (data) => data.shard,
  subject: (data) => data.queue_id,
  id: (data) => `fetch-shard:${data.queue_id}:${data.attempt}:${data.shard}:${data.try}`,
  queueId: (data) => data.queue_id,
});
