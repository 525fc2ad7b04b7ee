import { z } from 'zod';
import { INTERVALS } from '../domain/interval.ts';
import { EXCHANGES } from '../domain/series.ts';
import type { Requested } from '../domain/workflow/facts.ts';
import { STAGES } from '../domain/workflow/request.ts';
import { defineContract } from './define-contract.ts';
import { epochMs, MAX_RANGES, queueIdText, seriesText, symbolText, timeRangeSchema } from './fields.ts';
import { graphParamFields, trainParamFields } from './job-params.ts';
import { QUEUE_EVENTS } from './topics.ts';

/**
 * A workflow was asked for: the whole normalised request, the exchange's clock then (`as_of`), and what the ledger lacked of each series.
 * The fold plans from it alone and asks nobody.
 *
 *     {"queue_id": "wf-btcusdt-api_candles_5m-20240801-a1b2c3", "exchange": "binance", "loads": [{"symbols": ["BTCUSDT"], "types": ["api_candles_5m"]}],
 *      "stages": ["load"], "time_range": "2024-08-01:2024-08-31", "from": 1722470400000, "to": 1725148800000, "effective_to": 1725148800000, "as_of": 1725200000000,
 *      "collection_name": "btcusdt_api_candles_5m_2024_08_01", "idempotency_key": "my-key", "request_hash": "9f86d081…",
 *      "lacking": [{"series": "binance:BTCUSDT:candles:5m", "ranges": [{"from": 1722470400000, "to": 1725148800000}]}]}
 */
export interface WorkflowRequested extends Requested {
  readonly idempotency_key?: string;
  /** SHA-256 of the normalised request without clocks, lower-case hex: the same key with another hash is `idempotency_mismatch`. */
  readonly request_hash: string;
}

/** The most symbols of one workflow. */
export const MAX_SYMBOLS = 100;

/** What the ledger lacked, in a request and in a resume. */
export const lackingSchema = z.array(z.looseObject({ series: seriesText, ranges: z.array(timeRangeSchema).max(MAX_RANGES) })).max(10_000);

const shortText = z.string().min(1).max(255);
const symbols = z.array(symbolText).min(1).max(MAX_SYMBOLS);

const schema: z.ZodType<WorkflowRequested> = z.looseObject({
  queue_id: queueIdText,
  exchange: z.enum(EXCHANGES),
  loads: z
    .array(
      z.looseObject({
        symbols,
        types: z
          .array(z.string().regex(/^[a-z0-9_]{1,60}M?$/))
          .min(1)
          .max(50),
      }),
    )
    .max(MAX_SYMBOLS),
  stages: z.array(z.enum(STAGES)).min(1).max(STAGES.length),
  time_range: z.string().min(1).max(100),
  from: epochMs,
  to: epochMs,
  effective_to: epochMs,
  as_of: epochMs,
  collection_name: z
    .string()
    .regex(/^[a-z][a-z0-9_]{2,62}$/)
    .exactOptional(),
  graph: z.looseObject({ interval: z.enum(INTERVALS), symbols, ...graphParamFields }).exactOptional(),
  targets: z
    .array(
      z.looseObject({
        target: shortText,
        telemetry_id: shortText.exactOptional(),
        kafka_topic: shortText.exactOptional(),
        image: shortText.exactOptional(),
        collection_name: shortText.exactOptional(),
      }),
    )
    .max(100)
    .exactOptional(),
  train: z.looseObject({ graph_id: z.string().min(1).max(128).exactOptional(), ...trainParamFields }).exactOptional(),
  idempotency_key: z.string().min(1).max(255).exactOptional(),
  request_hash: z.string().regex(/^[0-9a-f]{64}$/),
  lacking: lackingSchema,
});

/** `workflow-requested.v1`. */
export const workflowRequested = defineContract<WorkflowRequested>({
  name: 'workflow-requested.v1',
  schema,
  topics: [QUEUE_EVENTS],
  key: (data) => data.queue_id,
  id: (data) => `workflow-requested:${data.queue_id}`,
  queueId: (data) => data.queue_id,
});
