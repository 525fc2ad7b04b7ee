import assert from 'node:assert/strict';
import { it } from 'node:test';
import type { PartitionBatch } from '../../shared/bus/bus.ts';
import { aRecord, type CreateBusFixture, idsOf, lagOf, records, soon, useBus } from './bus-fixture.ts';

const HOUR_MS = 3_600_000;

/** Topics, groups, lag, resets and retention. */
export function describeAdmin(createFixture: CreateBusFixture): void {
  const log = useBus(createFixture);

  it('creates a topic once, however often it is asked', async () => {
    const topic = await log.freshTopic({ partitions: 3, retentionMs: HOUR_MS });

    await log.bus.admin.ensureTopics([{ name: topic, partitions: 3, retentionMs: HOUR_MS }]);
    await log.reopen();

    const state = await log.bus.admin.topic(topic);
    assert.deepEqual(state, {
      name: topic,
      partitions: 3,
      retentionMs: HOUR_MS,
      offsets: [0, 1, 2].map((partition) => ({ partition, begin: 0, end: 0 })),
    });
    assert.deepEqual(
      (await log.bus.admin.topics()).filter(({ name }) => name === topic),
      [state],
    );
  });

  it('refuses another partition count with invalid_setting, and changes nothing', async () => {
    const topic = await log.freshTopic({ partitions: 3, retentionMs: HOUR_MS });
    const beside = { name: `${topic}.beside`, partitions: 1, retentionMs: HOUR_MS };

    await assert.rejects(log.bus.admin.ensureTopics([beside, { name: topic, partitions: 4, retentionMs: 1 }]), { code: 'invalid_setting' });

    assert.equal((await log.bus.admin.topic(topic)).partitions, 3);
    await assert.rejects(log.bus.admin.topic(beside.name), { code: 'not_found' });
  });

  it('refuses a topic that cannot be', async () => {
    const fine = { name: 'test.never', partitions: 1, retentionMs: HOUR_MS };
    for (const wrong of [{ name: 'no/such name' }, { name: '' }, { partitions: 0 }, { partitions: 1.5 }, { retentionMs: 0 }]) {
      await assert.rejects(log.bus.admin.ensureTopics([{ ...fine, ...wrong }]), { code: 'invalid_setting' }, JSON.stringify(wrong));
    }
  });

  it('tells the lag of a group that never committed from the begin of the log, and of one that did from its offset', async () => {
    const [topic, group] = [await log.freshTopic({ partitions: 1 }), log.freshGroup()];
    await log.bus.publish(records(topic, ['a'], 10));
    const before = await log.bus.admin.lag(group, [topic]);

    const { subscription } = await log.record({ group, topics: [topic], onBatch: (batch) => batch.commit(7) });
    await soon(async () => (await lagOf(log.bus, group, topic)) === 3);
    await subscription.stop();

    assert.deepEqual(before, [{ topic, partition: 0, committed: null, end: 10, lag: 10 }]);
    assert.deepEqual(await log.bus.admin.lag(group), [{ topic, partition: 0, committed: 7, end: 10, lag: 3 }]);
    await assert.rejects(log.bus.admin.lag(group, [`${topic}.nowhere`]), { code: 'not_found' });
  });

  it('lists groups that have committed', async () => {
    const [topic, group] = [await log.freshTopic(), log.freshGroup()];
    await log.bus.publish([aRecord(topic, 'a')]);
    const { subscription, records: got } = await log.record({ group, topics: [topic] });
    await soon(() => got.length === 1);
    const whileRunning = await log.bus.admin.groups();
    await subscription.stop();
    await log.reopen();

    assert.ok(whileRunning.includes(group));
    assert.ok((await log.bus.admin.groups()).includes(group));
  });

  it('moves a group to the earliest, the latest or a chosen offset, which survives', async () => {
    const [topic, group] = [await log.freshTopic({ partitions: 2 }), log.freshGroup()];
    const { admin } = log.bus;
    await log.bus.publish(records(topic, ['a', 'b', 'c', 'd'], 40));
    const { offsets } = await admin.topic(topic);
    const [end = 0] = offsets.map((bounds) => bounds.end);
    const committed = async () => (await log.bus.admin.lag(group, [topic])).map((lag) => lag.committed);

    await admin.resetOffsets(group, topic, 'latest');
    const latest = await committed();
    await admin.resetOffsets(group, topic, 'earliest');
    const earliest = await committed();
    await admin.resetOffsets(group, topic, [{ partition: 0, offset: 3 }]);
    const chosen = await committed();
    await admin.resetOffsets(group, topic, [{ partition: 0, offset: end + 1_000 }]);
    await log.reopen();

    assert.deepEqual(
      latest,
      offsets.map((bounds) => bounds.end),
    );
    assert.deepEqual(
      [earliest, chosen, await committed()],
      [
        [0, 0],
        [3, 0],
        [end, 0],
      ],
    );
    await assert.rejects(log.bus.admin.resetOffsets(group, `${topic}.nowhere`, 'latest'), { code: 'not_found' });
    await assert.rejects(log.bus.admin.resetOffsets(group, topic, [{ partition: 9, offset: 0 }]), { code: 'invalid_request' });
  });

  it('replays a topic in the same order after a reset to the earliest', async () => {
    const [topic, group] = [await log.freshTopic({ partitions: 3 }), log.freshGroup()];
    await log.bus.publish(records(topic, ['a', 'b', 'c', 'd', 'e'], 50));
    const perPartition = (batches: readonly PartitionBatch[]) =>
      [0, 1, 2].map((partition) => idsOf(batches.filter((batch) => batch.partition === partition).flatMap((batch) => batch.records)));
    const first = await log.record({ group, topics: [topic] });
    await soon(() => first.records.length === 50);
    await first.subscription.stop();

    await log.bus.admin.resetOffsets(group, topic, 'earliest');
    const second = await log.record({ group, topics: [topic] });
    await soon(() => second.records.length === 50);
    await second.subscription.stop();

    assert.deepEqual(perPartition(second.batches), perPartition(first.batches));
  });

  it('moves and forgets no group that has a member', async () => {
    const [topic, group] = [await log.freshTopic(), log.freshGroup()];
    const { subscription, records: got } = await log.record({ group, topics: [topic] });
    await log.bus.publish([aRecord(topic, 'a')]);
    await soon(() => got.length === 1);

    await assert.rejects(log.bus.admin.resetOffsets(group, topic, 'earliest'), { code: 'state_conflict' });
    await assert.rejects(log.bus.admin.deleteGroup(group), { code: 'state_conflict' });
    await subscription.stop();

    assert.equal(await lagOf(log.bus, group, topic), 0);
  });

  it('case 59: a group whose offsets are gone starts at the earliest record', async () => {
    const [topic, group] = [await log.freshTopic(), log.freshGroup()];
    await log.bus.publish(records(topic, ['a', 'b', 'c'], 12));
    const first = await log.record({ group, topics: [topic] });
    await soon(() => first.records.length === 12);
    await first.subscription.stop();

    await log.bus.admin.deleteGroup(group);
    const forgotten = await log.bus.admin.groups();
    const second = await log.record({ group, topics: [topic] });
    await soon(() => second.records.length === 12);
    await second.subscription.stop();

    assert.ok(!forgotten.includes(group));
    assert.deepEqual(new Set(idsOf(second.records)), new Set(idsOf(first.records)));
  });

  it('deletes the oldest records by the retention of their topic, and no others', async () => {
    const topic = await log.freshTopic({ partitions: 1, retentionMs: HOUR_MS });
    const kept = await log.freshTopic({ partitions: 1, retentionMs: 30 * 24 * HOUR_MS });
    await log.bus.publish([...records(topic, ['a'], 5), ...records(kept, ['a'], 5)]);
    const written = Date.now();
    await soon(() => Date.now() > written);
    await log.bus.publish(records(topic, ['a'], 3, 5));
    const newest = (await log.readAll(topic)).at(-1)?.timestamp ?? 0;

    const deleted = await log.bus.admin.applyRetention(newest + HOUR_MS);
    const again = await log.bus.admin.applyRetention(newest + HOUR_MS);
    const rest = await log.readAll(topic);
    await log.reopen();

    assert.deepEqual([deleted, again], [5, 0]);
    assert.deepEqual(idsOf(rest), ['5', '6', '7']);
    assert.deepEqual((await log.bus.admin.topic(topic)).offsets, [{ partition: 0, begin: 5, end: 8 }]);
    assert.equal((await log.readAll(kept)).length, 5);
    assert.deepEqual(idsOf(await log.readAll(topic)), ['5', '6', '7']);
  });

  it('goes on numbering where it was when retention has emptied a topic', async () => {
    const topic = await log.freshTopic({ partitions: 1, retentionMs: HOUR_MS });
    await log.bus.publish(records(topic, ['a'], 5));

    await log.bus.admin.applyRetention(Date.now() + 2 * HOUR_MS);
    await log.reopen();
    const [position] = await log.bus.publish([aRecord(topic, 'a', 'next')]);

    assert.equal(position?.offset, 5);
    assert.deepEqual(idsOf(await log.readAll(topic)), ['next']);
  });

  it('case 58: a group that slept longer than the retention goes on at the begin, and is left no lag', async () => {
    const [topic, group] = [await log.freshTopic({ partitions: 1, retentionMs: HOUR_MS }), log.freshGroup()];
    await log.bus.publish(records(topic, ['a'], 10));
    const first = await log.record({ group, topics: [topic], onBatch: (batch) => batch.commit(2) });
    await soon(async () => (await lagOf(log.bus, group, topic)) === 8);
    await first.subscription.stop();

    await log.bus.admin.applyRetention(Date.now() + 2 * HOUR_MS);
    const asleep = await lagOf(log.bus, group, topic);
    const second = await log.record({ group, topics: [topic] });
    await soon(async () => (await log.bus.admin.lag(group)).every(({ committed }) => committed === 10));
    await log.bus.publish([aRecord(topic, 'a', 'next')]);
    await soon(() => second.records.length === 1);
    await second.subscription.stop();

    assert.equal(asleep, 0);
    assert.deepEqual(idsOf(second.records), ['next']);
    assert.equal(await lagOf(log.bus, group, topic), 0);
  });
}
