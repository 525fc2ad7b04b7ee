import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { aProbe, type Backing, createHarness, type Harness, openBacking } from './consumer-harness.ts';
import { endings, heldJob, keyOf, startProbeJobs } from './job-harness.ts';

let backing: Backing;
before(async () => {
  backing = await openBacking();
});
after(() => backing.close());

const claimOf = (h: Harness, id: string) => backing.store.workflows.readClaim(keyOf(h, id));

describe('stopping a job trigger', () => {
  test('waits for the job within the grace', async () => {
    const h = await createHarness(backing);
    const job = heldJob();
    await h.publish([aProbe('j')]);
    const consumer = await startProbeJobs(h, job.runJob);
    await job.begun;

    const stopped = consumer.stop({ graceMs: 60_000 });
    job.finish();
    await stopped;

    assert.deepEqual(endings(h), ['done']);
  });

  test('aborts the job when the grace is over, and ends its lease at once so that the tick finds it', async () => {
    const h = await createHarness(backing);
    const job = heldJob();
    await h.publish([aProbe('j')]);
    const consumer = await startProbeJobs(h, job.runJob);
    const context = await job.begun;

    const stopped = consumer.stop({ graceMs: 1_000 });
    await h.until(() => context.signal.aborted, 'the abort');
    await stopped;

    assert.deepEqual(endings(h), ['stopped']);
    const expired = await backing.store.workflows.expiredClaims(keyOf(h, 'j'), h.context.clock.now() + 1);
    assert.deepEqual(
      expired.map(({ key, done }) => [key, done]),
      [[keyOf(h, 'j'), false]],
    );
  });

  test('begins no other job', async () => {
    const h = await createHarness(backing);
    const job = heldJob();
    await h.publish([aProbe('j1'), aProbe('j2')]);
    const consumer = await startProbeJobs(h, job.runJob);
    await job.begun;

    const stopped = consumer.stop({ graceMs: 60_000 });
    job.finish();
    await stopped;

    assert.deepEqual([endings(h), await h.committed(), await claimOf(h, 'j2')], [['done'], 1, undefined]);
  });
});
