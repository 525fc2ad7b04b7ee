import assert from 'node:assert/strict';
import { it } from 'node:test';
import { type BusRecord, MAX_RECORD_BYTES, type PartitionBatch } from '../../shared/bus/bus.ts';
import { buildDeadLetter, type DeadLetter, readDeadLetters, replayDeadLetters } from '../../shared/bus/dead-letter.ts';
import { AppError } from '../../shared/domain/errors.ts';
import { aRecord, type CreateBusFixture, endOf, idOf, idsOf, lagOf, records, soon, useBus } from './bus-fixture.ts';

const poison = new AppError('unparsable_event', 'The value is not JSON.');

/** What could not be handled: kept with its cause and origin, read back, and handed to the handler that failed. */
export function describeDeadLetters(createFixture: CreateBusFixture): void {
  const log = useBus(createFixture);

  it('case 56: a poison record goes to the dead letters with its cause and origin, and the next one flows', async () => {
    const [topic, group] = [await log.freshTopicWithDeadLetters(), log.freshGroup()];
    await log.bus.publish([
      aRecord(topic, 'a', 0),
      { ...aRecord(topic, 'a', 1), value: Buffer.from([0xff, 0x00, 0x7b]) },
      aRecord(topic, 'a', 2),
    ]);
    const handled: string[] = [];

    const { subscription } = await log.record({ group, topics: [topic], onBatch: dropPoison(log, group, handled) });
    await soon(async () => (await lagOf(log.bus, group, topic)) === 0);
    await subscription.stop();

    const letters = await all(readDeadLetters(log.bus, topic));
    const origin = (await log.readAll(topic))[1];
    assert.deepEqual(handled, ['0', '2']);
    assert.equal(letters.length, 1);
    assert.deepEqual(comparable(letters[0]?.record), comparable(origin));
    assert.deepEqual(
      letters.map((letter) => [letter.code, letter.cause, letter.group, letter.row, letter.replayed]),
      [['unparsable_event', 'The value is not JSON.', group, undefined, false]],
    );
    assert.equal(letters[0]?.position.partition, origin?.partition);
  });

  it('case 57: a record whose dead letter could not be written is not committed past, and comes again', async () => {
    const [topic, group] = [await log.freshTopic({ partitions: 1 }), log.freshGroup()];
    await log.bus.publish([aRecord(topic, 'a', 0), { ...aRecord(topic, 'a', 1), value: null }, aRecord(topic, 'a', 2)]);
    const handled: string[] = [];
    const { subscription, batches } = await log.record({ group, topics: [topic], onBatch: dropPoison(log, group, handled) });

    await soon(() => batches.length >= 3);
    const whileAway = await lagOf(log.bus, group, topic);
    await log.bus.admin.ensureTopics([{ name: `${topic}.dlq`, partitions: 1, retentionMs: 3_600_000 }]);
    await soon(async () => (await lagOf(log.bus, group, topic)) === 0);
    await subscription.stop();

    assert.equal(whileAway, 2);
    assert.deepEqual(handled, ['0', '2']);
    assert.equal((await all(readDeadLetters(log.bus, topic))).length, 1);
  });

  it('replays letters to the handler that failed, never to the topic, and none of them twice', async () => {
    const topic = await log.freshTopicWithDeadLetters();
    const [mine, other] = [log.freshGroup(), log.freshGroup()];
    await deadLetter(log, topic, mine, 6);
    await deadLetter(log, topic, other, 2);
    const end = (await log.readAll(topic)).length;
    const given: string[] = [];
    const replay = (select?: (letter: DeadLetter) => boolean) =>
      replayDeadLetters({
        bus: log.bus,
        topic,
        group: mine,
        handle: async (record) => void given.push(idOf(record)),
        ...(select === undefined ? {} : { select }),
      });

    const some = await replay((letter) => Number(idOf(letter.record)) % 2 === 0);
    await log.reopen();
    const rest = await replay();
    const nothing = await replay();

    assert.deepEqual([some.replayed, rest.replayed, nothing.replayed], [3, 3, 0]);
    assert.deepEqual(given.slice(0, 3).sort(), ['0', '2', '4']);
    assert.deepEqual(given.slice(3).sort(), ['1', '3', '5']);
    assert.equal((await log.readAll(topic)).length, end);
    const left = await all(readDeadLetters(log.bus, topic));
    assert.deepEqual(
      left.map(({ group, replayed }) => [group === mine, replayed]).filter(([own, replayed]) => own !== replayed),
      [],
    );
    assert.equal(left.length, 8);
  });

  it('keeps a letter whose handler fails again for the next replay, and goes on with the others', async () => {
    const [topic, group] = [await log.freshTopicWithDeadLetters(1), log.freshGroup()];
    await deadLetter(log, topic, group, 3);
    let broken = true;
    const handle = async (record: BusRecord): Promise<void> => {
      if (broken && idOf(record) === '1') throw new AppError('store_unavailable', 'The store is away.');
    };

    const first = await replayDeadLetters({ bus: log.bus, topic, group, handle });
    broken = false;
    const second = await replayDeadLetters({ bus: log.bus, topic, group, handle });

    assert.equal(first.replayed, 2);
    assert.deepEqual(
      first.failed.map(({ letter, error }) => [idOf(letter.record), (error as AppError).code]),
      [['1', 'store_unavailable']],
    );
    assert.deepEqual([second.replayed, second.failed], [1, []]);
  });

  it('keeps one row of a record with its index, and replays that row alone', async () => {
    const [topic, group] = [await log.freshTopicWithDeadLetters(1), log.freshGroup()];
    await log.bus.publish(records(topic, ['a'], 1));
    const [origin] = await log.readAll(topic);
    assert.ok(origin !== undefined);
    const row = { index: 17, record: { headers: { id: 'row' }, value: Buffer.from('{"rows":[17]}') } };

    await log.bus.publish([buildDeadLetter(origin, { error: poison, group, row })]);
    const given: BusRecord[] = [];
    await replayDeadLetters({ bus: log.bus, topic, group, handle: async (record) => void given.push(record) });

    const [letter] = await all(readDeadLetters(log.bus, topic, { group }));
    assert.equal(letter?.row, 17);
    assert.deepEqual(idsOf(given), ['row']);
    assert.equal(Buffer.from(given[0]?.value ?? '').toString(), '{"rows":[17]}');
    assert.deepEqual([given[0]?.partition, given[0]?.offset], [origin.partition, origin.offset]);
  });

  it('keeps the letter of a record that fills the limit, and replays its value from the topic', async () => {
    const [topic, group] = [await log.freshTopicWithDeadLetters(1), log.freshGroup()];
    const value = new Uint8Array(MAX_RECORD_BYTES - 600).fill(7);
    await log.bus.publish([{ ...aRecord(topic, 'a', 'large'), value }]);
    const [origin] = await log.readAll(topic);
    assert.ok(origin !== undefined);

    await log.bus.publish([buildDeadLetter(origin, { error: new AppError('unparsable_event', 'x'.repeat(2_000)), group })]);
    const given: BusRecord[] = [];
    const result = await replayDeadLetters({ bus: log.bus, topic, group, handle: async (record) => void given.push(record) });

    assert.deepEqual([result.replayed, result.failed], [1, []]);
    assert.deepEqual(comparable(given[0]), comparable(origin));
  });

  it('refuses letters of a topic that does not exist with not_found', async () => {
    await assert.rejects(all(readDeadLetters(log.bus, 'test.nowhere')), { code: 'not_found' });
  });
}

