import { ABSENCE_KINDS, OPEN_HOLE_KINDS } from '../domain/coverage.ts';
import { ERROR_MEANINGS } from '../domain/errors.ts';
import { EXCHANGES, KINDS } from '../domain/series.ts';

/**
 * What a label may say. A list is closed here; `at-start` is closed when the process knows its functions, topics and routes (`PrometheusMetrics.allow`).
 * Any other value is counted as `other`: ids, paths and what callers send never become a label.
 */
export type LabelValues = readonly string[] | 'at-start';

/** One metric: what it counts, its unit, its labels. `buckets` are upper bounds in seconds, for histograms. */
export interface MetricDeclaration {
  readonly type: 'counter' | 'gauge' | 'histogram';
  readonly help: string;
  readonly labels: readonly LabelName[];
  readonly buckets?: readonly number[];
}

/** Every label of the platform with the values it may have. */
export const LABELS = {
  function: 'at-start',
  trigger: 'at-start',
  group: 'at-start',
  topic: 'at-start',
  type: 'at-start',
  /** A route's pattern (`/workflows/{queue_id}`), never the path that was asked for. */
  route: 'at-start',
  method: ['GET', 'HEAD', 'POST', 'DELETE'],
  /** Class of the status: a code of its own adds nothing that the log does not say. */
  status: ['2xx', '3xx', '4xx', '5xx'],
  outcome: ['handled', 'acknowledged', 'ignored', 'dead-lettered'],
  code: Object.keys(ERROR_MEANINGS),
  exchange: EXCHANGES,
  kind: KINDS,
  hole: [...OPEN_HOLE_KINDS, ...ABSENCE_KINDS],
  verdict: ['persisted', 'short', 'failed'],
  job: ['done', 'failed', 'broken', 'lost', 'stopped', 'skipped'],
} as const satisfies Record<string, LabelValues>;
export type LabelName = keyof typeof LABELS;

const HANDLER_BUCKETS = [0.001, 0.005, 0.025, 0.1, 0.5, 1, 2.5, 5, 10, 30, 60];
const HTTP_BUCKETS = [0.005, 0.025, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

/** Every metric of the platform, in one place: `/metrics`, the dashboards and the alert rules know no other. */
export const METRICS = {
  streamforge_events_handled_total: {
    type: 'counter',
    help: 'Events that a trigger is done with. acknowledged: already done (a conflict); ignored: a type that the trigger does not take.',
    labels: ['function', 'trigger', 'outcome'],
  },
  streamforge_events_retried_total: {
    type: 'counter',
    help: 'Failed tries of events that are tried again, by error code.',
    labels: ['function', 'trigger', 'code'],
  },
  streamforge_events_dead_lettered_total: {
    type: 'counter',
    help: 'Events written to a dead-letter topic, by error code.',
    labels: ['function', 'trigger', 'code'],
  },
  streamforge_rows_dead_lettered_total: {
    type: 'counter',
    help: 'Rows dead-lettered alone, their event went on; by error code.',
    labels: ['function', 'code'],
  },
  streamforge_events_published_total: {
    type: 'counter',
    help: 'Events sent and acknowledged by the log, by type.',
    labels: ['function', 'type'],
  },
  streamforge_rows_written_total: {
    type: 'counter',
    help: 'Rows that were new to the store or changed it.',
    labels: ['exchange', 'kind'],
  },
  streamforge_rows_fetched_total: {
    type: 'counter',
    help: 'Rows read from an exchange, after their checks.',
    labels: ['exchange', 'kind'],
  },
  streamforge_holes_total: {
    type: 'counter',
    help: 'Holes that verdicts wrote to the coverage ledger, by kind.',
    labels: ['hole'],
  },
  streamforge_shards_verified_total: {
    type: 'counter',
    help: 'Verdicts on shards of history.',
    labels: ['verdict'],
  },
  streamforge_consumer_lag: {
    type: 'gauge',
    help: 'Records of a topic that a group has not committed yet, over all partitions.',
    labels: ['group', 'topic'],
  },
  streamforge_handler_seconds: {
    type: 'histogram',
    help: 'Time of one call of a handler: one event, one batch, one job or one tick.',
    labels: ['function', 'trigger'],
    buckets: HANDLER_BUCKETS,
  },
  streamforge_jobs_total: {
    type: 'counter',
    help: 'Jobs by how they ended. lost: the claim went to another; stopped: by shutdown; skipped: done or claimed elsewhere.',
    labels: ['function', 'trigger', 'job'],
  },
  streamforge_exchange_weight_used: {
    type: 'gauge',
    help: "Request weight used in the current window, as the exchange's own header counts it.",
    labels: ['exchange'],
  },
  streamforge_exchange_requests_total: {
    type: 'counter',
    help: 'Requests sent to an exchange, by class of the answer; other: no answer.',
    labels: ['exchange', 'status'],
  },
  streamforge_exchange_frozen_until_seconds: {
    type: 'gauge',
    help: 'Epoch second until which an exchange froze us (429, 418, 403); 0 when it did not.',
    labels: ['exchange'],
  },
  streamforge_http_requests_total: {
    type: 'counter',
    help: 'HTTP requests answered, by route pattern.',
    labels: ['method', 'route', 'status'],
  },
  streamforge_http_request_seconds: {
    type: 'histogram',
    help: 'Time from request to the end of the answer; streams (server-sent events) are not counted.',
    labels: ['method', 'route'],
    buckets: HTTP_BUCKETS,
  },
} as const satisfies Record<string, MetricDeclaration>;
export type MetricName = keyof typeof METRICS;
