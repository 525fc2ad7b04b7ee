import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, type TestContext, test } from 'node:test';
import { openEmbeddedBus } from '../../shared/bus/embedded/embedded-bus.ts';
import { type WorkflowView, waitForWorkflow } from '../../shared/cli/workflow-client.ts';
import type { JournalEntry } from '../../shared/exchanges/simulator/journal.ts';
import { eventually } from '../support/eventually.ts';
import { type HostProcess, KEPT_CODE, startHostProcess } from '../support/host-process.ts';
import { createLeapingClock } from '../support/leaping-clock.ts';
import { assertComplete, assertSettled, busView } from '../support/settled.ts';
import { startSimulatorProcess } from '../support/simulator.ts';
import { type Stack, type StackOptions, startStack } from '../support/stack.ts';
import { assertTruth } from '../support/truth.ts';

const DAY = 86_400_000;
const MINUTE = 60_000;
const FROM = Date.UTC(2024, 7, 5);
const TO = FROM + DAY;
const SERIES = ['binance:BTCUSDT:candles:1m', 'binance:BTCUSDT:agg-trades'];
const REQUEST = { symbol: 'BTCUSDT', types: ['api_candles_1m', 'api_agg_trades'], time_range: '2024-08-05:2024-08-05' };
/** All but the sink: what is loaded stays in the log. */
const WITHOUT_SINK = ['workflows', 'fetch', 'stats'];

let root = '';
before(async () => {
  root = await mkdtemp(join(tmpdir(), 'streamforge-recovery-'));
});
after(() => rm(root, { recursive: true, force: true }));

async function openStack(t: TestContext, options: StackOptions): Promise<Stack> {
  const stack = await startStack(options);
  t.after(() => stack.stop());
  return stack;
}

async function assertWhole(client: Stack['client'], exchange: string, queueId: string): Promise<void> {
  const view = await waitForWorkflow(client, queueId, { quiet: true, signal: AbortSignal.timeout(60_000) });
  const rows = await assertTruth(client.url, exchange, SERIES, FROM, TO);
  assert.deepEqual([view.status, view.attempt, view.stages[0]?.records_written], ['finished', 1, rows]);
  await assertComplete(client, SERIES, FROM, TO);
  await assertSettled(client);
}

async function pagesOf(exchange: string): Promise<number> {
  const journal = (await (await fetch(`${exchange}/_sim/requests`)).json()) as JournalEntry[];
  return journal.filter(({ path, query }) => /klines|aggTrades/.test(path) && query.limit === '1000').length;
}

/** Loads without a sink until `fetch` has read all that it was sent, and stops. */
async function loadWithoutSink(t: TestContext, dir: string): Promise<string> {
  const stack = await openStack(t, { dir, host: { functionsFilter: WITHOUT_SINK } });
  const queueId = await stack.startWorkflow(REQUEST);
  await eventually(
    async () => {
      const { topics, lags } = await busView(stack.client);
      const sent = topics.some(({ name, records }) => name === 'queue-control.fetch.binance' && records > 0);
      return sent && lags.every(({ lag }) => lag === 0);
    },
    { deadlineMs: 30_000, what: 'all is fetched' },
  );
  assert.equal((await stack.client.get<WorkflowView>(`/workflows/${queueId}`)).stages[0]?.shards_done, 0);
  await stack.stop();
  return queueId;
}

test('case 53: on SIGTERM under load the host drains and exits with 0; started again it goes on at its offsets', async (t) => {
  const dir = join(root, 'case-53');
  const simulator = await startSimulatorProcess({ weightLimit: 1_000_000 });
  t.after(() => simulator.close());
  let host: HostProcess = await startHostProcess({ dir, cacheDir: KEPT_CODE, exchange: simulator.rest });
  t.after(() => host.kill());
  const { queue_id: queueId } = await host.client.post<{ queue_id: string }>('/workflows', REQUEST);
  await simulator.addFaults({ on: 'rest', do: 'delay', ms: 100, times: 1e9 });
  await eventually(async () => (await simulator.requests()).filter(({ ended_at }) => ended_at === null).length >= 4, { everyMs: 5 });

  const code = await host.terminate();

  assert.equal(code, 0);
  const journal = await simulator.requests();
  assert.deepEqual(
    journal.filter(({ aborted, ended_at }) => aborted || ended_at === null),
    [],
    'what was under way was waited for',
  );
  await simulator.clearFaults();
  host = await startHostProcess({ dir, cacheDir: KEPT_CODE, exchange: simulator.rest });
  assert.ok(!host.logs.some(({ leases }) => leases !== undefined), 'no lease was left behind');
  const { stages } = await host.client.get<WorkflowView>(`/workflows/${queueId}`);
  assert.ok((stages[0]?.shards_done ?? 0) < (stages[0]?.shards_total ?? 0), 'it was in the middle');
  await assertWhole(host.client, simulator.rest, queueId);
});

