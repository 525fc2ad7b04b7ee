import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { after, before, type TestContext, test } from 'node:test';
import { openEmbeddedBus } from '../../shared/bus/embedded/embedded-bus.ts';
import type { WorkflowView } from '../../shared/cli/workflow-client.ts';
import type { JournalEntry } from '../../shared/exchanges/simulator/journal.ts';
import type { MarketStore } from '../../shared/store/market-store.ts';
import { openSqliteStore } from '../../shared/store/sqlite/open-sqlite-store.ts';
import { eventually } from '../support/eventually.ts';
import { assertComplete, assertSettled, busView, deadLettersOf } from '../support/settled.ts';
import { type Stack, type StackOptions, startStack } from '../support/stack.ts';
import { assertTruth } from '../support/truth.ts';

const MINUTE = 60_000;
const FROM = Date.UTC(2024, 7, 5);
const TO = FROM + 2 * 86_400_000;
const SERIES = ['binance:BTCUSDT:candles:1m', 'binance:BTCUSDT:agg-trades'];
const REQUEST = { symbol: 'BTCUSDT', types: ['api_candles_1m', 'api_agg_trades'], time_range: '2024-08-05:2024-08-06' };

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

async function statusOf(stack: Stack, path: string): Promise<number> {
  return (await fetch(`${stack.host.url}${path}`)).status;
}

async function assertWhole(stack: Stack, queueId: string): Promise<void> {
  const view = await stack.waitFor(queueId);
  const rows = await assertTruth(stack.host.url, stack.simulator.rest, SERIES, FROM, TO);
  assert.deepEqual([view.status, view.attempt, view.stages[0]?.records_written], ['finished', 1, rows]);
  await assertComplete(stack.client, SERIES, FROM, TO);
  await assertSettled(stack.client);
}

test('case 55: while another process holds the store all waits, alive but not ready; then it goes on, nothing lost, nothing dead-lettered', async (t) => {
  const stack = await openStack(t, { adapters: (_, dir) => ({ stores: () => openSqliteStore({ dir, busyTimeoutMs: 50 }) }) });
  const queueId = await stack.startWorkflow(REQUEST);
  await eventually(async () => (await stack.client.get<WorkflowView>(`/workflows/${queueId}`)).status === 'loading', { everyMs: 2 });
  const other = new DatabaseSync(join(stack.dir, 'store.db'), { timeout: 10_000 });
  other.exec('BEGIN IMMEDIATE');

  await eventually(async () => (await statusOf(stack, '/readyz')) === 503, { what: 'readiness goes down' });
  assert.equal(await statusOf(stack, '/livez'), 200);
  const waiting = await stack.client.get<WorkflowView>(`/workflows/${queueId}`);
  assert.equal(waiting.status, 'loading');
  other.exec('ROLLBACK');
  other.close();

  await assertWhole(stack, queueId);
  await eventually(async () => (await statusOf(stack, '/readyz')) === 200, { what: 'readiness comes back' });
});

const FULL: Readonly<Record<string, StackOptions['adapters']>> = {
  store: (_, dir) => ({ stores: () => openSqliteStore({ dir, maxBytes: 900_000 }) }),
  log: (_, dir) => ({ bus: () => openEmbeddedBus({ dir, maxBytes: 1_200_000 }) }),
};
for (const [what, adapters] of Object.entries(FULL)) {
  test(`case 64: on a full disk under the ${what} nothing is committed past what is not written; with room it goes on`, async (t) => {
    const dir = join(root, what);
    const small = await openStack(t, { dir, ...(adapters === undefined ? {} : { adapters }) });
    const queueId = await small.startWorkflow(REQUEST);
    await eventually(() => small.logs.some(({ error }) => (error as { code?: string } | undefined)?.code === 'storage_full'), {
      what: 'the disk is full',
    });
    await eventually(async () => (await statusOf(small, '/readyz')) === 503, { what: 'readiness goes down' });
    assert.equal(await statusOf(small, '/livez'), 200);
    assert.equal((await small.client.get<WorkflowView>(`/workflows/${queueId}`)).status, 'loading');
    const view = await busView(small.client);
    assert.deepEqual(deadLettersOf(view), {});
    assert.ok(
      view.lags.some(({ lag }) => lag > 0),
      'what could not be written is lag',
    );
    await small.stop();

    const roomy = await openStack(t, { dir });

    await assertWhole(roomy, queueId);
  });
}

