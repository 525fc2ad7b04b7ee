import { z } from 'zod';
import { parseSeriesId } from '../domain/series.ts';
import { defineContract } from './define-contract.ts';
import { inOrder, rangeFields, seriesText } from './fields.ts';
import { LIVE_TOPICS, liveTopic } from './topics.ts';

/**
 * A stream lost rows. A hint only: holes are computed from the ledger.
 *
 *     {"series": "binance:BTCUSDT:trades", "from": 1722470401000, "to": 1722470405000, "from_id": 3735683291, "to_id": 3735683300, "cause": "sequence_gap"}
 */
export interface GapDetected {
  readonly series: string;
  readonly from: number;
  readonly to: number;
  readonly from_id?: number;
  readonly to_id?: number;
  readonly cause: string;
}

const schema: z.ZodType<GapDetected> = z
  .looseObject({ series: seriesText, ...rangeFields, cause: z.string().min(1).max(200) })
  .check(inOrder);

/** `gap-detected.v1`. */
export const gapDetected = defineContract<GapDetected>({
  name: 'gap-detected.v1',
  schema,
  topics: LIVE_TOPICS,
  topic: (data) => liveTopic(parseSeriesId(data.series).kind),
  key: (data) => data.series,
  id: ({ series, from, to, from_id = '', to_id = '', cause }) => `gap-detected:${series}:${from}-${to}:${from_id}-${to_id}:${cause}`,
});
