import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, type TestContext, test } from 'node:test';
import type { WorkflowView } from '../../shared/cli/workflow-client.ts';
import { openSqliteStore } from '../../shared/store/sqlite/open-sqlite-store.ts';
import { eventually } from '../support/eventually.ts';
import { KEPT_CODE, runCommand } from '../support/host-process.ts';
import { busView, endsOf } from '../support/settled.ts';
import { type Stack, startStack } from '../support/stack.ts';

const MINUTE = 60_000;
const FROM = Date.UTC(2024, 7, 5);
const CANDLES = 2_880;
const TIME_RANGE = '2024-08-05:2024-08-06';
const KEY = 'one-and-the-same';
const FINISHED = {
  symbol: 'AAAUSDT',
  type: 'api_candles_1m',
  time_range: TIME_RANGE,
  stages: ['load', 'build-graph'],
  collection_name: 'rebuilt_rows',
};

let root = '';
let dir = '';
before(async () => {
  root = await mkdtemp(join(tmpdir(), 'streamforge-rebuild-'));
  dir = join(root, 'data');
  await writeRecording(join(root, 'recording'));
});
after(() => rm(root, { recursive: true, force: true }));

/** Two days of minutes of four symbols; one price of BADUSDT has more digits than a number keeps. */
async function writeRecording(folder: string): Promise<void> {
  await mkdir(folder);
  for (const symbol of ['AAAUSDT', 'BBBUSDT', 'CCCUSDT', 'BADUSDT']) {
    const lines = Array.from({ length: CANDLES }, (_, minute) => {
      const open = FROM + minute * MINUTE;
      const price = symbol === 'BADUSDT' && minute === 77 ? '1.2345678901234567' : (1 + (minute % 17) / 100).toFixed(2);
      return `${open},${price},9.00,0.10,1.00,10.5,${open + MINUTE - 1},12.25,3,5.25,6.125,0\n`;
    });
    await writeFile(join(folder, `${symbol}-1m-2024-08.csv`), lines.join(''));
  }
}

async function start(t: TestContext): Promise<Stack> {
  const stack = await startStack({ dir, simulator: { recording: join(root, 'recording') } });
  t.after(() => stack.stop());
  return stack;
}

/** Everything that a reader can see of the workflows. */
async function everythingOf(stack: Stack, ids: readonly string[]): Promise<unknown> {
  const views = await Promise.all(ids.map((id) => stack.client.get(`/workflows/${id}`)));
  const documents = await Promise.all(ids.map((id) => stack.host.ports.workflows.readWorkflow(id)));
  // How often a document was written is no part of what it says.
  const states = documents.map((document) => ({ ...document, rev: undefined }));
  const shards = await Promise.all(ids.map((id) => stack.host.ports.workflows.readShards(id)));
  const events = await Promise.all(ids.map((id) => stack.host.ports.workflows.readEvents(id, 0, 10_000)));
  const list = await stack.client.get('/workflows?limit=100');
  const { text: collection } = await stack.client.text('/collections/rebuilt_rows/rows?format=csv&limit=10000');
  return { views, states, shards, events, list, collection };
}

async function untilStatus(stack: Stack, queueId: string, status: string): Promise<void> {
  await eventually(async () => (await stack.client.get<WorkflowView>(`/workflows/${queueId}`)).status === status, { what: status });
}

/** One workflow in each state that lasts: finished with a graph, in error, finished after a resume, interrupted. */
async function makeWorkflows(stack: Stack): Promise<string[]> {
  const load = (symbol: string): object => ({ symbol, type: 'api_candles_1m', time_range: TIME_RANGE });
  // The first request for a symbol asks where its history begins.
  const hang = (symbol: string): object => ({
    on: 'rest',
    match: { path: '/klines', symbol, nth: 2 },
    do: 'delay',
    ms: 3_600_000,
    times: 1e9,
  });
  await stack.fault([hang('BBBUSDT'), hang('CCCUSDT')]);
  const { queue_id: finished } = await stack.client.post<{ queue_id: string }>('/workflows', FINISHED, {
    headers: { 'idempotency-key': KEY },
  });
  const failed = await stack.startWorkflow(load('BADUSDT'));
  const [resumed, interrupted] = [await stack.startWorkflow(load('BBBUSDT')), await stack.startWorkflow(load('CCCUSDT'))];
  for (const id of [resumed, interrupted]) {
    await untilStatus(stack, id, 'loading');
    await stack.client.post(`/workflows/${id}/stop`, { reason: 'for a while' });
    await untilStatus(stack, id, 'interrupted');
  }
  await fetch(`${stack.simulator.rest}/_sim/faults`, { method: 'DELETE' });
  await stack.client.post(`/workflows/${resumed}/resume`, { reason: 'to go on' });
  await untilStatus(stack, resumed, 'finished');
  await untilStatus(stack, finished, 'finished');
  await untilStatus(stack, failed, 'error');
  return [finished, failed, resumed, interrupted];
}

test('case 66: with the workflow collections gone, `workflow rebuild` brings every workflow back as it was, and sends nothing', async (t) => {
  const stack = await start(t);
  const ids = await makeWorkflows(stack);
  const noLag = async (): Promise<boolean> => (await busView(stack.client)).lags.every(({ lag }) => lag === 0);
  await eventually(noLag, { what: 'all is read' });
  const before = await everythingOf(stack, ids);
  const ends = endsOf(await busView(stack.client));
  await stack.stop();
  const store = await openSqliteStore({ dir });
  await store.workflows.dropWorkflows();
  assert.deepEqual((await store.workflows.listWorkflows()).items, []);
  await store.close();

  const { code, stdout, stderr } = await runCommand(['workflow', 'rebuild', '--json'], { STREAMFORGE_DATA_DIR: dir }, KEPT_CODE);

  assert.equal(code, 0, stderr);
  const events = (before as { readonly events: readonly (readonly unknown[])[] }).events.reduce((sum, each) => sum + each.length, 0);
  assert.deepEqual(JSON.parse(stdout), { workflows: 4, events });
  const after = await start(t);
  assert.deepEqual(await everythingOf(after, ids), before);
  assert.deepEqual(endsOf(await busView(after.client)), ends);
  const again = await after.client.post<{ queue_id: string }>('/workflows', FINISHED, { headers: { 'idempotency-key': KEY } });
  assert.equal(again.queue_id, ids[0], 'the key is still taken');
});

test('case 66: while a host runs, a rebuild is refused and changes nothing', async (t) => {
  const stack = await start(t);
  const list = await stack.client.get('/workflows');

  const { code, stderr } = await runCommand(['workflow', 'rebuild'], { STREAMFORGE_DATA_DIR: dir }, KEPT_CODE);

  assert.equal(code, 1);
  assert.match(stderr, /data_dir_locked/);
  assert.deepEqual(await stack.client.get('/workflows'), list);
  await stack.stop();
});
