import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext as NodeTest, test } from 'node:test';
import { workUnderClaim } from '../../../functions/fetch/shard-claim.ts';
import { openSqliteStore } from '../../../shared/store/sqlite/open-sqlite-store.ts';
import type { WorkflowStore } from '../../../shared/store/workflow-store.ts';
import { createTestContext } from '../../support/context.ts';
import { eventually } from '../../support/eventually.ts';

const CLAIM = { key: 'fetch:wf-x:1:s:1', leaseMs: 60_000, askedAt: 0 };

async function open(t: NodeTest, change: (workflows: WorkflowStore) => Partial<WorkflowStore> = () => ({})) {
  const dir = await mkdtemp(join(tmpdir(), 'sf-claim-'));
  const store = await openSqliteStore({ dir });
  t.after(async () => {
    await store.close();
    await rm(dir, { recursive: true });
  });
  const { workflows } = store;
  const changes = change(workflows);
  const ports = {
    workflows: new Proxy(workflows, { get: (target, name) => Reflect.get(changes, name) ?? Reflect.get(target, name).bind(target) }),
  };
  return { workflows, context: createTestContext({ ports }) };
}

/** Work that goes on until it is told to end. */
function longWork() {
  const { promise, resolve } = Promise.withResolvers<void>();
  const started = Promise.withResolvers<AbortSignal>();
  return {
    started: started.promise,
    end: resolve,
    work: async (lost: AbortSignal) => {
      started.resolve(lost);
      await promise;
      lost.throwIfAborted();
    },
  };
}

test('the lease is renewed three times as often as it ends', async (t) => {
  const { workflows, context } = await open(t);
  const { work, started, end } = longWork();
  const begun = context.clock.now();

  const working = workUnderClaim(context, CLAIM, work);
  await started;
  for (const step of [1, 2, 3, 4]) {
    await context.clock.advance(20_000);
    await eventually(async () => (await workflows.readClaim(CLAIM.key))?.until === begun + step * 20_000 + 60_000);
  }
  end();
  await working;

  assert.equal((await workflows.readClaim(CLAIM.key))?.done, true);
  assert.deepEqual(context.clock.sleepers(), []);
});

test('work whose claim went to somebody else is told so, and does not mark it done', async (t) => {
  const { workflows, context } = await open(t);
  const { work, started, end } = longWork();
  const working = workUnderClaim(context, CLAIM, work);
  const lost = await started;
  await workflows.acquireClaim(CLAIM.key, 'another', context.clock.now() + 60_001, 60_000);

  await context.clock.advance(20_000);
  await eventually(() => lost.aborted);
  end();

  await assert.rejects(working, { code: 'state_conflict' });
  const claim = await workflows.readClaim(CLAIM.key);
  assert.deepEqual([claim?.token, claim?.done], ['another', false]);
});

test('a store that is away for a moment does not end the work; one that is away for the whole lease does', async (t) => {
  let isAway = true;
  const { context } = await open(t, (workflows) => ({
    renewClaim: async (...args) => {
      if (isAway) throw new Error('away');
      return workflows.renewClaim(...args);
    },
  }));
  const { work, started, end } = longWork();
  const working = workUnderClaim(context, CLAIM, work);
  const lost = await started;

  await context.clock.advance(40_000);
  assert.equal(lost.aborted, false);
  isAway = false;
  await context.clock.advance(19_999);
  assert.equal(lost.aborted, false);
  isAway = true;
  await context.clock.advance(80_001);
  await eventually(() => lost.aborted);
  end();

  await assert.rejects(working, { code: 'state_conflict' });
});

test('work that fails frees its claim and keeps its own error', async (t) => {
  const { workflows, context } = await open(t);

  await assert.rejects(
    workUnderClaim(context, CLAIM, async () => {
      throw new Error('failed');
    }),
    { message: 'failed' },
  );

  assert.equal(await workflows.readClaim(CLAIM.key), undefined);
});

test('case 58: work that is done is not done again, unless it is asked for ten minutes after its lease; then once for each such time', async (t) => {
  const { context } = await open(t);
  const begun = context.clock.now();
  let count = 0;
  const ask = (askedAt: number): Promise<void> =>
    workUnderClaim(context, { ...CLAIM, askedAt }, async () => {
      count += 1;
    });
  const unheard = begun + 60_000 + 600_000;

  await ask(begun);
  await assert.rejects(ask(begun), { code: 'state_conflict' });
  await assert.rejects(ask(unheard - 1), { code: 'state_conflict' });
  assert.equal(count, 1);
  await context.clock.advance(unheard - begun);
  await ask(unheard);
  await assert.rejects(ask(unheard), { code: 'state_conflict' });
  await context.clock.advance(660_000);
  await ask(unheard + 660_000);

  assert.equal(count, 3);
});
