import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { it } from 'node:test';
import type { BusRecord, OutgoingRecord } from '../../shared/bus/bus.ts';
import { aRecord, type CreateBusFixture, idOf, idsOf, lagOf, soon, useBus } from './bus-fixture.ts';

const RECORDS = 48;
const RECORD_BYTES = 300_000;

/** A record whose value follows from its id. */
function large(topic: string, id: number): OutgoingRecord {
  const value = Buffer.alloc(RECORD_BYTES, createHash('sha256').update(String(id)).digest());
  return { ...aRecord(topic, `key-${id % 5}`, id), value };
}

/** Some 14 MB: more than a log holds in memory for those who read at its end. */
export function describeVolumes(createFixture: CreateBusFixture): void {
  const log = useBus(createFixture);

  it('gives the same records to readers at its end, far behind it, from the middle and from the beginning', async () => {
    const topic = await log.freshTopic({ partitions: 2 });
    const [quick, slow, late] = [log.freshGroup(), log.freshGroup(), log.freshGroup()];
    const atEnd = await log.record({ group: quick, topics: [topic] });
    const hold = Promise.withResolvers<void>();
    const behind = await log.record({
      group: slow,
      topics: [topic],
      onBatch: async (batch) => {
        await hold.promise;
        await batch.commit((batch.records.at(-1)?.offset ?? 0) + 1);
      },
    });

    const sent = Array.from({ length: RECORDS }, (_, id) => large(topic, id));
    for (let first = 0; first < RECORDS; first += 6) await log.bus.publish(sent.slice(first, first + 6));
    await soon(() => atEnd.records.length >= RECORDS);
    hold.resolve();
    const fromBegin = await log.record({ group: late, topics: [topic] });
    await soon(async () => (await lagOf(log.bus, slow, topic)) + (await lagOf(log.bus, late, topic)) === 0);
    await Promise.all([atEnd, behind, fromBegin].map(({ subscription }) => subscription.stop()));
    const all = await log.readAll(topic);
    const middle: BusRecord[] = [];
    for await (const batch of log.bus.read({ topic, from: { 0: 3, 1: 3 }, untilEnd: true })) middle.push(...batch);

    assert.deepEqual(new Set(idsOf(all)), new Set(sent.map(idOf)));
    for (const read of [all, atEnd.records, behind.records, fromBegin.records]) assertSame(read, all, 0);
    assertSame(middle, all, 3);
  });

  /** Every record of each partition from `from` on, once, in order, with its own bytes. */
  function assertSame(read: readonly BusRecord[], all: readonly BusRecord[], from: number): void {
    for (const partition of [0, 1]) {
      const placeOf = ({ offset, ...record }: BusRecord) => [offset, idOf(record)];
      const own = read.filter((record) => record.partition === partition);
      const expected = all.filter((record) => record.partition === partition && record.offset >= from);
      assert.deepEqual(own.map(placeOf), expected.map(placeOf));
    }
    for (const record of read) {
      const { value } = large(record.topic, Number(idOf(record)));
      assert.equal(Buffer.compare(record.value ?? Buffer.alloc(0), value ?? Buffer.alloc(0)), 0, `record ${idOf(record)} has other bytes`);
    }
  }
}
