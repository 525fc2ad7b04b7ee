import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { BusRecord } from '../../shared/bus/bus.ts';
import type { StartedWorkflow, WorkflowView } from '../../shared/cli/workflow-client.ts';
import { assertComplete, assertSettled } from '../support/settled.ts';
import { type Stack, startStack } from '../support/stack.ts';
import { assertTruth, truthOf } from '../support/truth.ts';
import { newsOf, type StreamedEvent, workflowEvents } from '../support/workflow-events.ts';

const HOUR = 3_600_000;
const FROM = Date.UTC(2024, 7, 5, 3);
const TO = FROM + 2 * HOUR;
const TIME_RANGE = '2024-08-05T03:00:00Z/2024-08-05T05:00:00Z';
const SERIES = ['binance:BTCUSDT:candles:1m', 'binance:ETHUSDT:candles:1m', 'binance:BTCUSDT:agg-trades', 'binance:BTCUSDT:trades'];
const REQUEST = {
  exchange: 'binance',
  loads: [
    { symbols: ['BTCUSDT', 'ETHUSDT'], types: ['api_candles_1m'] },
    { symbols: ['BTCUSDT'], types: ['api_agg_trades', 'api_trades'] },
  ],
  time_range: TIME_RANGE,
  collection_name: 'two_hours',
};
const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736';

/** What a workflow shows beyond what the command line reads. */
interface Shown extends WorkflowView {
  readonly links: { readonly self: string };
  readonly attempts: readonly unknown[];
  readonly plan: unknown;
}

