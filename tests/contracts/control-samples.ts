import type { Absence } from '../../shared/domain/coverage.ts';
import { buildGraph } from '../../shared/events/build-graph.ts';
import { command } from '../../shared/events/command.ts';
import { coverageAdvanced } from '../../shared/events/coverage-advanced.ts';
import { fetchShard } from '../../shared/events/fetch-shard.ts';
import { gapDetected } from '../../shared/events/gap-detected.ts';
import { queueEvent } from '../../shared/events/queue-event.ts';
import { shardCompleted } from '../../shared/events/shard-completed.ts';
import { shardVerified } from '../../shared/events/shard-verified.ts';
import { train } from '../../shared/events/train.ts';
import { workflowRequested } from '../../shared/events/workflow-requested.ts';
import { workflowResumeRequested } from '../../shared/events/workflow-resume-requested.ts';
import { workflowStopRequested } from '../../shared/events/workflow-stop-requested.ts';
import { workflowTick } from '../../shared/events/workflow-tick.ts';
import { from, received_at, type Sample, sample } from './sample.ts';

const queue_id = 'wf-btcusdt-api_candles_5m-20240801-a1b2c3';
const to = 1_722_770_400_000;
const candleSeries = 'binance:BTCUSDT:candles:5m';
const tradeSeries = 'binance:BTCUSDT:trades';
const shard = `${candleSeries}:${from}-${to}`;
const tradeShard = `${tradeSeries}:${from}-${from + 3_600_000}`;

const skippedId: Absence = {
  from: from + 1_000,
  to: from + 1_200,
  from_id: 3_735_683_300,
  to_id: 3_735_683_301,
  kind: 'id-skipped',
  evidence: {
    method: 'from-id',
    grade: 'ids',
    before_key: '3735683299',
    after_key: '3735683302',
    asked_at: [received_at, received_at + 1_000],
  },
};

const graph = { lags: [1, 2, 3, 12], vis_window: 48, vis_cap: 4, corr_window: 288, corr_top: 2, lead_window: 2_016, lead_top: 1 };
const training = { task: 'vol', horizon: 12, model: 'rsage', hidden: 32, epochs: 60, seeds: [1, 2, 3], backend: 'wasm' } as const;
const graph_id = '3f2a6cf1d0b74b0c9a5b1d5f2a7c8e90aa11bb22cc33dd44ee55ff6677889900';
const lacking = [
  { series: tradeSeries, ranges: [{ from, to }] },
  { series: candleSeries, ranges: [{ from, to }] },
];

/** One sample for each marker, command and state event. */
export const CONTROL_SAMPLES: readonly Sample[] = [
  sample(
    shardCompleted,
    {
      queue_id,
      attempt: 1,
      shard: tradeShard,
      try: 1,
      series: tradeSeries,
      from,
      to: from + 3_600_000,
      row_count: 41,
      first_id: 3_735_683_259,
      last_id: 3_735_683_302,
      refused: [{ from: from + 500, to: from + 501, from_id: 3_735_683_280, to_id: 3_735_683_280, code: 'precision_lost' }],
      unavailable: [{ from, to: from + 100, from_id: 3_735_683_250, to_id: 3_735_683_258 }],
      absent: [skippedId],
    },
    'fetch',
    from + 3_600_000,
  ),
  sample(
    coverageAdvanced,
    { series: tradeSeries, from, to: from + 1_000, from_id: 3_735_683_259, to_id: 3_735_683_290, row_count: 32 },
    'ingest',
    from + 1_000,
  ),
  sample(
    gapDetected,
    { series: tradeSeries, from: from + 1_000, to: from + 5_000, from_id: 3_735_683_291, to_id: 3_735_683_300, cause: 'sequence_gap' },
    'ingest',
    from + 5_000,
  ),
  sample(
    fetchShard,
    {
      queue_id,
      attempt: 1,
      shard: tradeShard,
      try: 2,
      series: tradeSeries,
      from: from + 1_000,
      to: from + 2_000,
      from_id: 3_735_683_270,
      to_id: 3_735_683_271,
    },
    'workflows',
    received_at,
  ),
  sample(
    buildGraph,
    { queue_id, attempt: 1, exchange: 'binance', interval: '5m', symbols: ['BTCUSDT', 'ETHUSDT'], from, to, ...graph },
    'workflows',
    received_at,
  ),
  sample(train, { queue_id, attempt: 1, symbol: 'BTCUSDT', graph_id, ...training }, 'workflows', received_at),
  sample(
    workflowRequested,
    {
      queue_id,
      exchange: 'binance',
      loads: [{ symbols: ['BTCUSDT'], types: ['api_trades', 'api_candles_5m'] }],
      stages: ['load', 'build-graph', 'train'],
      time_range: '2024-08-01:2024-08-04',
      from,
      to: from + 4 * 86_400_000,
      effective_to: to,
      as_of: to + 60_000,
      collection_name: 'btcusdt_api_candles_5m_2024_08_01',
      graph: { interval: '5m', symbols: ['BTCUSDT'], ...graph },
      train: { graph_id, ...training },
      targets: [
        {
          target: 'loader-producer',
          telemetry_id: 'loader-producer__a1b2c3',
          kafka_topic: 'btc-klines-5m',
          image: 'streamforge/loader-producer:v0.2.0',
          collection_name: 'btcusdt_api_candles_5m_2024_08_01',
        },
      ],
      idempotency_key: 'first-of-august',
      request_hash: '9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08',
      lacking,
    },
    'workflows',
    received_at,
  ),
  sample(workflowStopRequested, { queue_id, attempt: 1, reason: 'stopped by the caller' }, 'workflows', received_at),
  sample(
    workflowResumeRequested,
    { queue_id, attempt: 2, reason: 'resumed by the caller', effective_to: to, as_of: to + 60_000, lacking },
    'workflows',
    received_at,
  ),
  sample(workflowTick, { queue_id }, 'workflows', received_at),
  sample(
    shardVerified,
    {
      queue_id,
      attempt: 1,
      shard: tradeShard,
      try: 1,
      series: tradeSeries,
      verdict: 'failed',
      counted: 41,
      missing: [{ from: from + 500, to: from + 501, from_id: 3_735_683_280, to_id: 3_735_683_280 }],
      absent: [skippedId],
      error: { code: 'precision_lost', message: 'One trade was refused.' },
    },
    'sink',
    received_at,
  ),
  sample(
    queueEvent,
    {
      queue_id,
      attempt: 1,
      producer: 'arango-connector__a1b2c3',
      symbol: 'BTCUSDT',
      type: 'api_candles_5m',
      status: 'error',
      message: 'Saved 15000 records',
      records_written: 15_000,
      finished: true,
      timestamp: 1_722_500_125.456,
      stage: 'load',
      shard,
      detail: { rows: 997 },
      error: { code: 'rows_missing', message: 'Two candles were refused.' },
    },
    'sink',
    1_722_500_125_456,
  ),
  sample(
    command,
    {
      command: 'start',
      queue_id,
      target: 'loader-producer',
      symbol: 'BTCUSDT',
      type: 'api_candles_5m',
      time_range: '2024-08-01:2024-08-02',
      kafka_topic: `${queue_id}-data`,
      collection_name: 'btcusdt_api_candles_5m_2024_08_01',
      telemetry_id: 'loader-producer__a1b2c3',
      image: 'streamforge/loader-producer:v0.2.0',
      timestamp: 1_722_500_000.123,
    },
    'workflows',
    1_722_500_000_123,
  ),
];
