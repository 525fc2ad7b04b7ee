import assert from 'node:assert/strict';
import { it } from 'node:test';
import { type BusRecord, MAX_RECORD_BYTES } from '../../shared/bus/bus.ts';
import { aRecord, type CreateBusFixture, idOf, idsOf, records, soon, useBus } from './bus-fixture.ts';

/** Publishing and reading without a group. */
export function describeLog(createFixture: CreateBusFixture): void {
  const log = useBus(createFixture);

  it('keeps key, headers and value byte for byte', async () => {
    const topic = await log.freshTopic({ partitions: 1 });
    const bytes = Uint8Array.from({ length: 256 }, (_, index) => index);
    const sent = [
      {
        topic,
        key: 'binance:BTCUSDT:candles:5m',
        headers: { ce_id: 'a"\\\n', ce_source: 'Київ €', 'content-type': 'application/json' },
        value: bytes,
      },
      { topic, key: '', headers: {}, value: new Uint8Array(0) },
      { topic, key: 'ключ', headers: { empty: '' }, value: null },
    ];

    await log.bus.publish(sent);

    const got = await log.readAll(topic);
    assert.deepEqual(
      got.map(({ key, headers }) => ({ key, headers: { ...headers } })),
      sent.map(({ key, headers }) => ({ key, headers })),
    );
    assert.deepEqual(
      got.map(({ value }) => (value === null ? null : Buffer.from(value).toString('hex'))),
      sent.map(({ value }) => (value === null ? null : Buffer.from(value).toString('hex'))),
    );
  });

  it('keeps what was given, whatever the caller does with its bytes afterwards', async () => {
    const topic = await log.freshTopic({ partitions: 1 });
    const value = Buffer.from('first');
    await log.bus.publish([{ topic, key: 'k', headers: {}, value }]);
    value.write('other');

    await log.bus.publish([{ topic, key: 'k', headers: {}, value }]);

    const texts = (await log.readAll(topic)).map((record) => Buffer.from(record.value ?? '').toString());
    assert.deepEqual(texts, ['first', 'other']);
  });

  it('numbers the records of each partition from 0 without holes and answers in the order given', async () => {
    const topic = await log.freshTopic({ partitions: 3 });
    const sent = records(topic, ['a', 'b', 'c', 'd', 'e'], 50);

    const positions = [...(await log.bus.publish(sent.slice(0, 20))), ...(await log.bus.publish(sent.slice(20)))];

    const stored = new Map((await log.readAll(topic)).map((record) => [`${record.partition}/${record.offset}`, idOf(record)]));
    assert.deepEqual(
      positions.map(({ partition, offset }) => stored.get(`${partition}/${offset}`)),
      idsOf(sent),
    );
    const { offsets } = await log.bus.admin.topic(topic);
    assert.equal(
      offsets.reduce((sum, { end }) => sum + end, 0),
      50,
    );
    assert.equal(stored.size, 50);
  });

  it('sends a key to the partition where every Kafka client sends it', async () => {
    const topic = await log.freshTopic({ partitions: 12 });
    // Computed by the Java client's partitioner for 12 partitions.
    const known = { '1039-36302-36840-2-9f138052': 4, '1388-20023-36900-2-c9985f66': 0, '1010-98110-23700-2-295bfb4c': 10, '599999': 3 };

    const positions = await log.bus.publish(Object.keys(known).map((key) => aRecord(topic, key)));

    const expected = new Map(Object.entries(known));
    assert.deepEqual(
      positions.map(({ partition }) => partition),
      Object.keys(known).map((key) => expected.get(key)),
    );
  });

  it('keeps the order of a key within a call, between awaited calls and among many callers', async () => {
    const topic = await log.freshTopic({ partitions: 2 });
    const keys = Array.from({ length: 16 }, (_, index) => `series-${index}`);

    await Promise.all(
      keys.map(async (key) => {
        for (let first = 0; first < 30; first += 3) await log.bus.publish(records(topic, [key], 3, first));
      }),
    );

    const got = await log.readAll(topic);
    for (const key of keys) {
      const own = got.filter((record) => record.key === key);
      assert.deepEqual(
        idsOf(own),
        Array.from({ length: 30 }, (_, index) => String(index)),
      );
    }
  });

  it('case 62: the marker of a shard stands behind all of its rows', async () => {
    const topic = await log.freshTopic({ partitions: 12 });
    const key = 'binance:BTCUSDT:trades';

    const pages = await Promise.all([0, 10, 20, 30].map((first) => log.bus.publish(records(topic, [key], 10, first))));
    const [marker] = await log.bus.publish([aRecord(topic, key, 'marker')]);

    const rows = pages.flat();
    assert.ok(marker !== undefined && rows.every(({ partition, offset }) => partition === marker.partition && offset < marker.offset));
  });

  it('resolves an empty call without a record', async () => {
    assert.deepEqual(await log.bus.publish([]), []);
  });

  it('refuses an unknown topic with not_found, and the whole call with it', async () => {
    const topic = await log.freshTopic();

    await assert.rejects(log.bus.publish([aRecord(topic, 'k'), aRecord(`${topic}.nowhere`, 'k')]), { code: 'not_found' });
    await assert.rejects(collect(log.bus.read({ topic: `${topic}.nowhere`, from: 'earliest', untilEnd: true })), { code: 'not_found' });

    assert.deepEqual(await log.readAll(topic), []);
    assert.ok(!(await log.bus.admin.topics()).some(({ name }) => name === `${topic}.nowhere`));
  });

  it('refuses a record above the limit with payload_too_large, and the whole call with it', async () => {
    const topic = await log.freshTopic();
    const tooLarge = { ...aRecord(topic, 'k'), value: new Uint8Array(MAX_RECORD_BYTES) };
    const large = { ...aRecord(topic, 'k', 'large'), value: new Uint8Array(1_000_000) };

    await assert.rejects(log.bus.publish([aRecord(topic, 'k', 'small'), tooLarge]), { code: 'payload_too_large' });
    await log.bus.publish([large]);

    const got = await log.readAll(topic);
    assert.deepEqual(idsOf(got), ['large']);
    assert.equal(got[0]?.value?.byteLength, 1_000_000);
  });

  it('sends nothing for a caller that has given up', async () => {
    const topic = await log.freshTopic();
    const reason = new Error('stopped');

    await assert.rejects(log.bus.publish([aRecord(topic, 'k')], { signal: AbortSignal.abort(reason) }), (error) => error === reason);

    assert.deepEqual(await log.readAll(topic), []);
  });

  it('reads to the end of the moment of the call', async () => {
    const topic = await log.freshTopic({ partitions: 2 });
    await log.bus.publish(records(topic, ['a', 'b', 'c'], 1_200));

    const got: (readonly BusRecord[])[] = [];
    for await (const batch of log.bus.read({ topic, from: 'earliest', untilEnd: true })) {
      if (got.length === 0) await log.bus.publish(records(topic, ['a', 'b'], 10, 5_000));
      got.push(batch);
    }

    assert.equal(got.flat().length, 1_200);
    assert.ok(got.every((batch) => batch.length <= 500));
    assertOrdered(got.flat());
  });

  it('reads chosen partitions from chosen offsets', async () => {
    const topic = await log.freshTopic({ partitions: 3 });
    const positions = await log.bus.publish(records(topic, ['a', 'b', 'c', 'd', 'e', 'f'], 60));
    const [partition = 0] = positions.map((position) => position.partition);

    const got = await collect(log.bus.read({ topic, partitions: [partition], from: { [partition]: 5 }, untilEnd: true }));
    const beyond = await collect(log.bus.read({ topic, partitions: [partition], from: { [partition]: 1_000 }, untilEnd: true }));
    const latest = await collect(log.bus.read({ topic, from: 'latest', untilEnd: true }));

    const expected = positions.filter((position) => position.partition === partition && position.offset >= 5);
    assert.deepEqual(
      got.map(({ offset }) => offset),
      expected.map(({ offset }) => offset),
    );
    assert.deepEqual([beyond, latest], [[], []]);
  });

  it('follows the log until its signal aborts', async () => {
    const topic = await log.freshTopic({ partitions: 2 });
    const stop = new AbortController();
    const got: BusRecord[] = [];
    await log.bus.publish([aRecord(topic, 'a', 'before')]);

    const following = (async () => {
      for await (const batch of log.bus.read({ topic, from: 'earliest', signal: stop.signal })) got.push(...batch);
    })();
    await soon(() => got.length === 1);
    await log.bus.publish([aRecord(topic, 'a', 'first')]);
    await log.bus.publish([aRecord(topic, 'b', 'second')]);
    await soon(() => got.length === 3);
    stop.abort();
    await following;

    assert.deepEqual(idsOf(got).sort(), ['before', 'first', 'second']);
  });

  it('stamps records with the time of their append', async () => {
    const topic = await log.freshTopic();
    const before = Date.now();

    await log.bus.publish([aRecord(topic, 'k')]);

    const [record] = await log.readAll(topic);
    assert.ok(record !== undefined && record.timestamp >= before && record.timestamp <= Date.now());
  });

  it('has every acknowledged record after it was closed and opened again', async () => {
    const topic = await log.freshTopic({ partitions: 2 });
    await log.bus.publish(records(topic, ['a', 'b', 'c'], 100));
    const before = await log.readAll(topic);

    await log.reopen();
    const positions = await log.bus.publish(records(topic, ['a', 'b', 'c'], 3, 100));

    const got = await log.readAll(topic);
    assert.deepEqual(new Set(idsOf(got)), new Set(Array.from({ length: 103 }, (_, index) => String(index))));
    assert.ok(
      positions.every(({ partition, offset }) => before.every((record) => record.partition !== partition || record.offset < offset)),
    );
    assertOrdered(got);
  });

  it('answers bus_unavailable once it is closed', async () => {
    const topic = await log.freshTopic();
    const closed = log.bus;
    await log.reopen();

    await assert.rejects(closed.publish([aRecord(topic, 'k')]), { code: 'bus_unavailable' });
    await assert.rejects(closed.subscribe({ group: log.freshGroup(), topics: [topic], onBatch: async () => {} }), {
      code: 'bus_unavailable',
    });
    await assert.rejects(collect(closed.read({ topic, from: 'earliest' })), { code: 'bus_unavailable' });
    await assert.rejects(closed.admin.topics(), { code: 'bus_unavailable' });
  });
}

async function collect(batches: AsyncIterable<readonly BusRecord[]>): Promise<BusRecord[]> {
  const all: BusRecord[] = [];
  for await (const batch of batches) all.push(...batch);
  return all;
}

/** Offsets of each partition rise by one. */
function assertOrdered(list: readonly BusRecord[]): void {
  const next = new Map<number, number>();
  for (const { partition, offset } of list) {
    assert.equal(offset, next.get(partition) ?? offset);
    next.set(partition, offset + 1);
  }
}