type Log = ReturnType<typeof useBus>;

/** A consumer as the runtime has it: what is not JSON is dead-lettered, then everything up to it is committed. */
function dropPoison(log: Log, group: string, handled: string[]): (batch: PartitionBatch) => Promise<void> {
  return async (batch) => {
    for (const record of batch.records) {
      try {
        JSON.parse(Buffer.from(record.value ?? '').toString());
      } catch {
        await batch.commit(record.offset);
        await log.bus.publish([buildDeadLetter(record, { error: poison, group })]);
        continue;
      }
      handled.push(idOf(record));
    }
    await batch.commit(endOf(batch));
  };
}

/** Dead-letters `count` new records of the topic. */
async function deadLetter(log: Log, topic: string, group: string, count: number): Promise<void> {
  const positions = await log.bus.publish(records(topic, ['a', 'b', 'c'], count));
  const own = (await log.readAll(topic)).filter((record) =>
    positions.some(({ partition, offset }) => partition === record.partition && offset === record.offset),
  );
  await log.bus.publish(own.map((record) => buildDeadLetter(record, { error: poison, group })));
}

async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const list: T[] = [];
  for await (const item of items) list.push(item);
  return list;
}

function comparable(record: BusRecord | undefined): unknown {
  return record && { ...record, headers: { ...record.headers }, value: record.value && Buffer.from(record.value).toString('base64') };
}
