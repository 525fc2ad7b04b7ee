import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import type { WorkflowView } from '../../shared/cli/workflow-client.ts';
import type { JournalEntry } from '../../shared/exchanges/simulator/journal.ts';
import { eventually } from '../support/eventually.ts';
import { createLeapingClock } from '../support/leaping-clock.ts';
import { assertComplete, assertSettled } from '../support/settled.ts';
import { type Stack, type StackOptions, startStack } from '../support/stack.ts';
import { assertTruth } from '../support/truth.ts';
import { newsOf, workflowEvents } from '../support/workflow-events.ts';

const HOUR = 3_600_000;
const FROM = Date.UTC(2024, 7, 5);
const TO = FROM + 24 * HOUR;
const SERIES = ['binance:BTCUSDT:candles:1m', 'binance:BTCUSDT:agg-trades'];
const REQUEST = { symbol: 'BTCUSDT', types: ['api_candles_1m', 'api_agg_trades'], time_range: '2024-08-05:2024-08-05' };
/** What may still happen after the answer to a stop. */
const GRACE_MS = 1_000;
/** How long nothing is seen to start. */
const QUIET_MS = 2_500;

async function openStack(t: TestContext, options: StackOptions = {}): Promise<Stack> {
  const stack = await startStack(options);
  t.after(() => stack.stop());
  return stack;
}

async function requestsOf(stack: Stack): Promise<JournalEntry[]> {
  return (await fetch(`${stack.simulator.rest}/_sim/requests`)).json() as Promise<JournalEntry[]>;
}

/** Stops it, and returns when the stop was answered (epoch ms) with what was open at the exchange then. */
async function stop(stack: Stack, queueId: string): Promise<{ readonly answeredAt: number; readonly open: readonly number[] }> {
  await stack.client.post(`/workflows/${queueId}/stop`, { reason: 'enough' });
  const answeredAt = Date.now();
  const open = (await requestsOf(stack)).filter(({ ended_at }) => ended_at === null).map(({ id }) => id);
  return { answeredAt, open };
}

/** Asserts by the exchange's own journal that nothing began and nothing stayed open later than a second after the stop was answered. */
async function assertQuiet(stack: Stack, answeredAt: number): Promise<readonly JournalEntry[]> {
  await eventually(() => Date.now() >= answeredAt + QUIET_MS, { what: 'the time of quiet' });
  const journal = await requestsOf(stack);
  const late = journal.filter(({ started_at }) => started_at > answeredAt + GRACE_MS);
  assert.deepEqual(late, [], 'nothing begins later');
  const open = journal.filter(({ ended_at }) => ended_at === null || ended_at > answeredAt + GRACE_MS);
  assert.deepEqual(open, [], 'nothing stays open');
  return journal;
}

/** Resumes it and asserts that it ends as if nothing had been, `interrupted` having been said once. */
async function assertResumes(stack: Stack, queueId: string): Promise<void> {
  await stack.client.post(`/workflows/${queueId}/resume`, {});
  const view = await eventually(
    async () => {
      const now = await stack.client.get<WorkflowView>(`/workflows/${queueId}`);
      return now.status === 'finished' && now;
    },
    { deadlineMs: 30_000, what: 'the resumed workflow has finished' },
  );
  assert.equal(view.attempt, 2);
  const rows = await assertTruth(stack.host.url, stack.simulator.rest, SERIES, FROM, TO);
  assert.equal(view.stages[0]?.rows_counted, rows);
  await assertComplete(stack.client, SERIES, FROM, TO);
  await assertSettled(stack.client);
  const ends = newsOf(await workflowEvents(stack.client, queueId)).filter(({ finished }) => finished);
  assert.deepEqual(
    ends.map(({ status, attempt }) => ({ status, attempt })),
    [
      { status: 'interrupted', attempt: 1 },
      { status: 'completed', attempt: 2 },
    ],
  );
}

test('case 65: stopped with four and more shards in flight and a slow body, all is quiet within a second; resume completes', async (t) => {
  const stack = await openStack(t);
  const slowBody = { on: 'rest', match: { path: '/aggTrades', nth: 8 }, do: 'delay', ms: 1_000, per_chunk: 10 };
  await stack.fault([slowBody, { on: 'rest', do: 'delay', ms: 150, times: 1e9 }]);
  const queueId = await stack.startWorkflow(REQUEST);
  await eventually(
    async () => {
      const { stages } = await stack.client.get<WorkflowView>(`/workflows/${queueId}`);
      const load = stages[0] as (typeof stages)[0] & { readonly shards_in_flight?: number };
      const journal = await requestsOf(stack);
      const open = journal.filter(({ ended_at }) => ended_at === null);
      const dripping = journal.some(
        ({ fault, status, ended_at, id }) => fault === 'delay' && status === 200 && ended_at === null && id > 8,
      );
      return (load?.shards_in_flight ?? 0) >= 4 && (load?.shards_done ?? 0) >= 1 && open.length >= 4 && dripping;
    },
    { deadlineMs: 20_000, everyMs: 5, what: 'four requests are open' },
  );

  const { answeredAt, open } = await stop(stack, queueId);

  const journal = await assertQuiet(stack, answeredAt);
  assert.ok(open.length >= 1, 'something was open');
  const cut = journal.filter(({ id, aborted }) => open.includes(id) && aborted);
  assert.ok(cut.length >= 1, 'the slow body was aborted');
  const view = await stack.client.get<WorkflowView>(`/workflows/${queueId}`);
  assert.deepEqual([view.status, view.attempt, view.stages[0]?.status], ['interrupted', 1, 'interrupted']);
  await assertSettled(stack.client);
  await fetch(`${stack.simulator.rest}/_sim/faults`, { method: 'DELETE' });
  await assertResumes(stack, queueId);
});

test('case 65: stopped while the exchange has frozen us, it waits for no thaw: no lag is left, and nothing is asked when it is over', async (t) => {
  const clock = createLeapingClock();
  const stack = await openStack(t, { host: { clock } });
  await stack.fault({ on: 'rest', match: { path: '/aggTrades', nth: 10 }, do: 'status', status: 429, headers: { 'Retry-After': '30' } });
  const queueId = await stack.startWorkflow(REQUEST);
  await eventually(async () => (await requestsOf(stack)).some(({ status }) => status === 429), {
    everyMs: 5,
    what: 'the freeze has begun',
  });

  const { answeredAt } = await stop(stack, queueId);
  await assertQuiet(stack, answeredAt);
  await assertSettled(stack.client);
  clock.leap(31_000);

  const asked = (await requestsOf(stack)).length;
  const view = await stack.client.get<WorkflowView>(`/workflows/${queueId}`);
  assert.deepEqual([view.status, view.attempt], ['interrupted', 1]);
  assert.equal((await requestsOf(stack)).length, asked);
  await assertResumes(stack, queueId);
});
