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
/** A request that is open for so long is the one with the slow body. */
const SLOW_MS = 400;

async function openStack(t: TestContext, options: StackOptions = {}): Promise<Stack> {
  const stack = await startStack(options);
  t.after(() => stack.stop());
  return stack;
}

async function requestsOf(stack: Stack): Promise<JournalEntry[]> {
  return (await fetch(`${stack.simulator.rest}/_sim/requests`)).json() as Promise<JournalEntry[]>;
}

/** Stops it, and returns when the stop was answered, epoch ms. */
async function stop(stack: Stack, queueId: string): Promise<number> {
  await stack.client.post(`/workflows/${queueId}/stop`, { reason: 'enough' });
  return Date.now();
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
  const read = (): Promise<WorkflowView> => stack.client.get<WorkflowView>(`/workflows/${queueId}`);
  await eventually(async () => (await read()).status === 'finished', { deadlineMs: 30_000, what: 'the resumed workflow has finished' });
  const view = await read();
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
  const openRequests = async (): Promise<readonly JournalEntry[]> => (await requestsOf(stack)).filter(({ ended_at }) => ended_at === null);
  const isSlow = ({ started_at }: JournalEntry): boolean => Date.now() - started_at > SLOW_MS;
  await eventually(
    async () => {
      const { stages } = await stack.client.get<{ stages: readonly { shards_done: number; shards_in_flight: number }[] }>(
        `/workflows/${queueId}`,
      );
      const [load] = stages;
      const now = await openRequests();
      return load !== undefined && load.shards_done >= 1 && load.shards_in_flight >= 4 && now.length >= 4 && now.some(isSlow);
    },
    { deadlineMs: 20_000, everyMs: 5, what: 'four requests are open, one of them slow' },
  );
  const slow = (await openRequests()).find(isSlow)?.id;

  const answeredAt = await stop(stack, queueId);

  const journal = await assertQuiet(stack, answeredAt);
  assert.equal(journal.find(({ id }) => id === slow)?.aborted, true, 'the slow body was aborted');
  const view = await stack.client.get<WorkflowView>(`/workflows/${queueId}`);
  assert.deepEqual([view.status, view.attempt, view.stages[0]?.status], ['interrupted', 1, 'interrupted']);
  await assertSettled(stack.client);
  await fetch(`${stack.simulator.rest}/_sim/faults`, { method: 'DELETE' });
  await assertResumes(stack, queueId);
});

test('case 65: stopped while the exchange has frozen us, it waits for no thaw: no lag is left, and nothing is asked once it is over', async (t) => {
  const clock = createLeapingClock();
  const stack = await openStack(t, { host: { clock } });
  await stack.fault({ on: 'rest', match: { path: '/aggTrades', nth: 10 }, do: 'status', status: 429, headers: { 'Retry-After': '30' } });
  const queueId = await stack.startWorkflow(REQUEST);
  await eventually(async () => (await requestsOf(stack)).some(({ status }) => status === 429), {
    everyMs: 5,
    what: 'the freeze has begun',
  });

  const answeredAt = await stop(stack, queueId);
  await eventually(() => Date.now() >= answeredAt + GRACE_MS, { what: 'a second is over' });
  // The freeze goes on: what waited for its end has been dropped.
  await assertSettled(stack.client);
  clock.leap(31_000);

  await assertQuiet(stack, answeredAt);
  const view = await stack.client.get<WorkflowView>(`/workflows/${queueId}`);
  assert.deepEqual([view.status, view.attempt], ['interrupted', 1]);
  await assertResumes(stack, queueId);
});
