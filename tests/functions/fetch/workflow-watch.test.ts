import assert from 'node:assert/strict';
import { test } from 'node:test';
import { watchWorkflow } from '../../../functions/fetch/workflow-watch.ts';
import type { WorkflowStore, WorkflowView } from '../../../shared/store/workflow-store.ts';
import { createTestContext } from '../../support/context.ts';

/** A store of views that counts how often it is read. */
function openViews(...views: readonly WorkflowView[]) {
  const stored = new Map(views.map((view) => [view.queue_id, view]));
  const reads: (readonly string[])[] = [];
  let isAway = false;
  const workflows = {
    async readViews(queueIds: readonly string[]) {
      reads.push(queueIds);
      if (isAway) throw new Error('the store is away');
      return queueIds.flatMap((id) => stored.get(id) ?? []);
    },
  } as unknown as WorkflowStore;
  return {
    context: createTestContext({ ports: { workflows } }),
    reads,
    set: (view: WorkflowView) => void stored.set(view.queue_id, view),
    setAway: (away: boolean) => {
      isAway = away;
    },
  };
}

const loading = (queue_id: string, attempt = 1): WorkflowView => ({ queue_id, attempt, status: 'loading' });

test('requests of many shards leave on one read of the store a second', async () => {
  const { context, reads } = openViews(loading('a'), loading('b'));
  const watches = ['a', 'a', 'b', 'a'].map((id) => watchWorkflow(context, id, 1));
  for (const watch of watches) await watch.check();
  const first = reads.length;

  for (let tenth = 0; tenth < 20; tenth += 1) {
    await context.clock.advance(100);
    for (const watch of watches) await watch.check();
  }

  assert.equal(first, 2);
  assert.equal(reads.length - first, 6);
  assert.ok(reads.slice(first).every((ids) => ids.join() === 'a,b'));
  for (const watch of watches) watch.end();
});

test('no request leaves on a view older than a second: where polling fails the store is asked, and fails the request', async () => {
  const { context, setAway } = openViews(loading('a'));
  const watch = watchWorkflow(context, 'a', 1);
  await watch.check();
  setAway(true);

  await context.clock.advance(900);
  await watch.check();
  await context.clock.advance(100);

  await assert.rejects(watch.check(), { message: 'the store is away' });
  setAway(false);
  await watch.check();
  watch.end();
});

test('a stop aborts the work within a second, that of the next attempt goes on', async () => {
  const { context, set } = openViews(loading('a'));
  const watch = watchWorkflow(context, 'a', 1);
  await watch.check();
  set(loading('a', 2));
  const next = watchWorkflow(context, 'a', 2);

  await context.clock.advance(300);

  assert.equal(watch.signal.aborted, true);
  assert.equal(next.signal.aborted, false);
  await assert.rejects(watch.check(), { code: 'state_conflict' });
  await next.check();
  watch.end();
  next.end();
});

test('a view that lags behind the command is no refusal', async () => {
  const { context } = openViews({ queue_id: 'a', attempt: 1, status: 'interrupted' });
  const watch = watchWorkflow(context, 'a', 2);

  await watch.check();
  watch.end();
});

test('nobody reads the store once no shard is worked on', async () => {
  const { context, reads } = openViews(loading('a'));
  const watch = watchWorkflow(context, 'a', 1);
  await watch.check();
  watch.end();

  await context.clock.advance(5_000);

  assert.equal(reads.length, 1);
  assert.deepEqual(context.clock.sleepers(), []);
});
