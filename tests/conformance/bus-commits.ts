import assert from 'node:assert/strict';
import { it } from 'node:test';
import type { PartitionBatch } from '../../shared/bus/bus.ts';
import { type CreateBusFixture, commitAll, endOf, holdUntil, idsOf, lagOf, records, soon, useBus } from './bus-fixture.ts';

/** What is committed stays, what is not comes again. */
export function describeCommits(createFixture: CreateBusFixture): void {
  const log = useBus(createFixture);

  it('goes on behind the committed offset after the log was opened again; what was not committed comes again', async () => {
    const [topic, group] = [await log.freshTopic({ partitions: 1 }), log.freshGroup()];
    await log.bus.publish(records(topic, ['a'], 10));
    const first = await log.record({ group, topics: [topic], onBatch: async (batch) => batch.commit(Math.min(4, endOf(batch))) });
    await soon(() => first.batches.length >= 2);
    await first.subscription.stop();

    await log.reopen();
    const second = await log.record({ group, topics: [topic] });
    await soon(() => second.records.length === 6);
    await second.subscription.stop();

    assert.deepEqual(idsOf(second.records), ['4', '5', '6', '7', '8', '9']);
  });

  it('hands the same records over again when the handler rejects, in order, and then goes on', async () => {
    const [topic, group] = [await log.freshTopic({ partitions: 1 }), log.freshGroup()];
    await log.bus.publish(records(topic, ['a'], 5));
    let failures = 3;

    const { subscription, batches } = await log.record({
      group,
      topics: [topic],
      onBatch: async (batch) => {
        if (failures-- > 0) throw new Error('the store is away');
        await commitAll(batch);
      },
    });
    await soon(async () => (await lagOf(log.bus, group, topic)) === 0);
    await subscription.stop();

    assert.deepEqual(
      batches.slice(0, 4).map((batch) => batch.records[0]?.offset),
      [0, 0, 0, 0],
    );
    assert.equal(endOf(batches.at(-1) as PartitionBatch), 5);
  });

  it('hands over again what a handler did not commit, all of it where it committed nothing', async () => {
    const [topic, group] = [await log.freshTopic({ partitions: 1 }), log.freshGroup()];
    await log.bus.publish(records(topic, ['a'], 6));
    const plan = [2, 2, 0, 5];

    const { subscription, batches } = await log.record({
      group,
      topics: [topic],
      onBatch: async (batch) => {
        const next = plan.shift();
        if (next === undefined) await commitAll(batch);
        else if (next > 0) await batch.commit(next);
      },
    });
    await soon(async () => (await lagOf(log.bus, group, topic)) === 0);
    await subscription.stop();

    assert.deepEqual(
      batches.map((batch) => batch.records[0]?.offset),
      [0, 2, 2, 2, 5],
    );
  });

  it('never lowers a committed offset, in whatever order and however closely commits follow each other', async () => {
    const [topic, group] = [await log.freshTopic({ partitions: 1 }), log.freshGroup()];
    await log.bus.publish(records(topic, ['a'], 5));

    const { subscription } = await log.record({
      group,
      topics: [topic],
      onBatch: async (batch) => {
        const higher = batch.commit(endOf(batch));
        // The commit is on its way, and not yet acknowledged.
        for (let turn = 0; turn < 10; turn++) await null;
        await Promise.all([higher, batch.commit(2)]);
        await batch.commit(1);
      },
    });
    await soon(async () => (await lagOf(log.bus, group, topic)) === 0);
    await subscription.stop();
    const before = await log.bus.admin.lag(group);
    await log.reopen();

    const committed = [...before, ...(await log.bus.admin.lag(group))].map((lag) => lag.committed);
    assert.deepEqual(committed, [5, 5]);
  });

  it('takes the highest of several commits that were asked for at once', async () => {
    const [topic, group] = [await log.freshTopic({ partitions: 1 }), log.freshGroup()];
    await log.bus.publish(records(topic, ['a'], 5));

    const { subscription, batches } = await log.record({
      group,
      topics: [topic],
      onBatch: async (batch) => void (await Promise.all([3, endOf(batch), 1].map((offset) => batch.commit(offset)))),
    });
    await soon(async () => (await lagOf(log.bus, group, topic)) === 0);
    await subscription.stop();

    assert.equal(batches.length, 1);
    assert.deepEqual(
      (await log.bus.admin.lag(group)).map(({ committed }) => committed),
      [5],
    );
  });

  it('waits for a commit that its handler did not wait for', async () => {
    const [topic, group] = [await log.freshTopic({ partitions: 1 }), log.freshGroup()];
    await log.bus.publish(records(topic, ['a'], 20));
    const commits: Promise<void>[] = [];

    const { subscription, batches } = await log.record({
      group,
      topics: [topic],
      maxBatchRecords: 5,
      onBatch: async (batch) => void commits.push(commitAll(batch)),
    });
    await soon(async () => (await lagOf(log.bus, group, topic)) === 0);
    await subscription.stop();
    await Promise.all(commits);

    assert.deepEqual(
      batches.map((batch) => batch.records[0]?.offset),
      [0, 5, 10, 15],
    );
  });

  it('refuses to commit records that it did not hand over', async () => {
    const [topic, group] = [await log.freshTopic({ partitions: 1 }), log.freshGroup()];
    await log.bus.publish(records(topic, ['a'], 5));
    const refused: unknown[] = [];

    const { subscription } = await log.record({
      group,
      topics: [topic],
      maxBatchRecords: 2,
      onBatch: async (batch) => {
        refused.push(await batch.commit(endOf(batch) + 1).catch((error: unknown) => (error as { code?: unknown }).code));
        await commitAll(batch);
      },
    });
    await soon(async () => (await lagOf(log.bus, group, topic)) === 0);
    await subscription.stop();

    assert.deepEqual(new Set(refused), new Set(['invalid_request']));
  });

  it('aborts the batch in flight when the grace is over, and refuses its commit: the records come again', async () => {
    const [topic, group] = [await log.freshTopic({ partitions: 1 }), log.freshGroup()];
    await log.bus.publish(records(topic, ['a'], 2));
    let code: unknown;
    const first = await log.record({
      group,
      topics: [topic],
      onBatch: async (batch) => {
        await holdUntil(batch, () => false);
        code = await commitAll(batch).catch((error: unknown) => (error as { code?: unknown }).code);
      },
    });
    await soon(() => first.batches.length === 1);

    await first.subscription.stop({ graceMs: 50 });
    const second = await log.record({ group, topics: [topic] });
    await soon(() => second.records.length === 2);
    await second.subscription.stop();

    assert.equal(code, 'state_conflict');
    assert.equal(first.batches.length, 1);
  });
}
