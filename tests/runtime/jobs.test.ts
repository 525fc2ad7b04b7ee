import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { AppError } from '../../shared/domain/errors.ts';
import { aProbe, aRecord, type Backing, createHarness, type Harness, openBacking, probeHeaders } from './consumer-harness.ts';
import { endings, heldJob, keyOf, LEASE_MS, startProbeJobs } from './job-harness.ts';
import { overriding } from './overriding.ts';

let backing: Backing;
before(async () => {
  backing = await openBacking();
});
after(() => backing.close());

const claimOf = (h: Harness, id: string) => backing.store.workflows.readClaim(keyOf(h, id));

describe('a job', () => {
  test('is claimed and committed before it works, and its claim is done when it resolved', async () => {
    const h = await createHarness(backing);
    const job = heldJob();
    await h.publish([aProbe('j')]);

    const consumer = await startProbeJobs(h, job.runJob);
    const context = await job.begun;
    const whileWorking = { committed: await h.committed(), claim: await claimOf(h, 'j'), holds: await context.holdsClaim() };
    job.finish();
    await h.until(() => endings(h).length > 0, 'the end');
    await consumer.stop();

    assert.equal(whileWorking.committed, 1);
    assert.deepEqual([whileWorking.claim?.token, whileWorking.claim?.done, whileWorking.holds], [context.claim.token, false, true]);
    assert.equal((await claimOf(h, 'j'))?.done, true);
    assert.deepEqual(endings(h), ['done']);
  });

  test('runs after the one before it, never beside it', async () => {
    const h = await createHarness(backing, { partitions: 3 });
    let [running, most, total] = [0, 0, 0];
    await h.publish(['a', 'b', 'c', 'd', 'e'].map((id) => aProbe(id)));

    const consumer = await startProbeJobs(h, async () => {
      running += 1;
      most = Math.max(most, running);
      await new Promise((resolve) => setImmediate(resolve));
      running -= 1;
      total += 1;
    });
    await h.until(() => total === 5, 'five jobs');
    await consumer.stop();

    assert.equal(most, 1);
  });

  test('keeps its lease while it works, however long', async () => {
    const h = await createHarness(backing);
    const job = heldJob();
    await h.publish([aProbe('j')]);
    const consumer = await startProbeJobs(h, job.runJob);
    const context = await job.begun;

    for (let minute = 0; minute < 10; minute++) {
      await h.context.clock.advance(60_000);
      assert.equal(await context.holdsClaim(), true, `minute ${minute}`);
    }
    assert.equal(context.signal.aborted, false);
    job.finish();
    await h.until(() => endings(h).length > 0, 'the end');
    await consumer.stop();
  });

  test('that is claimed elsewhere is committed and left alone', async () => {
    const h = await createHarness(backing);
    await backing.store.workflows.acquireClaim(keyOf(h, 'j'), 'another', h.context.clock.now(), LEASE_MS);
    await h.publish([aProbe('j')]);

    const consumer = await startProbeJobs(h, () => assert.fail('it ran'));
    await h.until(() => endings(h).length > 0, 'the end');
    await consumer.stop();

    assert.deepEqual([endings(h), await h.committed(), (await claimOf(h, 'j'))?.token], [['skipped'], 1, 'another']);
  });

  test('that is done is not done again, even long after its lease', async () => {
    const h = await createHarness(backing);
    let runs = 0;
    await h.publish([aProbe('j')]);
    const consumer = await startProbeJobs(h, async () => void runs++);
    await h.until(() => endings(h).length === 1, 'the first end');
    await h.context.clock.advance(10 * LEASE_MS);

    await h.publish([aProbe('j')]);
    await h.until(() => endings(h).length === 2, 'the second end');
    await consumer.stop();

    assert.deepEqual([runs, endings(h)], [1, ['done', 'skipped']]);
  });

  test('whose claim went to another is aborted, writes nothing more and says so', async () => {
    const h = await createHarness(backing);
    const job = heldJob();
    await h.publish([aProbe('j')]);
    const consumer = await startProbeJobs(h, job.runJob);
    const context = await job.begun;
    const { workflows } = backing.store;

    await workflows.releaseClaim(keyOf(h, 'j'), context.claim.token, false);
    await workflows.acquireClaim(keyOf(h, 'j'), 'another', h.context.clock.now(), LEASE_MS);
    const holdsNow = await context.holdsClaim();
    await h.until(() => endings(h).length > 0, 'the end');
    await consumer.stop();

    assert.equal(holdsNow, false);
    assert.equal((context.signal.reason as AppError).code, 'state_conflict');
    assert.deepEqual([endings(h), (await claimOf(h, 'j'))?.token, await h.letters()], [['lost'], 'another', []]);
  });

  test('outlives a store that is away for less than its lease, and is aborted by its own clock when the lease is over', async () => {
    let away = false;
    const h = await createHarness(backing, {
      ports: {
        workflows: overriding(backing.store.workflows, {
          renewClaim: (...args) =>
            away ? Promise.reject(new AppError('store_unavailable', 'away')) : backing.store.workflows.renewClaim(...args),
        }),
      },
    });
    const job = heldJob();
    await h.publish([aProbe('j')]);
    const consumer = await startProbeJobs(h, job.runJob);
    const context = await job.begun;

    away = true;
    await h.context.clock.advance(LEASE_MS - 15_000);
    const whileShort = context.signal.aborted;
    await h.context.clock.advance(30_000);
    const whenOver = context.signal.aborted;
    await h.until(() => endings(h).length > 0, 'the end');
    await consumer.stop();

    assert.deepEqual([whileShort, whenOver, endings(h)], [false, true, ['lost']]);
  });

  test('that fails with an error of the platform is tried again under the same claim', async () => {
    const h = await createHarness(backing);
    const tokens: string[] = [];
    await h.publish([aProbe('j')]);

    const consumer = await startProbeJobs(h, async (_received, { claim }) => {
      tokens.push(claim.token);
      if (tokens.length < 15) throw new AppError('store_unavailable', 'away');
    });
    await h.until(() => endings(h).length > 0, 'the end');
    await consumer.stop();

    assert.deepEqual([tokens.length, new Set(tokens).size, endings(h)], [15, 1, ['done']]);
  });

  for (const [what, error, tries] of [
    ['with a permanent error', new AppError('contract_mismatch', 'odd'), 1],
    ['ten times with an error that nobody classified', new TypeError('boom'), 10],
  ] as const) {
    test(`that fails ${what} is dead-lettered, and its claim is free for a replay`, async () => {
      const h = await createHarness(backing);
      let [runs, broken] = [0, true];
      await h.publish([aProbe('j')]);
      const consumer = await startProbeJobs(h, async () => {
        runs += 1;
        if (broken) throw error;
      });
      await h.until(() => endings(h).length > 0, 'the end');
      const [letter] = await h.letters();
      assert.ok(letter !== undefined);
      assert.deepEqual([runs, endings(h)], [tries, ['failed']]);

      broken = false;
      await consumer.replay(letter.record);
      await h.until(() => endings(h).length > 1, 'the end of the replay');
      await consumer.stop();

      assert.deepEqual([runs, endings(h), (await claimOf(h, 'j'))?.done], [tries + 1, ['failed', 'done'], true]);
    });
  }

  test('is not replayed beside another one', async () => {
    const h = await createHarness(backing);
    const job = heldJob();
    await h.publish([aProbe('j')]);
    const consumer = await startProbeJobs(h, job.runJob);
    await job.begun;

    const record = { ...aRecord('{}', probeHeaders('other')), topic: h.topic, partition: 0, offset: 9, timestamp: 0 };
    await assert.rejects(consumer.replay(record), { code: 'state_conflict' });

    job.finish();
    await h.until(() => endings(h).length > 0, 'the end');
    await consumer.stop();
  });

  test('does its work once where only its end could not be written down at first', async () => {
    let failures = 0;
    const h = await createHarness(backing, {
      ports: {
        workflows: overriding(backing.store.workflows, {
          releaseClaim: (...args) => {
            failures += 1;
            return failures < 4 ? Promise.reject(new AppError('store_unavailable', 'away')) : backing.store.workflows.releaseClaim(...args);
          },
        }),
      },
    });
    let runs = 0;
    await h.publish([aProbe('j')]);

    const consumer = await startProbeJobs(h, async () => void runs++);
    await h.until(() => endings(h).length > 0, 'the end');
    await consumer.stop();

    assert.deepEqual([runs, endings(h), (await claimOf(h, 'j'))?.done], [1, ['done'], true]);
  });

  test('that is poison goes to the dead letters; the next one runs', async () => {
    const h = await createHarness(backing);
    const ran: string[] = [];
    await h.publish([aRecord('{"torn', probeHeaders('p')), aProbe('other', { type: 'io.streamforge.candles.v1' }), aProbe('j')]);

    const consumer = await startProbeJobs(h, async ({ event }) => void ran.push(event.id));
    await h.until(() => endings(h).length > 0, 'the end');
    await consumer.stop();

    assert.deepEqual([ran, (await h.letters()).map(({ code }) => code), await h.committed()], [['j'], ['unparsable_event'], 3]);
  });
});
