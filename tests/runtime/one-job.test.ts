import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { AppError } from '../../shared/domain/errors.ts';
import type { Task } from '../../shared/runtime/one-job.ts';
import { aProbe, aRecord, type Backing, createHarness, type Harness, openBacking } from './consumer-harness.ts';
import { heldJob, keyOf, LEASE_MS, startProbeTask } from './job-harness.ts';

let backing: Backing;
before(async () => {
  backing = await openBacking();
});
after(() => backing.close());

/** How the task ended, with the test's clock moved on meanwhile. */
async function ending(h: Harness, task: Task): Promise<string> {
  let ended: string | undefined;
  void task.ended.then((how) => {
    ended = how;
  });
  await h.until(() => ended !== undefined, 'the end of the task');
  return ended as string;
}

describe('a process for one job', () => {
  test('takes one message, commits it, has left its group before it works, and ends with it', async () => {
    const h = await createHarness(backing);
    const job = heldJob();
    await h.publish([aProbe('one'), aProbe('two')]);

    const task = await startProbeTask(h, job.runJob);
    await job.begun;
    const whileWorking = { committed: await h.committed(), waits: task.waitsFor() };
    // A group that still had a member would refuse this.
    await backing.bus.admin.resetOffsets(h.group, h.topic, [{ partition: 0, offset: 1 }]);
    job.finish();

    assert.equal(await ending(h, task), 'done');
    assert.deepEqual(whileWorking, { committed: 1, waits: undefined });
    assert.equal((await backing.store.workflows.readClaim(keyOf(h, 'one')))?.done, true);
    assert.equal(await backing.store.workflows.readClaim(keyOf(h, 'two')), undefined, 'the second message is for another process');
  });

  test('is not ready before it has its message, and ends idle when none comes', async () => {
    const h = await createHarness(backing);

    const task = await startProbeTask(h, () => assert.fail('it ran'));
    const waits = task.waitsFor()?.code;

    assert.equal(await ending(h, task), 'idle');
    assert.equal(waits, 'bus_unavailable');
  });

  test('commits and leaves what is claimed elsewhere', async () => {
    const h = await createHarness(backing);
    await backing.store.workflows.acquireClaim(keyOf(h, 'j'), 'another', h.context.clock.now(), LEASE_MS);
    await h.publish([aProbe('j')]);

    const task = await startProbeTask(h, () => assert.fail('it ran'));

    assert.equal(await ending(h, task), 'skipped');
    assert.equal(await h.committed(), 1);
  });

  test('that met poison says so: its message is in the dead letters', async () => {
    const h = await createHarness(backing);
    await h.publish([aRecord('{')]);
    const other = await createHarness(backing);
    await other.publish([aProbe('bad')]);

    const unreadable = await startProbeTask(h, () => assert.fail('it ran'));
    const refused = await startProbeTask(other, () => Promise.reject(new AppError('invalid_request', 'no such graph')));

    assert.deepEqual([await ending(h, unreadable), await ending(other, refused)], ['failed', 'failed']);
    assert.deepEqual([(await h.letters()).length, (await other.letters()).length], [1, 1]);
  });

  test('that is stopped aborts its work after the grace and ends its lease', async () => {
    const h = await createHarness(backing);
    const job = heldJob();
    await h.publish([aProbe('j')]);
    const task = await startProbeTask(h, job.runJob);
    await job.begun;

    const stopped = task.stop({ graceMs: 1_000 });
    assert.equal(await ending(h, task), 'stopped');
    await stopped;

    const claim = await backing.store.workflows.readClaim(keyOf(h, 'j'));
    assert.deepEqual([claim?.done, (claim?.until ?? Number.POSITIVE_INFINITY) <= h.context.clock.now()], [false, true]);
  });

  test('that is stopped before a message came takes none any more', async () => {
    const h = await createHarness(backing);
    const task = await startProbeTask(h, () => assert.fail('it ran'));

    await task.stop({ graceMs: 0 });
    await h.publish([aProbe('late')]);

    assert.equal(await task.ended, 'idle');
    assert.equal(await h.lag(), 1);
  });
});