test('case 69: a host that is frozen for longer than its leases goes on where it was when it thaws', async (t) => {
  const dir = join(root, 'case-69');
  const simulator = await startSimulatorProcess({ weightLimit: 1_000_000 });
  t.after(() => simulator.close());
  const host = await startHostProcess({ dir, cacheDir: KEPT_CODE, exchange: simulator.rest, env: { FETCH_LEASE_SECONDS: '3' } });
  t.after(() => host.kill());
  const { queue_id: queueId } = await host.client.post<{ queue_id: string }>('/workflows', REQUEST);
  await simulator.addFaults({ on: 'rest', do: 'delay', ms: 100, times: 1e9 });
  await eventually(async () => (await simulator.requests()).filter(({ ended_at }) => ended_at === null).length >= 4, { everyMs: 5 });

  host.process.kill('SIGSTOP');
  const frozenAt = Date.now();
  await eventually(() => Date.now() > frozenAt + 4_000, { what: 'the leases are over' });
  host.process.kill('SIGCONT');
  await simulator.clearFaults();

  await assertWhole(host.client, simulator.rest, queueId);
});

test('case 58: what a retention shorter than the outage has deleted is a hole of the ledger, and is fetched from the exchange again', async (t) => {
  const dir = join(root, 'case-58');
  const queueId = await loadWithoutSink(t, dir);
  const bus = await openEmbeddedBus({ dir });
  assert.ok((await bus.admin.applyRetention(Date.now() + 8 * DAY)) > 0);
  const { offsets } = await bus.admin.topic('market.agg-trades.history');
  assert.ok(
    offsets.every(({ begin, end }) => begin === end),
    'the rows and their markers are gone',
  );
  await bus.close();
  const clock = createLeapingClock();
  const stack = await openStack(t, { dir, host: { clock } });
  const { stages } = await stack.client.get<WorkflowView>(`/workflows/${queueId}`);
  assert.deepEqual([stages[0]?.shards_done, stages[0]?.rows_counted], [0, 0]);

  clock.leap(15 * MINUTE);

  await assertWhole(stack.client, stack.simulator.rest, queueId);
});

test('case 59: groups whose offsets are gone read everything once more from the earliest record, and nothing changes', async (t) => {
  const dir = join(root, 'case-59');
  const before = await openStack(t, { dir });
  const view = await before.runWorkflow(REQUEST);
  const rows = await assertTruth(before.host.url, before.simulator.rest, SERIES, FROM, TO);
  await assertSettled(before.client);
  await before.stop();
  const bus = await openEmbeddedBus({ dir });
  for (const group of ['sink-history', 'fetch-binance', 'workflows']) await bus.admin.deleteGroup(group);
  await bus.close();

  const stack = await openStack(t, { dir });

  await assertSettled(stack.client);
  const { text } = await stack.client.text('/metrics');
  assert.match(text, /streamforge_events_handled_total\{function="sink",trigger="sink-history",outcome="handled"\} [1-9]/);
  assert.doesNotMatch(text, /streamforge_rows_written_total\{.*\} [1-9]/);
  assert.equal(await assertTruth(stack.host.url, stack.simulator.rest, SERIES, FROM, TO), rows);
  assert.deepEqual(await stack.waitFor(view.queue_id), view);
  assert.equal(await pagesOf(stack.simulator.rest), 0, 'and nothing is asked of the exchange');
});

test('case 60: a sink that starts after the load reads from the earliest record and has every row', async (t) => {
  const dir = join(root, 'case-60');
  const queueId = await loadWithoutSink(t, dir);

  const stack = await openStack(t, { dir });

  await assertWhole(stack.client, stack.simulator.rest, queueId);
});