/** A store from which rows go missing just before they are to prove something, as long as `isOn`. */
function losing(market: MarketStore, isOn: () => boolean): MarketStore {
  return new Proxy(market, {
    get(target, name) {
      if (name === 'proveRange') {
        return async (...args: Parameters<MarketStore['proveRange']>) => {
          if (isOn() && args[0].kind === 'candles') await target.deleteRows(args[0], LOST);
          return target.proveRange(...args);
        };
      }
      const member: unknown = Reflect.get(target, name);
      return typeof member === 'function' ? member.bind(target) : member;
    },
  });
}
const LOST = { from: FROM + 100 * MINUTE, to: FROM + 130 * MINUTE };
const SHARD = { symbol: 'BTCUSDT', type: 'api_candles_1m', time_range: '2024-08-05T00:00:00Z/2024-08-05T10:00:00Z' };

async function pagesOf(stack: Stack): Promise<{ from: number; to: number }[]> {
  const journal = (await (await fetch(`${stack.simulator.rest}/_sim/requests`)).json()) as JournalEntry[];
  return journal
    .filter(({ path, query }) => path.endsWith('/klines') && query.limit === '1000')
    .map(({ query }) => ({ from: Number(query.startTime), to: Number(query.endTime) + 1 }));
}

test('case 63: rows deleted behind the sink are missing from the proof: exactly their range is fetched again', async (t) => {
  let proofs = 0;
  const stack = await openStack(t, {
    adapters: ({ stores }) => ({
      stores: async () => {
        const opened = await stores();
        return { ...opened, close: () => opened.close(), market: losing(opened.market, () => ++proofs === 1) };
      },
    }),
  });

  const view = await stack.runWorkflow(SHARD);

  assert.equal(view.status, 'finished');
  const to = FROM + 600 * MINUTE;
  assert.deepEqual(await pagesOf(stack), [{ from: FROM, to }, LOST]);
  const rows = await assertTruth(stack.host.url, stack.simulator.rest, SERIES.slice(0, 1), FROM, to);
  assert.deepEqual([rows, view.stages[0]?.records_written], [600, 600]);
  await assertComplete(stack.client, SERIES.slice(0, 1), FROM, to);
  await assertSettled(stack.client);
});

test('case 63: where they are lost again and again the workflow ends in error after four tries, naming the range; resume completes it', async (t) => {
  let isLosing = true;
  const stack = await openStack(t, {
    adapters: ({ stores }) => ({
      stores: async () => {
        const opened = await stores();
        return { ...opened, close: () => opened.close(), market: losing(opened.market, () => isLosing) };
      },
    }),
  });

  const failed = await stack.runWorkflow(SHARD);

  const { code, missing } = failed.error as { code: string; missing?: unknown };
  assert.deepEqual([failed.status, code, missing], ['error', 'rows_missing', [LOST]]);
  assert.deepEqual((await pagesOf(stack)).slice(1), [LOST, LOST, LOST]);
  await assertSettled(stack.client);
  isLosing = false;
  await stack.client.post(`/workflows/${failed.queue_id}/resume`, {});
  await eventually(async () => (await stack.client.get<WorkflowView>(`/workflows/${failed.queue_id}`)).status === 'finished');
  await assertTruth(stack.host.url, stack.simulator.rest, SERIES.slice(0, 1), FROM, FROM + 600 * MINUTE);
  await assertSettled(stack.client);
});
