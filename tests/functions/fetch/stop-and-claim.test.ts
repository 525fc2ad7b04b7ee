import assert from 'node:assert/strict';
import { test } from 'node:test';
import { handle } from '../../../functions/fetch/handle.ts';
import { shardClaimKey } from '../../../shared/domain/workflow/claim-keys.ts';
import { eventually } from '../../support/eventually.ts';
import { AUGUST, anOrder, HOUR, openFetch } from './open-fetch.ts';

const CANDLES = 'binance:BTCUSDT:candles:5m';

for (const [what, workflow] of [
  ['a workflow that was stopped', { status: 'interrupted' }],
  ['a workflow that failed', { status: 'error' }],
  ['a workflow whose load is over', { status: 'building' }],
  ['an older attempt', { status: 'loading', attempt: 2 }],
  ['a workflow that nobody knows', undefined],
] as const) {
  test(`a shard of ${what} is dropped without a request to the exchange`, async (t) => {
    const bench = await openFetch(t);
    if (workflow !== undefined) await bench.setWorkflow(workflow);

    await assert.rejects(handle(anOrder(CANDLES, AUGUST, AUGUST + HOUR), bench.context), { code: 'state_conflict' });

    assert.deepEqual(await bench.simulator.requests(), []);
    assert.deepEqual(await bench.sent('market.candles.history'), []);
  });
}

test('case 65: a stop aborts a slow body within a second; nothing is asked after it, and the shard is free again', async (t) => {
  const bench = await openFetch(t);
  await bench.setWorkflow({});
  await bench.simulator.addFaults({ on: 'rest', match: { path: '/klines' }, do: 'delay', ms: 1_000, per_chunk: 100, times: 100 });
  const order = anOrder(CANDLES, AUGUST, AUGUST + HOUR);
  const working = handle(order, bench.context);
  await eventually(async () => (await bench.asked()).length === 1);

  await bench.setWorkflow({ status: 'interrupted' });
  const stoppedAt = Date.now();
  await assert.rejects(working, { code: 'state_conflict' });

  assert.ok(Date.now() - stoppedAt < 1_000);
  await eventually(async () => (await bench.asked()).every(({ ended_at }) => ended_at !== null));
  const [request, ...more] = await bench.asked();
  assert.equal(request?.aborted, true);
  assert.deepEqual(more, []);
  assert.equal(await bench.workflows.readClaim(shardClaimKey(order.event.data)), undefined);
});

test('case 65: a stop during a freeze ends the wait within a second', async (t) => {
  const bench = await openFetch(t);
  await bench.setWorkflow({});
  await bench.simulator.addFaults({ on: 'rest', match: { path: '/klines' }, do: 'status', status: 429, headers: { 'Retry-After': '600' } });
  const working = handle(anOrder(CANDLES, AUGUST, AUGUST + HOUR), bench.context);
  await eventually(() => bench.exchange.frozenUntil() !== undefined);

  await bench.setWorkflow({ status: 'interrupted' });
  const stoppedAt = Date.now();
  await assert.rejects(working, { code: 'state_conflict' });

  assert.ok(Date.now() - stoppedAt < 1_000);
});

test('case 65: every request is preceded by a look at a view that is fresh', async (t) => {
  const bench = await openFetch(t);
  await bench.setWorkflow({});
  let ahead = 0;
  const clock = { ...bench.context.clock, now: () => Date.now() + ahead };
  const answers: string[] = [];
  const exchange = {
    // biome-ignore lint/correctness/useYield: it asks for leave twice and gives nothing
    async *readHistory(_request: unknown, { beforeRequest }: { beforeRequest: () => Promise<void> }) {
      await beforeRequest();
      answers.push('go');
      await bench.setWorkflow({ status: 'interrupted' });
      // No poll comes in between: the view is simply a second old now.
      ahead = 1_000;
      await beforeRequest();
      answers.push('go');
    },
  };
  const ports = { ...bench.context.ports, bus: bench.bus, workflows: bench.workflows, exchange: () => exchange as never };

  await assert.rejects(handle(anOrder(CANDLES, AUGUST, AUGUST + HOUR), { ...bench.context, clock, ports }), { code: 'state_conflict' });

  assert.deepEqual(answers, ['go']);
});

test('a shard that is done is not fetched again, whoever sends it', async (t) => {
  const bench = await openFetch(t);
  await bench.setWorkflow({});
  const order = anOrder(CANDLES, AUGUST, AUGUST + HOUR);
  await handle(order, bench.context);
  const before = (await bench.simulator.requests()).length;

  await assert.rejects(handle(order, bench.context), { code: 'state_conflict', message: /is done/ });

  assert.equal((await bench.simulator.requests()).length, before);
});

test('a shard that somebody else holds is left to them until their lease is over', async (t) => {
  const bench = await openFetch(t);
  await bench.setWorkflow({});
  const order = anOrder(CANDLES, AUGUST, AUGUST + HOUR);
  const key = shardClaimKey(order.event.data);
  await bench.workflows.acquireClaim(key, 'theirs', Date.now(), 60_000);

  await assert.rejects(handle(order, bench.context), { code: 'state_conflict', message: /elsewhere/ });
  assert.deepEqual(await bench.simulator.requests(), []);
  await bench.workflows.renewClaim(key, 'theirs', Date.now() - 1);
  await handle(order, bench.context);

  assert.equal((await bench.workflows.readClaim(key))?.done, true);
});
