import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import type { Coverage } from '../../shared/domain/coverage.ts';
import { readEvents } from '../../shared/cli/client.ts';
import { type WorkflowView, waitForWorkflow } from '../../shared/cli/workflow-client.ts';
import { seededRandom } from '../../shared/runtime/random.ts';
import { eventually } from '../support/eventually.ts';
import { type HostProcess, startHostProcess } from '../support/host-process.ts';
import { assertSettled } from '../support/settled.ts';
import { startSimulatorProcess, type TestSimulator } from '../support/simulator.ts';
import { assertTruth } from '../support/truth.ts';

const HOUR = 3_600_000;
const FROM = Date.UTC(2024, 7, 5);
const TO = FROM + 24 * HOUR;
const KILLS = 20;
const SERIES = ['binance:BTCUSDT:candles:1m', 'binance:ETHUSDT:candles:1m', 'binance:BTCUSDT:agg-trades', 'binance:ETHUSDT:trades'];
const REQUEST = {
  exchange: 'binance',
  loads: [
    { symbols: ['BTCUSDT', 'ETHUSDT'], types: ['api_candles_1m'] },
    { symbols: ['BTCUSDT'], types: ['api_agg_trades'] },
    { symbols: ['ETHUSDT'], types: ['api_trades'] },
  ],
  time_range: `${new Date(FROM).toISOString()}/${new Date(TO).toISOString()}`,
};
/** Every answer takes this long, so that there is time between the first page and the last proof. */
const SLOWNESS_MS = 40;
/** Whoever waits for a moment looks so often. */
const LOOK_MS = 4;

/** What is waited for before a kill: so many more proofs, so many more requests, or nothing but the start. */
type Moment = { readonly after: 'proofs' | 'requests' | 'start'; readonly count: number; readonly looks: number };

let dir = '';
let cacheDir = '';
let simulator: TestSimulator;
const hosts: HostProcess[] = [];

before(async () => {
  dir = await mkdtemp(join(tmpdir(), 'streamforge-crash-'));
  cacheDir = await mkdtemp(join(tmpdir(), 'streamforge-cache-'));
  simulator = await startSimulatorProcess({ weightLimit: 1_000_000 });
});
after(async () => {
  for (const host of hosts) await host.kill();
  await simulator.close();
  await rm(dir, { recursive: true, force: true });
  await rm(cacheDir, { recursive: true, force: true });
});

async function startHost(): Promise<HostProcess> {
  const host = await startHostProcess({ dir, cacheDir, exchange: simulator.rest });
  hosts.push(host);
  return host;
}

/** Where the load stands. */
async function progressOf(host: HostProcess, queueId: string): Promise<{ status: string; done: number; total: number }> {
  const view = await host.client.get<WorkflowView>(`/workflows/${queueId}`);
  const load = view.stages.find(({ stage }) => stage === 'load');
  return { status: view.status, done: load?.shards_done ?? 0, total: load?.shards_total ?? 0 };
}

async function countRequests(): Promise<number> {
  return (await simulator.requests()).length;
}

test(`cases 48 to 51 and 66: after ${KILLS} kills at random moments of one workflow every row is there once, and it has finished`, async (t) => {
  const seed = Number(process.env.STREAMFORGE_TEST_SEED ?? Date.now() % 1_000_000);
  t.diagnostic(`seed ${seed} (STREAMFORGE_TEST_SEED repeats it)`);
  const random = seededRandom(seed);
  const upTo = (most: number): number => Math.floor(random.next() * most);
  await simulator.addFaults({ on: 'rest', do: 'delay', ms: SLOWNESS_MS, times: 1e9 });
  let queueId = '';
  let inside = 0;
  const kills: string[] = [];

  for (let kill = 0; kill < KILLS; kill += 1) {
    const host = await startHost();
    const t0 = performance.now();
    if (kill === 0) queueId = (await host.client.post<{ queue_id: string }>('/workflows', REQUEST)).queue_id;
    const begun = await progressOf(host, queueId);
    const moment: Moment = { after: (['proofs', 'proofs', 'requests', 'start'] as const)[upTo(4)] ?? 'start', count: 1 + upTo(4), looks: upTo(20) };
    const requests = await countRequests();
    const isDue = async (): Promise<boolean> => {
      if (moment.after === 'start') return true;
      if (moment.after === 'requests') return (await countRequests()) >= requests + moment.count * 10;
      return (await progressOf(host, queueId)).done >= begun.done + moment.count;
    };
    await eventually(isDue, { everyMs: LOOK_MS, what: `kill ${kill}: ${JSON.stringify(moment)}` });
    for (let look = 0; look < moment.looks; look += 1) await countRequests();
    const { status, done, total } = await progressOf(host, queueId);
    await host.kill();
    const pages = (await simulator.requests()).filter(({ path, status: code }) => /klines|Trades/.test(path) && code === 200).length;
    if (status === 'loading' && pages > 0 && done < total) inside += 1;
    kills.push(`${moment.after}+${moment.looks}: ${status} ${done}/${total}, ${pages} pages ${Math.round(performance.now() - t0)} ms`);
  }

  const host = await startHost();
  const view = await waitForWorkflow(host.client, queueId, { quiet: true });
  t.diagnostic(kills.join('; '));
  assert.equal(view.status, 'finished');
  assert.ok(inside >= 15, `${inside} kills were between the first page and the last proof: ${kills.join('; ')}`);
  const rows = await assertTruth(host.url, simulator.rest, SERIES, FROM, TO);
  const [load] = view.stages;
  assert.equal(load?.records_written, rows, 'every shard was counted once');
  assert.equal(load?.shards_done, load?.shards_total);
  for (const series of SERIES) {
    const coverage = await host.client.get<Coverage>(`/coverage/${encodeURIComponent(series)}?from=${FROM}&to=${TO}`);
    assert.deepEqual({ complete: coverage.complete, holes: coverage.holes }, { complete: true, holes: [] }, series);
  }
  await assertSettled(host.client);
  assert.equal(view.attempt, 1);
  void readEvents;
});
