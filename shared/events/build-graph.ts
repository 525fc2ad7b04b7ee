import { z } from 'zod';
import type { GraphParams } from '../domain/graph/graph.ts';
import { INTERVALS, type Interval } from '../domain/interval.ts';
import { EXCHANGES, type ExchangeName } from '../domain/series.ts';
import { defineContract } from './define-contract.ts';
import { attemptNumber, epochMs, queueIdText, symbolText } from './fields.ts';
import { graphParamFields } from './job-params.ts';
import { BUILD_GRAPH_TOPIC } from './topics.ts';

/**
 * One graph to build from proven candles.
 *
 *     {"queue_id": "wf-btcusdt-api_candles_5m-20240801-a1b2c3", "attempt": 1, "exchange": "binance", "interval": "5m", "symbols": ["BTCUSDT", "ETHUSDT"],
 *      "from": 1722470400000, "to": 1725148800000, "lags": [1, 2, 3, 12], "vis_window": 48, "vis_cap": 4, "corr_window": 288, "corr_top": 2,
 *      "lead_window": 2016, "lead_top": 1}
 */
export interface BuildGraph extends GraphParams {
  readonly queue_id: string;
  readonly attempt: number;
  readonly exchange: ExchangeName;
  readonly interval: Interval;
  readonly symbols: readonly string[];
  /** Half-open, epoch ms. */
  readonly from: number;
  readonly to: number;
}

const schema: z.ZodType<BuildGraph> = z.looseObject({
  queue_id: queueIdText,
  attempt: attemptNumber,
  exchange: z.enum(EXCHANGES),
  interval: z.enum(INTERVALS),
  symbols: z.array(symbolText).min(1).max(100),
  from: epochMs,
  to: epochMs,
  ...graphParamFields,
});

/** `build-graph.v1`. */
export const buildGraph = defineContract<BuildGraph>({
  name: 'build-graph.v1',
  schema,
  topics: [BUILD_GRAPH_TOPIC],
  key: (data) => data.queue_id,
  id: (data) => `build-graph:${data.queue_id}:${data.attempt}`,
  queueId: (data) => data.queue_id,
});
