import assert from 'node:assert/strict';
import { afterEach, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { PartitionBatch } from '../../shared/bus/bus.ts';
import { KafkaBus } from '../../shared/bus/kafka/kafka-bus.ts';
import { connectKafka } from '../../shared/bus/kafka/kafka-client.ts';
import type { KafkaTiming } from '../../shared/bus/kafka/options.ts';
import { partitionOf } from '../../shared/bus/partitioner.ts';
import { aRecord, commitAll, endOf, idsOf, keysByPartition, lagOf, records, soon } from '../conformance/bus-fixture.ts';
import { eventually } from '../support/eventually.ts';
import { asSuperUser, throwOut } from '../support/kafka/access.ts';
import { findBroker } from '../support/kafka/shared-broker.ts';
import { QUICK } from '../support/kafka/timing.ts';
import { type WatchedConsumers, watchConsumers } from '../support/kafka/watched-consumer.ts';

const found = await findBroker();
const SESSION_MS = 2_000;

describe('consumer behind the Kafka adapter', { skip: 'missing' in found ? found.missing : false }, () => {
  const close: (() => Promise<void>)[] = [];
  afterEach(async () => {
    for (const each of close.splice(0)) await each();
  });
  let count = 0;

  const open = async (
    partitions: number,
    timing: Partial<KafkaTiming> = {},
  ): Promise<{ bus: KafkaBus; topic: string; group: string; watched: WatchedConsumers }> => {
    if ('missing' in found) throw new Error(found.missing);
    const real = await connectKafka({ bootstrapServers: found.address.plain, timing: { ...QUICK, sessionMs: SESSION_MS, ...timing } });
    const watched = watchConsumers(real);
    const bus = new KafkaBus(watched.client);
    close.push(() => bus.close());
    const name = `${process.pid}-${Date.now().toString(36)}-${count++}`;
    await bus.admin.ensureTopics([{ name: `test.consumer.${name}`, partitions, retentionMs: 86_400_000 }]);
    return { bus, topic: `test.consumer.${name}`, group: `test-consumer-${name}`, watched };
  };

  it('commits by itself nothing, and fetches no more than its bounds', async () => {
    const { bus, topic, group, watched } = await open(1);

    const member = await bus.subscribe({ group, topics: [topic], onBatch: commitAll });
    await soon(() => member.assignment().length === 1);

    const [config] = watched.configs;
    assert.ok((config?.maxBytes ?? Number.POSITIVE_INFINITY) <= 4_194_304);
    assert.ok((config?.maxBytesPerPartition ?? Number.POSITIVE_INFINITY) <= 1_048_576);
    assert.deepEqual([watched.runs[0]?.autoCommit, watched.runs[0]?.eachBatchAutoResolve], [false, false]);
  });

  it('stays in its group through a batch that takes longer than its session, also where the handler never says that it is alive', async () => {
    const { bus, topic, group } = await open(1);
    await bus.publish([aRecord(topic, 'k', 'slow')]);
    const batches: PartitionBatch[] = [];
    const stale: boolean[] = [];
    const release = Promise.withResolvers<void>();

    const member = await bus.subscribe({
      group,
      topics: [topic],
      onBatch: async (batch) => {
        batches.push(batch);
        await release.promise;
        stale.push(batch.isStale());
        await commitAll(batch);
      },
    });
    await soon(() => batches.length === 1);
    const began = performance.now();
    await soon(() => performance.now() - began > 2 * SESSION_MS);
    release.resolve();
    await soon(async () => (await lagOf(bus, group, topic)) === 0);
    await member.stop();

    assert.deepEqual(stale, [false]);
  });

  it('goes on with the other partitions while one is slow', async () => {
    const { bus, topic, group } = await open(3);
    const [slow = '', ...quick] = keysByPartition(partitionOf, 3);
    const got: string[] = [];
    const release = Promise.withResolvers<void>();
    // Before the bus is closed: that waits for the batch.
    close.unshift(async () => release.resolve());
    await bus.publish([aRecord(topic, slow, 'slow'), ...records(topic, quick, 10)]);

    const member = await bus.subscribe({
      group,
      topics: [topic],
      onBatch: async (batch) => {
        if (batch.records.some(({ key }) => key === slow)) await release.promise;
        await commitAll(batch);
        got.push(...idsOf(batch.records));
      },
    });
    await soon(() => got.length === 10);
    await bus.publish(records(topic, quick, 10, 10));
    await soon(() => got.length === 20);
    const whileSlow = got.includes('slow');
    release.resolve();
    await soon(() => got.length === 21);
    await member.stop();

    assert.equal(whileSlow, false);
  });

  it('begins a new group at the log’s begin where everybody can see it: also partitions without a record have an offset', async () => {
    const { bus, topic, group } = await open(4);
    await bus.publish([aRecord(topic, 'k')]);

    const member = await bus.subscribe({ group, topics: [topic], onBatch: commitAll });
    const committed = await soon(async () => {
      const lags = await bus.admin.lag(group, [topic]);
      return lags.every((lag) => lag.committed !== null && lag.lag === 0) && lags.map((lag) => lag.committed);
    });
    await member.stop();

    assert.deepEqual([...committed].sort(), [0, 0, 0, 1]);
  });

  it('raises an offset that fell below the log’s begin, also of a partition that is paused', async () => {
    const { bus, topic, group } = await open(1);
    const member = await bus.subscribe({ group, topics: [topic], onBatch: commitAll });
    await soon(() => member.assignment().length === 1);
    member.pause([{ topic, partition: 0 }]);
    await bus.publish(records(topic, ['k'], 10));

    await bus.admin.applyRetention(Date.now() + 2 * 86_400_000);

    await soon(async () => (await bus.admin.lag(group, [topic])).every(({ committed }) => committed === 10));
    await member.stop();
  });

  it('replaces a consumer that crashed for good, and hands over again what it had not committed', async () => {
    const { bus, topic, group, watched } = await open(2);
    await bus.publish(records(topic, ['a', 'b', 'c'], 30));
    const got: string[] = [];
    let crashes = 2;
    watched.beforeBatch = () => {
      // What kafkajs takes for a defect of the program: it crashes and does not restart.
      if (crashes-- > 0) throw new TypeError('broken');
    };

    const member = await bus.subscribe({
      group,
      topics: [topic],
      onBatch: async (batch) => {
        await commitAll(batch);
        got.push(...idsOf(batch.records));
      },
    });
    await soon(() => got.length === 30);
    await member.stop();

    assert.ok(watched.consumers.length >= 2);
    assert.equal(new Set(got).size, 30);
  });

  it('refuses a commit of a member that its group has thrown out, and hands the records over again', async () => {
    const { bus, topic, group } = await open(1);
    await bus.publish([aRecord(topic, 'k', 'one')]);
    const codes: unknown[] = [];

    const member = await bus.subscribe({
      group,
      topics: [topic],
      onBatch: async (batch) => {
        if (codes.length === 0 && 'address' in found) await throwOut(found.address, group);
        codes.push(await commitAll(batch).catch((error: unknown) => (error as { code?: unknown }).code));
      },
    });
    await soon(async () => (await lagOf(bus, group, topic)) === 0);
    await member.stop();

    assert.deepEqual([codes[0], codes.at(-1)], ['state_conflict', undefined]);
  });

  it('does not take a commit for done that the client would swallow: the last batch of a member that stops counts', async () => {
    const { bus, topic, group } = await open(1);
    await bus.publish(records(topic, ['k'], 3));
    const begun = Promise.withResolvers<void>();
    const release = Promise.withResolvers<void>();
    const member = await bus.subscribe({
      group,
      topics: [topic],
      onBatch: async (batch) => {
        begun.resolve();
        await release.promise;
        await batch.commit(endOf(batch));
      },
    });
    await begun.promise;

    const stopping = member.stop();
    release.resolve();
    await stopping;

    assert.deepEqual(
      (await bus.admin.lag(group, [topic])).map(({ committed }) => committed),
      [3],
    );
  });

  it('leaves its group also where it is stopped before it has joined: the next member does not wait for its session to end', async () => {
    const { bus, topic, group } = await open(1, { sessionMs: 30_000 });
    await bus.publish([aRecord(topic, 'k')]);
    const got = new Set<string>();

    // One of these moments lies between the asking for a place in the group and the brokers' answer.
    const members = await Promise.all(
      [0, 5, 10, 20, 40, 80, 160].map(async (ms) => {
        const own = `${group}-${ms}`;
        const hasty = await bus.subscribe({ group: own, topics: [topic], onBatch: async () => {} });
        await sleep(ms);
        await hasty.stop();
        return bus.subscribe({
          group: own,
          topics: [topic],
          onBatch: async (batch) => {
            await commitAll(batch);
            got.add(own);
          },
        });
      }),
    );
    await eventually(() => got.size === members.length, { deadlineMs: 12_000 });
    await Promise.all(members.map((member) => member.stop()));
  });

  it('ends with not_found when its topic is deleted', async () => {
    const { bus, topic, group } = await open(1);
    const member = await bus.subscribe({ group, topics: [topic], onBatch: commitAll });
    await soon(() => member.assignment().length === 1);

    if ('address' in found) await asSuperUser(found.address, (admin) => admin.deleteTopics({ topics: [topic] }));

    await assert.rejects(member.ended, { code: 'not_found' });
  });

  it('leaves no warning about negative timeouts behind, and swallows no other', async () => {
    const heard: string[] = [];
    const listen = ({ name }: Error): void => void heard.push(name);
    process.on('warning', listen);
    const { bus, topic } = await open(1);
    await bus.publish([aRecord(topic, 'k')]);

    process.emitWarning('something else', 'OtherWarning');
    await soon(() => heard.includes('OtherWarning'));
    process.off('warning', listen);

    assert.deepEqual(heard, ['OtherWarning']);
  });
});
