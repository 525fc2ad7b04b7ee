import assert from 'node:assert/strict';
import { it } from 'node:test';
import { partitionOf } from '../../shared/bus/partitioner.ts';
import {
  aRecord,
  type CreateBusFixture,
  commitAll,
  holdUntil,
  idsOf,
  keysByPartition,
  lagOf,
  placeOf,
  records,
  soon,
  useBus,
} from './bus-fixture.ts';

/** One member of a group: what it is handed, how it pauses, and its end. */
export function describeDelivery(createFixture: CreateBusFixture): void {
  const log = useBus(createFixture);

  it('case 60: a new group starts at the earliest record, and sees what comes later', async () => {
    const [topic, group] = [await log.freshTopic(), log.freshGroup()];
    await log.bus.publish(records(topic, ['a', 'b', 'c'], 30));

    const { subscription, records: got } = await log.record({ group, topics: [topic] });
    await soon(() => got.length === 30);
    await log.bus.publish([aRecord(topic, 'a', 'later')]);
    await soon(() => got.length === 31);
    await subscription.stop();

    assert.equal(new Set(idsOf(got)).size, 31);
    assert.equal(await lagOf(log.bus, group, topic), 0);
  });

  it('keeps batches within records and bytes, but always hands over one record', async () => {
    const [topic, group] = [await log.freshTopic({ partitions: 1 }), log.freshGroup()];
    const sizes = [100, 100, 100, 100, 60_000, 100, 30_000, 30_000];
    await log.bus.publish(sizes.map((size, index) => ({ ...aRecord(topic, 'a', index), value: new Uint8Array(size) })));

    const { subscription, batches } = await log.record({ group, topics: [topic], maxBatchRecords: 3, maxBatchBytes: 50_000 });
    await soon(async () => (await lagOf(log.bus, group, topic)) === 0);
    await subscription.stop();

    for (const { records: list } of batches) {
      const bytes = list.reduce((sum, { value }) => sum + (value?.byteLength ?? 0), 0);
      assert.ok(list.length >= 1 && list.length <= 3 && (bytes <= 50_000 || list.length === 1), `${list.length} records, ${bytes} bytes`);
    }
    assert.deepEqual(
      batches.flatMap(({ records: list }) => idsOf(list)),
      sizes.map((_, index) => String(index)),
    );
  });

  it('works on partitions side by side, and on at most `concurrency` of them', async () => {
    for (const concurrency of [undefined, 2]) {
      const [topic, group] = [await log.freshTopic({ partitions: 4 }), log.freshGroup()];
      await log.bus.publish(keysByPartition(partitionOf, 4).map((key) => aRecord(topic, key)));
      const expected = concurrency ?? 4;
      let [now, most] = [0, 0];

      const { subscription, records: got } = await log.record({
        group,
        topics: [topic],
        ...(concurrency === undefined ? {} : { concurrency }),
        onBatch: async (batch) => {
          now += 1;
          most = Math.max(most, now);
          await holdUntil(batch, () => most >= expected);
          await commitAll(batch);
          now -= 1;
        },
      });
      await soon(async () => (await lagOf(log.bus, group, topic)) === 0);
      await subscription.stop();

      assert.equal(most, expected);
      assert.equal(got.length, 4);
    }
  });

  it('gives every group every record', async () => {
    const topic = await log.freshTopic();
    await log.bus.publish(records(topic, ['a', 'b', 'c', 'd'], 20));

    const readers = await Promise.all([0, 1, 2].map(() => log.record({ group: log.freshGroup(), topics: [topic] })));
    await soon(() => readers.every(({ records: got }) => got.length === 20));
    await Promise.all(readers.map(({ subscription }) => subscription.stop()));

    assert.ok(readers.every(({ records: got }) => new Set(idsOf(got)).size === 20));
  });

  it('reads several topics in one group', async () => {
    const topics = [await log.freshTopic({ partitions: 2 }), await log.freshTopic({ partitions: 3 })];
    for (const topic of topics) await log.bus.publish(records(topic, ['a', 'b', 'c'], 10));

    const { subscription, records: got } = await log.record({ group: log.freshGroup(), topics });
    await soon(() => got.length === 20);
    const held = subscription.assignment();
    await subscription.stop();

    assert.deepEqual(
      held.map(placeOf),
      [...topics.entries()]
        .flatMap(([index, topic]) => Array.from({ length: index + 2 }, (_, partition) => `${topic}/${partition}`))
        .sort(),
    );
  });

  it('delivers nothing of a paused partition until it is resumed, and stays its owner', async () => {
    const [topic, group] = [await log.freshTopic({ partitions: 2 }), log.freshGroup()];
    const [paused = '', other = ''] = keysByPartition(partitionOf, 2);
    const { subscription, records: got } = await log.record({ group, topics: [topic] });
    await soon(() => subscription.assignment().length === 2);

    subscription.pause([{ topic, partition: 0 }]);
    await log.bus.publish([aRecord(topic, paused, 'paused'), aRecord(topic, other, 'other')]);
    await soon(() => got.length === 1);
    await log.bus.publish([aRecord(topic, other, 'another')]);
    await soon(() => got.length === 2);
    const whilePaused = idsOf(got);
    subscription.resume([{ topic, partition: 0 }]);
    await soon(() => got.length === 3);
    const held = subscription.assignment().length;
    await subscription.stop();

    assert.deepEqual(whilePaused, ['other', 'another']);
    assert.equal(held, 2);
  });

  it('stops behind the batch in flight, whose commit still counts', async () => {
    const [topic, group] = [await log.freshTopic({ partitions: 1 }), log.freshGroup()];
    await log.bus.publish(records(topic, ['a'], 4));
    let release = false;
    const { subscription, batches } = await log.record({
      group,
      topics: [topic],
      maxBatchRecords: 2,
      onBatch: async (batch) => {
        await holdUntil(batch, () => release);
        await commitAll(batch);
      },
    });
    await soon(() => batches.length === 1);

    const stopping = subscription.stop();
    release = true;
    await stopping;
    await subscription.ended;

    assert.equal(batches.length, 1);
    assert.equal(batches[0]?.signal.aborted, false);
    assert.equal(await lagOf(log.bus, group, topic), 2);
  });

  it('refuses a subscription to an unknown topic with not_found', async () => {
    const topic = await log.freshTopic();

    const subscribing = log.bus.subscribe({ group: log.freshGroup(), topics: [topic, `${topic}.nowhere`], onBatch: commitAll });

    await assert.rejects(subscribing, { code: 'not_found' });
  });
}
