import assert from 'node:assert/strict';
import { afterEach, describe, it } from 'node:test';
import { MAX_RECORD_BYTES, type OutgoingRecord } from '../../shared/bus/bus.ts';
import { GuardedProducer, UncoveredSend } from '../../shared/bus/kafka/guarded-producer.ts';
import { KafkaBus } from '../../shared/bus/kafka/kafka-bus.ts';
import { connectKafka } from '../../shared/bus/kafka/kafka-client.ts';
import type { KafkaTiming } from '../../shared/bus/kafka/options.ts';
import { partitionOf } from '../../shared/bus/partitioner.ts';
import { recordBytes } from '../../shared/bus/record-size.ts';
import { aRecord, idsOf, keysByPartition, records } from '../conformance/bus-fixture.ts';
import { findBroker } from '../support/kafka/shared-broker.ts';
import { QUICK } from '../support/kafka/timing.ts';
import { type WatchedProducers, watchProducers } from '../support/kafka/watched-producer.ts';

const found = await findBroker();
const missing = 'missing' in found ? found.missing : false;
const OUT_OF_ORDER = { fail: Object.assign(new Error('out of order'), { code: 45, retriable: false }) };
const AGAIN = { fail: new Error('not just now') };

describe('producer behind the Kafka adapter', { skip: missing }, () => {
  const close: (() => Promise<void>)[] = [];
  afterEach(async () => {
    for (const each of close.splice(0)) await each();
  });
  let count = 0;

  const open = async (
    partitions: number,
    timing: Partial<KafkaTiming> = {},
  ): Promise<{ bus: KafkaBus; topic: string; watched: WatchedProducers; readAll: () => Promise<string[]> }> => {
    if ('missing' in found) throw new Error(found.missing);
    const watched = watchProducers(await connectKafka({ bootstrapServers: found.address.plain, timing: { ...QUICK, ...timing } }));
    const bus = new KafkaBus(watched.client);
    close.push(() => bus.close());
    const topic = `test.producer.${process.pid}-${Date.now().toString(36)}-${count++}`;
    await bus.admin.ensureTopics([{ name: topic, partitions, retentionMs: 86_400_000 }]);
    const readAll = async (): Promise<string[]> => {
      const ids: string[] = [];
      for await (const batch of bus.read({ topic, from: 'earliest', untilEnd: true })) ids.push(...idsOf(batch));
      return ids;
    };
    return { bus, topic, watched, readAll };
  };

  it('sends one partition at a time in one send, never two of one partition at once, several partitions side by side', async () => {
    const { bus, topic, watched, readAll } = await open(4);
    const keys = keysByPartition(partitionOf, 4);

    await bus.publish(records(topic, keys, 100));
    assert.ok(
      watched.sends.some(({ ofAll }) => ofAll === 4),
      'the partitions of one call',
    );
    const calls: Promise<unknown>[] = [];
    for (const first of [100, 200, 300, 400]) {
      calls.push(bus.publish(records(topic, keys, 100, first)));
      // The next call comes while this one's batches are on their way.
      await new Promise(setImmediate);
    }
    await Promise.all(calls);

    for (const { record, ofPartition } of watched.sends) {
      assert.equal(new Set(record.messages.map(({ partition }) => partition)).size, 1);
      assert.equal(ofPartition, 1);
    }
    assert.equal((await readAll()).length, 500);
  });

  it('chooses the partition itself, by the hash of the key, for every message', async () => {
    const { bus, topic, watched } = await open(12);

    const positions = await bus.publish(records(topic, ['a', 'b', 'c', 'd', 'e', 'f', ''], 70));

    const messages = watched.sends.flatMap(({ record }) => record.messages);
    assert.equal(messages.length, 70);
    assert.ok(messages.every(({ key, partition }) => partition === partitionOf(key as Buffer, 12)));
    assert.equal(positions[0]?.partition, partitionOf('a', 12));
  });

  it('is idempotent, with one request in flight, and takes the word of all replicas', async () => {
    const { bus, topic, watched } = await open(1, { deliveryMs: 10_000 });

    await bus.publish([aRecord(topic, 'k')]);

    assert.deepEqual(
      watched.configs.map((config) => [config?.idempotent, config?.maxInFlightRequests]),
      [[true, 1]],
    );
    assert.ok(watched.sends.every(({ record }) => record.acks === -1));
  });

  it('takes nothing for sent whose partition the answer does not name: kafkajs resolves, and drops, what goes to a partition that is not there', async () => {
    const { topic, watched } = await open(1);
    const producer = new GuardedProducer(watched.client);
    close.push(() => producer.close());

    const sending = producer.send(topic, 7, [{ key: 'k', value: 'v', partition: 7 }], 0);

    await assert.rejects(sending, UncoveredSend);
  });

  it('sends again what an answer without an error did not name', async () => {
    const { bus, topic, watched, readAll } = await open(1);
    const elsewhere = [{ topicName: topic, partition: 5, errorCode: 0, baseOffset: '0' }];
    const failed = [{ topicName: topic, partition: 0, errorCode: 6, baseOffset: '0' }];
    watched.trouble = (at) => [{ answer: [] }, { answer: elsewhere }, { answer: failed }][at];

    const positions = await bus.publish(records(topic, ['k'], 3));

    assert.deepEqual(
      positions.map(({ offset }) => offset),
      [0, 1, 2],
    );
    assert.deepEqual(await readAll(), ['0', '1', '2']);
    assert.equal(watched.sends.length, 4);
  });

  it('gives up a call that does not come back, and sends again by a new producer', async () => {
    const { bus, topic, watched, readAll } = await open(1, { sendMs: 300, deliveryMs: 15_000 });
    watched.trouble = (at) => (at === 0 ? 'hang' : undefined);

    await bus.publish(records(topic, ['k'], 3));

    assert.deepEqual(
      watched.sends.map(({ producer }) => producer),
      [1, 2],
    );
    assert.deepEqual(await readAll(), ['0', '1', '2']);
  });

  it('replaces a producer whose sequence the broker does not know any more (45), at once', async () => {
    const { bus, topic, watched, readAll } = await open(1);
    watched.trouble = (at) => (at < 2 ? OUT_OF_ORDER : undefined);

    await bus.publish(records(topic, ['k'], 3));

    assert.deepEqual(
      watched.sends.map(({ producer }) => producer),
      [1, 2, 3],
    );
    assert.deepEqual(await readAll(), ['0', '1', '2']);
  });

  it('sends an unchanged batch again by the same producer, and by a new one after ten failures', async () => {
    const { bus, topic, watched, readAll } = await open(1);
    watched.trouble = (at) => (at < 10 ? AGAIN : undefined);

    const first = bus.publish(records(topic, ['k'], 3));
    const second = bus.publish(records(topic, ['k'], 3, 3));
    await Promise.all([first, second]);

    const [whole] = watched.sends.map(({ record }) => record.messages.length);
    assert.deepEqual(
      watched.sends.slice(0, 11).map(({ producer, record }) => [producer, record.messages.length]),
      Array.from({ length: 11 }, (_, at) => [at < 10 ? 1 : 2, whole]),
    );
    assert.deepEqual(await readAll(), ['0', '1', '2', '3', '4', '5']);
  });

  it('refuses with bus_unavailable what was not acknowledged in time, and sends what comes later by a producer that shares no sequence with it', async () => {
    const { bus, topic, watched, readAll } = await open(1, { deliveryMs: 120 });
    watched.trouble = () => AGAIN;

    await assert.rejects(bus.publish([aRecord(topic, 'k', 'early')]), { code: 'bus_unavailable' });
    watched.trouble = () => undefined;
    await bus.publish([aRecord(topic, 'k', 'later')]);

    assert.deepEqual(await readAll(), ['later']);
    assert.deepEqual([watched.sends.at(0)?.producer, watched.sends.at(-1)?.producer], [1, 2]);
  });

  it('keeps every batch below the limit of the brokers, however much is published at once', async () => {
    const { bus, topic, watched, readAll } = await open(1);
    const large = Array.from({ length: 12 }, (_, id): OutgoingRecord => ({ ...aRecord(topic, 'k', id), value: new Uint8Array(300_000) }));

    await bus.publish(large);

    assert.ok(watched.sends.length >= 4);
    assert.equal((await readAll()).length, 12);
  });

  it('has the brokers take a record that fills the limit to the last byte', async () => {
    const { bus, topic, readAll } = await open(1);
    const empty: OutgoingRecord = { ...aRecord(topic, 'a-key', 'full'), value: new Uint8Array(0) };

    await bus.publish([{ ...empty, value: new Uint8Array(MAX_RECORD_BYTES - recordBytes(empty)) }]);

    assert.deepEqual(await readAll(), ['full']);
  });

  it('lets a caller go who gives up, and sends nothing of what it had not begun', async () => {
    const { bus, topic, watched, readAll } = await open(1);
    const stop = new AbortController();
    let troubled = true;
    watched.trouble = () => (troubled ? AGAIN : undefined);
    const first = bus.publish([aRecord(topic, 'k', 'first')]);
    await new Promise(setImmediate);

    const second = bus.publish([aRecord(topic, 'k', 'second')], { signal: stop.signal });
    stop.abort(new Error('stopped'));
    await assert.rejects(second, { message: 'stopped' });
    troubled = false;
    await first;

    assert.deepEqual(await readAll(), ['first']);
  });
});
