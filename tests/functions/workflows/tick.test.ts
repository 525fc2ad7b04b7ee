import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';
import { tick } from '../../../functions/workflows/handle.ts';
import { jobClaimKey, shardClaimKey } from '../../../shared/domain/workflow/claim-keys.ts';
import type { FetchShard } from '../../../shared/events/fetch-shard.ts';
import { shardVerified } from '../../../shared/events/shard-verified.ts';
import { fetchTopic, QUEUE_EVENTS } from '../../../shared/events/topics.ts';
import { workflowTick } from '../../../shared/events/workflow-tick.ts';
import { createFakeClock, type FakeClock } from '../../support/fake-clock.ts';
import { type ServedWorkflows, serveWorkflows } from './serve-workflows.ts';

const DAY = { symbol: 'BTCUSDT', type: 'api_candles_5m', time_range: '2024-07-01:2024-07-02' };
const FETCH = fetchTopic('binance');
const SILENT_MS = 120_000;

let served: ServedWorkflows;
let clock: FakeClock;
before(async () => {
  clock = createFakeClock();
  served = await serveWorkflows({ clock });
});
after(() => served.close());
beforeEach(() => served.stores.workflows.dropWorkflows());

async function start(body: object = DAY): Promise<string> {
  const answer = await served.call('POST', '/workflows', body);
  assert.equal(answer.status, 202, answer.text);
  return answer.json().queue_id;
}

const ticksOf = async (id: string): Promise<number> =>
  (await served.events(QUEUE_EVENTS)).filter((event) => event.type === workflowTick.type && event.queueid === id).length;
const sentFor = async (topic: string, id: string) => (await served.events(topic)).filter((event) => event.queueid === id);

/** Says that every shard which is out is proven. */
async function proveAll(id: string): Promise<void> {
  const commands = (await sentFor(FETCH, id)).map(({ data }) => data as FetchShard);
  const verdicts = commands.map(
    ({ from: _, to: __, ...about }) => ({ ...about, verdict: 'persisted', counted: 576, missing: [], absent: [] }) as const,
  );
  await served.append(...verdicts.map((verdict) => shardVerified.build(verdict, { producer: 'sink', time: clock.now() })));
}

test('a shard without a verdict is sent again after its time, and not before; each time it counts anew', async () => {
  const id = await start();
  await served.fold();

  await clock.advance(SILENT_MS - 1_000);
  await tick(served.context);
  assert.equal(await ticksOf(id), 0);
  await clock.advance(1_000);
  await tick(served.context);
  await served.fold();
  assert.deepEqual([await ticksOf(id), (await sentFor(FETCH, id)).length], [1, 2]);
  const [one, two] = await sentFor(FETCH, id);
  assert.equal(one?.id, two?.id);
  await tick(served.context);
  assert.equal(await ticksOf(id), 1);
  await clock.advance(SILENT_MS);
  await tick(served.context);
  assert.equal(await ticksOf(id), 2);
});

test('a shard that somebody is fetching is left alone', async () => {
  const id = await start();
  await served.fold();
  const [command] = await sentFor(FETCH, id);
  await clock.advance(SILENT_MS);
  await served.stores.workflows.acquireClaim(shardClaimKey(command?.data as FetchShard), 'token', clock.now(), 60_000);

  await tick(served.context);
  assert.equal(await ticksOf(id), 0);
  await clock.advance(60_000);
  await tick(served.context);
  assert.equal(await ticksOf(id), 1);
});

test('a shard whose lease ran out is sent again before its time', async () => {
  const id = await start();
  await served.fold();
  const [command] = await sentFor(FETCH, id);
  await served.stores.workflows.acquireClaim(shardClaimKey(command?.data as FetchShard), 'token', clock.now(), SILENT_MS / 2);

  await clock.advance(SILENT_MS / 2 - 1);
  await tick(served.context);
  assert.equal(await ticksOf(id), 0);
  await clock.advance(1);
  await tick(served.context);
  await served.fold();
  await tick(served.context);
  assert.equal(await ticksOf(id), 1);
});

test('a job whose lease ran out is sent again at once, one whose claim is live is left alone, and so is one that is done', async () => {
  const id = await start({ ...DAY, stages: ['load', 'build-graph'] });
  await served.fold();
  await proveAll(id);
  await served.fold();
  assert.equal((await sentFor('queue-control.build-graph', id)).length, 1);
  const key = jobClaimKey('build-graph', { queue_id: id, attempt: 1 });
  await served.stores.workflows.acquireClaim(key, 'token', clock.now(), 60_000);

  await clock.advance(59_000);
  await tick(served.context);
  assert.equal(await ticksOf(id), 0);
  await clock.advance(1_000);
  await tick(served.context);
  await tick(served.context);
  await served.fold();
  assert.equal(await ticksOf(id), 1);
  assert.equal((await sentFor('queue-control.build-graph', id)).length, 2);
  await served.stores.workflows.acquireClaim(key, 'other', clock.now(), 60_000);
  await served.stores.workflows.releaseClaim(key, 'other', true);
  await clock.advance(10 * SILENT_MS);
  await tick(served.context);
  assert.equal(await ticksOf(id), 1);
});

test('a job that nobody took is sent again after its time', async () => {
  const id = await start({ ...DAY, stages: ['load', 'build-graph'] });
  await served.fold();
  await proveAll(id);
  await served.fold();

  await clock.advance(SILENT_MS - 1);
  await tick(served.context);
  assert.equal(await ticksOf(id), 0);
  await clock.advance(1);
  await tick(served.context);
  await tick(served.context);
  assert.equal(await ticksOf(id), 1);
});

test('a request that is stored and never reached the log is appended again, as the same event', async () => {
  const id = await start();
  const before = await sentFor(QUEUE_EVENTS, id);

  await clock.advance(9_000);
  await tick(served.context);
  assert.equal((await sentFor(QUEUE_EVENTS, id)).length, 1);
  await clock.advance(1_000);
  await tick(served.context);
  const after = await sentFor(QUEUE_EVENTS, id);
  assert.deepEqual(
    after.map((event) => event.id),
    [before[0]?.id, before[0]?.id],
  );
  assert.deepEqual(
    after.map((event) => event.time),
    [before[0]?.time, before[0]?.time],
  );
  await served.fold();
  await clock.advance(60_000);
  await tick(served.context);

  assert.equal((await sentFor(QUEUE_EVENTS, id)).filter(({ type }) => type.includes('workflow-requested')).length, 2);
  assert.equal((await sentFor(FETCH, id)).length, 1);
});

test('workflows that have ended are never told to look again', async () => {
  const id = await start();
  await served.fold();
  await served.call('POST', `/workflows/${id}/stop`);
  await served.fold();

  await clock.advance(10 * SILENT_MS);
  await tick(served.context);

  assert.equal(await ticksOf(id), 0);
});

test('claims on work that no command can ask for any more are forgotten, once an hour', async () => {
  const { workflows } = served.stores;
  await workflows.acquireClaim('fetch/long-done', 'one', clock.now(), 60_000);
  await workflows.releaseClaim('fetch/long-done', 'one', true);

  await clock.advance(8 * 86_400_000);
  await tick(served.context);
  assert.notEqual(await workflows.readClaim('fetch/long-done'), undefined, 'its lease ended less than eight days ago');
  await clock.advance(120_000);
  await tick(served.context);
  assert.notEqual(await workflows.readClaim('fetch/long-done'), undefined, 'the hour is not over');
  await clock.advance(3_600_000);
  await tick(served.context);
  assert.equal(await workflows.readClaim('fetch/long-done'), undefined);
});