describe('one call', () => {
  let stack: Stack;
  let started: StartedWorkflow & Pick<Shown, 'links'>;
  let view: Shown;
  let live: Promise<StreamedEvent[]>;

  before(async () => {
    stack = await startStack();
    started = await stack.client.post('/workflows', REQUEST, {
      headers: { traceparent: `00-${TRACE}-00f067aa0ba902b7-01`, 'idempotency-key': 'two-hours' },
    });
    live = workflowEvents(stack.client, started.queue_id);
    view = (await stack.waitFor(started.queue_id)) as Shown;
  });
  after(() => stack.stop());

  const recordsOf = async (topic: string): Promise<BusRecord[]> => {
    const found: BusRecord[] = [];
    for await (const records of stack.host.ports.bus.read({ topic, from: 'earliest', untilEnd: true })) found.push(...records);
    return found;
  };

  test('cases 23 and 24: loads candles of two symbols and both kinds of trades of one: the rows are the truth, field by field', async () => {
    const rows = await assertTruth(stack.host.url, stack.simulator.rest, SERIES, FROM, TO);

    assert.ok(rows > 1_000, `${rows} rows`);
    assert.deepEqual([view.status, view.stages[0]?.records_written, view.stages[0]?.rows_counted], ['finished', rows, rows]);
    await assertComplete(stack.client, SERIES, FROM, TO);
  });

  test('case 62: leaves no lag and no dead letter, and every marker behind the rows of its shard', async () => {
    await assertSettled(stack.client);

    for (const topic of ['market.candles.history', 'market.agg-trades.history', 'market.trades.history']) {
      const last = Map.groupBy(await recordsOf(topic), ({ key }) => key);
      assert.ok(last.size > 0, topic);
      for (const [key, records] of last) assert.equal(records.at(-1)?.headers.ce_type, 'io.streamforge.shard-completed.v1', String(key));
    }
  });

  test('the workflow shows its request, its plan, its stage with shards, rows and times, and its attempts', async () => {
    const { queue_id, created_at, updated_at, stages, attempts, links, ...rest } = view;

    assert.match(String(queue_id), /^wf-btcusdt-api_candles_1m-20240805-[a-z0-9]{6}$/);
    assert.deepEqual(rest, {
      status: 'finished',
      attempt: 1,
      exchange: 'binance',
      symbols: ['BTCUSDT', 'ETHUSDT'],
      types: ['api_candles_1m', 'api_agg_trades', 'api_trades'],
      time_range: TIME_RANGE,
      from: FROM,
      to: TO,
      effective_to: TO,
      collection_name: 'two_hours',
      plan: { shards: 6, rows: null, calls: null, seconds: null },
    });
    assert.deepEqual(started.plan, rest.plan);
    const { status, shards_done, shards_total, absent, started_at = 0, finished_at = 0 } = stages[0] ?? {};
    assert.deepEqual([stages.length, status, shards_done, shards_total, absent], [1, 'completed', 6, 6, []]);
    assert.ok(created_at <= started_at && started_at <= finished_at && finished_at <= updated_at, 'times in order');
    assert.deepEqual(attempts, [{ attempt: 1, status: 'finished', started_at, finished_at, shards: { done: 6, all: 6 } }]);
    for (const link of [links.self, started.links.self]) assert.deepEqual(await stack.client.get(link), view);
  });

  test('streams every event once in order, live, and goes on behind Last-Event-ID', async () => {
    const events = await live;

    assert.deepEqual(
      events.map(({ id }) => id),
      events.map((_, index) => index + 1),
    );
    assert.equal(new Set(events.map(({ event }) => event.id)).size, events.length);
    assert.equal(events[0]?.event.type, 'io.streamforge.workflow-requested.v1');
    assert.equal(events.filter(({ event }) => event.type === 'io.streamforge.shard-verified.v1').length, 6);
    const ends = newsOf(events).filter(({ finished }) => finished);
    assert.deepEqual(
      ends.map(({ stage, status, records_written }) => ({ stage, status, records_written })),
      [{ stage: 'load', status: 'completed', records_written: view.stages[0]?.records_written }],
    );
    assert.deepEqual(await workflowEvents(stack.client, started.queue_id, 3), events.slice(3));
    const behind = await fetch(`${stack.host.url}/workflows/${started.queue_id}/events`, {
      headers: { 'last-event-id': String(events.length) },
    });
    assert.equal(behind.status, 204);
  });

  test('carries the caller’s trace through every hop, in the log and in the log lines', async () => {
    for (const topic of ['queue-events', 'queue-control.fetch.binance', 'market.candles.history', 'market.trades.history']) {
      const traced = (await recordsOf(topic)).filter(({ headers }) => headers.ce_traceparent?.split('-')[1] === TRACE);
      const types = new Set(traced.map(({ headers }) => headers.ce_type));
      const all = new Set((await recordsOf(topic)).map(({ headers }) => headers.ce_type));
      assert.deepEqual(types, all, topic);
    }
    const lines = stack.logs.filter(({ queue_id }) => queue_id === started.queue_id);
    assert.ok(lines.some(({ message }) => message === 'the workflow is finished'));
    for (const { traceparent } of lines) assert.equal(String(traceparent).split('-')[1], TRACE);
  });

  test('the metrics count the rows, the verdicts and the requests, and show no lag', async () => {
    const { text } = await stack.client.text('/metrics');

    const candles = 2 * 120;
    for (const line of [
      `streamforge_rows_written_total{exchange="binance",kind="candles"} ${candles}`,
      `streamforge_rows_fetched_total{exchange="binance",kind="candles"} ${candles}`,
      'streamforge_shards_verified_total{verdict="persisted"} 6',
      'streamforge_events_published_total{function="workflows",type="io.streamforge.fetch-shard.v1"} 6',
      'streamforge_http_requests_total{method="POST",route="/workflows",status="2xx"} 1',
    ]) {
      assert.ok(text.includes(`${line}\n`), line);
    }
    assert.match(text, /streamforge_exchange_requests_total\{exchange="binance",status="2xx"\} [1-9]/);
    assert.match(text, /streamforge_handler_seconds_count\{function="sink",trigger="sink-history"\} [1-9]/);
    assert.doesNotMatch(text, /streamforge_events_dead_lettered_total\{.*\} [1-9]/);
  });

  test('the same range asked again plans nothing, asks the exchange for no row and finishes', async () => {
    const asked = async (): Promise<number> => (await pagesOf(stack)).length;
    const before = await asked();

    const again = await stack.client.post<StartedWorkflow>('/workflows', { ...REQUEST, collection_name: 'two_hours_again' });
    const end = await stack.waitFor(again.queue_id);

    assert.notEqual(again.queue_id, started.queue_id);
    assert.equal(again.plan.shards, 0);
    assert.deepEqual([end.status, end.stages[0]?.shards_total, end.stages[0]?.rows_counted], ['finished', 0, view.stages[0]?.rows_counted]);
    assert.equal(await asked(), before);
  });

  test('case 68: one Idempotency-Key is one workflow, also asked at once; another body is refused', async () => {
    const ask = (key: string, body: object): Promise<StartedWorkflow> =>
      stack.client.post('/workflows', body, { headers: { 'idempotency-key': key } });
    const body = { symbol: 'SOLUSDT', type: 'api_candles_5m', time_range: TIME_RANGE };

    const answers = await Promise.all(Array.from({ length: 5 }, () => ask('case-68', body)));
    const [first] = answers;
    const end = await stack.waitFor(first?.queue_id ?? '');
    const later = await ask('case-68', body);

    assert.equal(new Set([...answers, later].map(({ queue_id }) => queue_id)).size, 1);
    assert.equal(end.status, 'finished');
    assert.equal((await ask('two-hours', REQUEST)).queue_id, started.queue_id);
    await assert.rejects(ask('case-68', { ...body, symbol: 'ADAUSDT' }), { code: 'idempotency_mismatch' });
    const { items } = await stack.client.get<{ items: WorkflowView[] }>('/workflows?symbol=SOLUSDT');
    assert.equal(items.length, 1);
    await assertTruth(stack.host.url, stack.simulator.rest, ['binance:SOLUSDT:candles:5m'], FROM, TO);
  });

  test('the saved selection gives the rows of the result, series after series', async () => {
    const { text } = await stack.client.text('/collections/two_hours/rows?format=ndjson&limit=10000');

    const truth = await truthOf(stack.simulator.rest, SERIES[0] ?? '', FROM, TO);
    assert.deepEqual(
      text
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line) as unknown),
      [...truth.values()],
    );
  });
});

/** Requests for rows that the exchange has seen. */
async function pagesOf(stack: Stack): Promise<readonly unknown[]> {
  const requests = (await (await fetch(`${stack.simulator.rest}/_sim/requests`)).json()) as readonly { readonly path: string }[];
  return requests.filter(({ path }) => /klines|aggTrades|historicalTrades/.test(path));
}
