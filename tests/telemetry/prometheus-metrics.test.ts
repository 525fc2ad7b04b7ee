import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { AppError } from '../../shared/domain/errors.ts';
import { LABELS, METRICS, type MetricDeclaration } from '../../shared/telemetry/metric-table.ts';
import { PrometheusMetrics } from '../../shared/telemetry/prometheus-metrics.ts';

function createMetrics(): { metrics: PrometheusMetrics; unknown: AppError[] } {
  const unknown: AppError[] = [];
  return { metrics: new PrometheusMetrics((error) => void unknown.push(error)), unknown };
}

/** The value of one series of the rendered text. */
function seriesValue(text: string, series: string): number | undefined {
  const line = text.split('\n').find((each) => each.startsWith(`${series} `));
  return line === undefined ? undefined : Number(line.slice(series.length + 1));
}

describe('the metrics', () => {
  test('are all there with their help before anything was counted', async () => {
    const { metrics } = createMetrics();

    const text = await metrics.render();

    for (const [name, { help, type }] of Object.entries(METRICS)) {
      assert.ok(text.includes(`# HELP ${name} ${help}`), name);
      assert.ok(text.includes(`# TYPE ${name} ${type}`), name);
    }
  });

  test('count, set and observe by their labels', async () => {
    const { metrics } = createMetrics();
    metrics.allow('function', ['sink']);
    metrics.allow('trigger', ['sink-live']);

    metrics.count('streamforge_rows_written_total', { exchange: 'binance', kind: 'candles' }, 1_000);
    metrics.count('streamforge_rows_written_total', { exchange: 'binance', kind: 'candles' });
    metrics.gauge('streamforge_exchange_weight_used', 42, { exchange: 'binance' });
    metrics.observe('streamforge_handler_seconds', 0.2, { function: 'sink', trigger: 'sink-live' });

    const text = await metrics.render();
    assert.equal(seriesValue(text, 'streamforge_rows_written_total{exchange="binance",kind="candles"}'), 1_001);
    assert.equal(seriesValue(text, 'streamforge_exchange_weight_used{exchange="binance"}'), 42);
    assert.equal(seriesValue(text, 'streamforge_handler_seconds_bucket{le="0.1",function="sink",trigger="sink-live"}'), 0);
    assert.equal(seriesValue(text, 'streamforge_handler_seconds_bucket{le="0.5",function="sink",trigger="sink-live"}'), 1);
  });

  test('count a label value that is in no list as "other", so that ids never become series', async () => {
    const { metrics } = createMetrics();
    metrics.allow('route', ['/workflows/{queue_id}']);

    for (let id = 0; id < 500; id++) {
      metrics.count('streamforge_http_requests_total', { method: 'GET', route: `/workflows/wf-${id}`, status: '2xx' });
    }
    metrics.count('streamforge_http_requests_total', { method: 'GET', route: '/workflows/{queue_id}', status: '2xx' });
    metrics.count('streamforge_http_requests_total', { method: 'BREW', route: '/workflows/{queue_id}', status: '299' });

    const text = await metrics.render();
    const series = text.split('\n').filter((line) => line.startsWith('streamforge_http_requests_total{'));
    assert.equal(series.length, 3);
    assert.equal(seriesValue(text, 'streamforge_http_requests_total{method="GET",route="other",status="2xx"}'), 500);
    assert.equal(seriesValue(text, 'streamforge_http_requests_total{method="other",route="/workflows/{queue_id}",status="other"}'), 1);
  });

  test('report a name or a type that the table does not have, and go on', async () => {
    const { metrics, unknown } = createMetrics();

    metrics.count('streamforge_typo_total');
    metrics.gauge('streamforge_rows_written_total', 1);

    assert.deepEqual(
      unknown.map(({ code, context }) => [code, context.metric]),
      [
        ['invalid_setting', 'streamforge_typo_total'],
        ['invalid_setting', 'streamforge_rows_written_total'],
      ],
    );
    assert.doesNotMatch(await metrics.render(), /typo/);
  });

  test('of two hosts in one process do not mix', async () => {
    const [first, second] = [createMetrics().metrics, createMetrics().metrics];

    first.count('streamforge_holes_total', { hole: 'missing' });

    assert.equal(seriesValue(await first.render(), 'streamforge_holes_total{hole="missing"}'), 1);
    assert.equal(seriesValue(await second.render(), 'streamforge_holes_total{hole="missing"}'), undefined);
  });

  test('show the memory and the CPU time of the process', async () => {
    const text = await createMetrics().metrics.render();

    assert.ok((seriesValue(text, 'process_resident_memory_bytes') ?? 0) > 1_000_000);
    assert.ok((seriesValue(text, 'process_cpu_seconds_total') ?? 0) > 0);
    assert.ok((seriesValue(text, 'nodejs_eventloop_utilization') ?? -1) >= 0);
  });
});

describe('the table of metrics', () => {
  test('uses declared labels only, counters end in _total, times in _seconds', () => {
    for (const [name, declaration] of Object.entries<MetricDeclaration>(METRICS)) {
      for (const label of declaration.labels) assert.ok(label in LABELS, `${name}: ${label}`);
      assert.equal(name.endsWith('_total'), declaration.type === 'counter', name);
      assert.equal(name.endsWith('_seconds'), declaration.type === 'histogram' || name.includes('until'), name);
      assert.equal(declaration.buckets !== undefined, declaration.type === 'histogram', name);
    }
  });

  test('has what the platform must show: handled, retried, dead-lettered, rows, lag, seconds, weight, holes', () => {
    for (const name of [
      'events_handled_total',
      'events_retried_total',
      'events_dead_lettered_total',
      'rows_written_total',
      'consumer_lag',
      'handler_seconds',
      'exchange_weight_used',
      'holes_total',
      'http_requests_total',
    ]) {
      assert.ok(`streamforge_${name}` in METRICS, name);
    }
  });
});
