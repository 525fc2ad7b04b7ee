import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { type StartedWorkflow, type WorkflowView, waitForWorkflow } from '../../shared/cli/workflow-client.ts';
import type { JournalEntry } from '../../shared/exchanges/simulator/journal.ts';
import { seededRandom } from '../../shared/runtime/random.ts';
import { eventually } from '../support/eventually.ts';
import { type HostProcess, KEPT_CODE, runCommand, startHostProcess } from '../support/host-process.ts';
import { assertComplete, assertSettled } from '../support/settled.ts';
import { startSimulatorProcess, type TestSimulator } from '../support/simulator.ts';
import { assertTruth } from '../support/truth.ts';
import { newsOf, workflowEvents } from '../support/workflow-events.ts';

const DAY = 86_400_000;
const FROM = Date.UTC(2024, 7, 5);
const TO = FROM + 2 * DAY;
const KILLS = 20;
const CANDLES = ['BTCUSDT', 'ETHUSDT', 'SOLUSDT', 'ADAUSDT'];
const SERIES = [...CANDLES.map((symbol) => `binance:${symbol}:candles:1m`), 'binance:BTCUSDT:agg-trades', 'binance:ETHUSDT:trades'];
const REQUEST = {
  exchange: 'binance',
  loads: [
    { symbols: CANDLES, types: ['api_candles_1m'] },
    { symbols: ['BTCUSDT'], types: ['api_agg_trades'] },
    { symbols: ['ETHUSDT'], types: ['api_trades'] },
  ],
  time_range: '2024-08-05:2024-08-06',
};
/** About as many requests prove a shard of trades: more than its share of them would end the load before the kills are over. */
const REQUESTS_PER_SHARD = 3;
/** A dozen shards are fetched at once: with fewer requests none of them comes to its end. */
const LEAST_SHARE = 12;
/** An answer takes up to this long, so that answers overtake each other. */
const SLOWEST_MS = 60;
/** What an answer takes that is never to come. */
const NEVER_MS = 3_600_000;
/** Most further looks between the request that is waited for and the kill; each takes a few milliseconds: long enough for the rows to be proven. */
const MOST_LOOKS = 60;

let dir = '';
let simulator: TestSimulator;
const hosts: HostProcess[] = [];

before(async () => {
  dir = await mkdtemp(join(tmpdir(), 'streamforge-crash-'));
  simulator = await startSimulatorProcess({ weightLimit: 1_000_000 });
});
after(async () => {
  for (const host of hosts) await host.kill();
  await simulator.close();
  await rm(dir, { recursive: true, force: true });
});

async function startHost(): Promise<HostProcess> {
  const host = await startHostProcess({ dir, cacheDir: KEPT_CODE, exchange: simulator.rest });
  hosts.push(host);
  return host;
}

/** Where the load stands: shards proven, of all. */
interface Progress {
  readonly status: string;
  readonly done: number;
  readonly total: number;
}

async function progressOf(host: HostProcess, queueId: string): Promise<Progress> {
  const view = await host.client.get<WorkflowView & StartedWorkflow>(`/workflows/${queueId}`);
  const [load] = view.stages;
  return { status: view.status, done: load?.shards_done ?? 0, total: load?.shards_total ?? view.plan.shards ?? 0 };
}

/** From here on the exchange answers so many requests and lets the others wait: what one life of the host can do is bounded, however slow the machine. */
async function answerOnly(requests: number, ms: number): Promise<void> {
  await simulator.clearFaults();
  await simulator.addFaults({ on: 'rest', do: 'delay', ms, times: requests }, { on: 'rest', do: 'delay', ms: NEVER_MS, times: 1e9 });
}

const isPage = ({ path, status, ended_at, aborted }: JournalEntry): boolean =>
  /klines|Trades/.test(path) && status === 200 && ended_at !== null && !aborted;

test(`cases 48 to 51 and 66: after ${KILLS} kills at random moments of one workflow every row is there, counted once, and it has finished`, async (t) => {
  const seed = Number(process.env.STREAMFORGE_TEST_SEED ?? Date.now() % 1_000_000);
  t.diagnostic(`seed ${seed} (STREAMFORGE_TEST_SEED repeats it)`);
  const random = seededRandom(seed);
  const oneTo = (most: number): number => 1 + Math.floor(random.next() * most);
  let host = await startHost();
  const { queue_id: queueId } = await host.client.post<{ queue_id: string }>('/workflows', REQUEST);
  let pages = 0;
  /** By kill: whether a page had been answered before it, and where the load stood after it. */
  const kills: { readonly paged: boolean; readonly after: Progress }[] = [];

  while (kills.length < KILLS) {
    const { total, done } = await progressOf(host, queueId);
    await host.kill();
    const left = total - done;
    const share = Math.floor((2 * REQUESTS_PER_SHARD * left) / (KILLS - kills.length));
    // Fewer requests than shards that are left: whatever the machine does, this life cannot bring the load to its end.
    const budget = oneTo(Math.max(1, Math.min(left - 1, Math.max(LEAST_SHARE, share))));
    const newest = (await simulator.requests()).at(-1)?.id;
    const since = async (): Promise<readonly JournalEntry[]> => simulator.requests(newest);
    await answerOnly(budget, oneTo(SLOWEST_MS));
    host = await startHost();
    kills.push({ paged: pages > 0, after: await progressOf(host, queueId) });
    if (kills.length === KILLS) break;
    const wanted = oneTo(budget);
    // Shards whose rows are in the log already need no request: then there is nothing to wait for.
    const isDue = async (): Promise<boolean> => (await since()).length >= wanted || (await progressOf(host, queueId)).status !== 'loading';
    await eventually(isDue, { everyMs: 2, deadlineMs: 30_000, what: `${wanted} more requests` });
    for (let looks = oneTo(MOST_LOOKS); looks > 0; looks -= 1) pages += (await since()).some(isPage) ? 1 : 0;
  }
  await simulator.clearFaults();
  // What waits for an answer that never comes is given up with its host. In the middle of it all the state is folded anew.
  await host.kill();
  const rebuilt = await runCommand(['workflow', 'rebuild', '--json'], { STREAMFORGE_DATA_DIR: dir }, KEPT_CODE);
  assert.equal(rebuilt.code, 0, rebuilt.stderr);
  host = await startHost();
  const view = await waitForWorkflow(host.client, queueId, { quiet: true, signal: AbortSignal.timeout(60_000) });

  const told = kills.map(({ paged, after }) => `${after.done}/${after.total}${paged ? '' : ' (no page yet)'}`).join(', ');
  const inside = kills.filter(({ paged, after }) => paged && after.status === 'loading' && after.done < after.total);
  t.diagnostic(`shards proven after each kill: ${told}`);
  assert.ok(inside.length >= 15, `kills between the first page and the last proof: ${told}`);
  assert.deepEqual([view.status, view.attempt], ['finished', 1]);
  const rows = await assertTruth(host.url, simulator.rest, SERIES, FROM, TO);
  const [load] = view.stages;
  assert.deepEqual(
    [load?.records_written, load?.rows_counted, load?.shards_done],
    [rows, rows, load?.shards_total],
    'each shard counted once',
  );
  await assertComplete(host.client, SERIES, FROM, TO);
  await assertSettled(host.client);
  const ends = newsOf(await workflowEvents(host.client, queueId)).filter(({ finished }) => finished);
  assert.deepEqual(
    ends.map(({ stage, status }) => [stage, status]),
    [['load', 'completed']],
  );
});
