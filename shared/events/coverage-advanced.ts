import { z } from 'zod';
import { parseSeriesId } from '../domain/series.ts';
import { defineContract } from './define-contract.ts';
import { count, inOrder, rangeFields, seriesText } from './fields.ts';
import { LIVE_TOPICS, liveTopic } from './topics.ts';

/**
 * The present is complete from `from` to `to`: sent by `ingest` behind its rows, on their topic and key, and proven by `sink` like a shard.
 *
 *     {"series": "binance:BTCUSDT:trades", "from": 1722470400000, "to": 1722470401000, "from_id": 3735683259, "to_id": 3735683290, "row_count": 32}
 */
export interface CoverageAdvanced {
  readonly series: string;
  readonly from: number;
  readonly to: number;
  readonly from_id?: number;
  readonly to_id?: number;
  readonly row_count: number;
}

const schema: z.ZodType<CoverageAdvanced> = z.looseObject({ series: seriesText, ...rangeFields, row_count: count }).check(inOrder);

/** `coverage-advanced.v1`. */
export const coverageAdvanced = defineContract<CoverageAdvanced>({
  name: 'coverage-advanced.v1',
  schema,
  topics: LIVE_TOPICS,
  topic: (data) => liveTopic(parseSeriesId(data.series).kind),
  key: (data) => data.series,
  id: ({ series, from, to, from_id = '', to_id = '' }) => `coverage-advanced:${series}:${from}-${to}:${from_id}-${to_id}`,
});
