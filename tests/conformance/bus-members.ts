import assert from 'node:assert/strict';
import { it } from 'node:test';
import type { PartitionBatch } from '../../shared/bus/bus.ts';
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

/** Several members of one group: who holds what, and what happens when that changes. */
export function describeMembers(createFixture: CreateBusFixture): void {
  const log = useBus(createFixture);

  it('shares the partitions evenly, each with one member', async () => {
    const [topic, group] = [await log.freshTopic({ partitions: 12 }), log.freshGroup()];

    const members = await Promise.all([0, 1, 2].map(() => log.record({ group, topics: [topic] })));
    const assignments = await soon(() => {
      const held = members.map(({ subscription }) => subscription.assignment());
      return held.every(({ length }) => length === 4) && held;
    });
    await Promise.all(members.map(({ subscription }) => subscription.stop()));

    assert.equal(new Set(assignments.flat().map(placeOf)).size, 12);
  });

  it('gives the partitions of a member that leaves to the others, and loses nothing', async () => {
    const [topic, group] = [await log.freshTopic({ partitions: 6 }), log.freshGroup()];
    const keys = keysByPartition(partitionOf, 6);
    const members = await Promise.all([0, 1].map(() => log.record({ group, topics: [topic] })));
    await log.bus.publish(records(topic, keys, 60));
    await soon(async () => (await lagOf(log.bus, group, topic)) === 0);

    await members[0]?.subscription.stop();
    await log.bus.publish(records(topic, keys, 60, 60));
    await soon(async () => (await lagOf(log.bus, group, topic)) === 0);
    const held = members[1]?.subscription.assignment().length;
    await members[1]?.subscription.stop();

    assert.equal(held, 6);
    assert.equal(new Set(members.flatMap(({ records: got }) => idsOf(got))).size, 120);
  });

  it('case 52: a partition that moves in the middle of a batch is aborted there, its commit refused, its records come again at the new member', async () => {
    const [topic, group] = [await log.freshTopic({ partitions: 4 }), log.freshGroup()];
    await log.bus.publish(records(topic, keysByPartition(partitionOf, 4), 8));
    let release = false;
    const refused: { place: string; code: unknown; stale: boolean }[] = [];
    const hold = async (batch: PartitionBatch): Promise<void> => {
      await holdUntil(batch, () => release);
      if (!batch.signal.aborted) return commitAll(batch);
      const code = await commitAll(batch).catch((error: unknown) => (error as { code?: unknown }).code);
      refused.push({ place: placeOf(batch), code, stale: batch.isStale() });
    };

    const first = await log.record({ group, topics: [topic], onBatch: hold });
    await soon(() => first.batches.length === 4);
    const second = await log.record({ group, topics: [topic] });
    await soon(() => refused.length > 0);
    const committedMeanwhile = await log.bus.admin.lag(group, [topic]);
    release = true;
    await soon(async () => (await lagOf(log.bus, group, topic)) === 0);
    const moved = second.subscription.assignment().map(placeOf);
    await Promise.all([first.subscription.stop(), second.subscription.stop()]);

    assert.ok(refused.every(({ code, stale }) => code === 'state_conflict' && stale));
    assert.ok(moved.some((place) => refused.some((lost) => lost.place === place)));
    assert.ok(
      committedMeanwhile.every(
        ({ topic: name, partition, committed }) => (committed ?? 0) === 0 || moved.includes(placeOf({ topic: name, partition })),
      ),
    );
    for (const { place } of refused) {
      const again = [...first.batches, ...second.batches].filter((batch) => placeOf(batch) === place);
      assert.ok(again.length >= 2 && again.every((batch) => batch.records[0]?.offset === 0), place);
    }
  });

  it('never hands one partition to two members at once, however long the old one takes to let go', async () => {
    const [topic, group] = [await log.freshTopic({ partitions: 2 }), log.freshGroup()];
    await log.bus.publish(records(topic, keysByPartition(partitionOf, 2), 2));
    const inHands = new Set<string>();
    let [overlaps, letGo, aborted] = [0, false, 0];
    const onBatch = async (batch: PartitionBatch): Promise<void> => {
      if (inHands.has(placeOf(batch))) overlaps += 1;
      inHands.add(placeOf(batch));
      await soon(async () => {
        await batch.heartbeat().catch(() => undefined);
        return letGo;
      });
      if (batch.signal.aborted) aborted += 1;
      else await commitAll(batch);
      inHands.delete(placeOf(batch));
    };

    const first = await log.record({ group, topics: [topic], onBatch });
    await soon(() => first.batches.length === 2);
    const second = await log.record({ group, topics: [topic], onBatch });
    await soon(() => first.batches.some((batch) => batch.signal.aborted));
    // Time enough for the new owner to read what it must not be given yet.
    for (let looks = 0; looks < 5; looks++) await log.readAll(topic);
    const early = second.batches.length;
    letGo = true;
    await soon(async () => (await lagOf(log.bus, group, topic)) === 0);
    await Promise.all([first.subscription.stop(), second.subscription.stop()]);

    assert.deepEqual([early, overlaps], [0, 0]);
    assert.ok(aborted > 0);
  });

  it('gives every member only the topics that it asked for', async () => {
    const [one, two, group] = [await log.freshTopic({ partitions: 3 }), await log.freshTopic({ partitions: 3 }), log.freshGroup()];

    const first = await log.record({ group, topics: [one] });
    const second = await log.record({ group, topics: [one, two] });
    await log.bus.publish([...records(one, ['a', 'b', 'c'], 9), ...records(two, ['a', 'b', 'c'], 9, 9)]);
    await soon(async () => (await lagOf(log.bus, group, one)) + (await lagOf(log.bus, group, two)) === 0);
    await Promise.all([first.subscription.stop(), second.subscription.stop()]);

    assert.ok(first.records.every(({ topic }) => topic === one));
    assert.equal(new Set(idsOf([...first.records, ...second.records])).size, 18);
  });

  it('keeps a member without partitions waiting until one is free', async () => {
    const [topic, group] = [await log.freshTopic({ partitions: 1 }), log.freshGroup()];
    const [first, second] = [await log.record({ group, topics: [topic] }), await log.record({ group, topics: [topic] })];
    await soon(() => first.subscription.assignment().length + second.subscription.assignment().length === 1);
    const [busy, idle] = first.subscription.assignment().length === 1 ? [first, second] : [second, first];

    await log.bus.publish([aRecord(topic, 'a', 'one')]);
    await soon(() => busy.records.length === 1);
    await busy.subscription.stop();
    await log.bus.publish([aRecord(topic, 'a', 'two')]);
    await soon(() => idle.records.some(({ headers }) => headers.id === 'two'));
    await idle.subscription.stop();

    assert.deepEqual(idle.subscription.assignment(), []);
    assert.equal(await lagOf(log.bus, group, topic), 0);
  });
}
