import assert from 'node:assert/strict';
import { afterEach, describe, it } from 'node:test';
import type { EachBatchPayload } from 'kafkajs';
import type { PartitionBatch } from '../../shared/bus/bus.ts';
import { KafkaBus } from '../../shared/bus/kafka/kafka-bus.ts';
import { connectKafka } from '../../shared/bus/kafka/kafka-client.ts';
import { DEFAULT_TIMING, type KafkaTiming } from '../../shared/bus/kafka/options.ts';
import { commitAll, idsOf, lagOf, records, soon } from '../conformance/bus-fixture.ts';
import { findBroker } from '../support/kafka/shared-broker.ts';
import { QUICK } from '../support/kafka/timing.ts';
import { type WatchedConsumers, watchConsumers } from '../support/kafka/watched-consumer.ts';

const found = await findBroker();
const SESSION_MS = 2_000;

describe('commits and fetches behind the Kafka adapter', { skip: 'missing' in found ? found.missing : false }, () => {
  const close: (() => Promise<void>)[] = [];
  afterEach(async () => {
    for (const each of close.splice(0)) await each();
  });
  let count = 0;

  const open = async (
    timing: Partial<KafkaTiming> = {},
  ): Promise<{ bus: KafkaBus; topic: string; group: string; watched: WatchedConsumers }> => {
    if ('missing' in found) throw new Error(found.missing);
    const watched = watchConsumers(
      await connectKafka({ bootstrapServers: found.address.plain, timing: { ...QUICK, tendMs: 600_000, ...timing } }),
    );
    const bus = new KafkaBus(watched.client);
    close.push(() => bus.close());
    const name = `${process.pid}-${Date.now().toString(36)}-${count++}`;
    await bus.admin.ensureTopics([{ name: `test.commits.${name}`, partitions: 1, retentionMs: 86_400_000 }]);
    await bus.publish(records(`test.commits.${name}`, ['k'], 3));
    return { bus, topic: `test.commits.${name}`, group: `test-commits-${name}`, watched };
  };

  /** Changes what the first fetch that is handed over brings with it. */
  const changeFirst = (watched: WatchedConsumers, change: (payload: EachBatchPayload) => Partial<EachBatchPayload>): void => {
    let changed = false;
    watched.beforeBatch = (payload) => {
      if (!changed) Object.assign(payload, change(payload));
      changed = true;
    };
  };

  it('waits half a second at most at the end of the log', async () => {
    const { bus, topic, group, watched } = await open({ fetchWaitMs: DEFAULT_TIMING.fetchWaitMs });

    const member = await bus.subscribe({ group, topics: [topic], onBatch: commitAll });
    await soon(() => member.assignment().length === 1);

    assert.equal(watched.configs[0]?.maxWaitTimeInMs, 500);
  });

  it('joins again, with nothing else wrong, where a commit is refused as that of a generation that is over: the records come again', async () => {
    const { bus, topic, group, watched } = await open();
    const refusal = Object.assign(new Error('rebalancing'), { name: 'KafkaJSProtocolError', type: 'REBALANCE_IN_PROGRESS', code: 27 });
    changeFirst(watched, () => ({ commitOffsetsIfNecessary: async () => Promise.reject(refusal) }));
    const codes: unknown[] = [];

    const member = await bus.subscribe({
      group,
      topics: [topic],
      onBatch: async (batch) => {
        codes.push(await commitAll(batch).catch((error: unknown) => (error as { code?: unknown }).code));
      },
    });
    await soon(async () => (await lagOf(bus, group, topic)) === 0);
    await member.stop();

    assert.deepEqual([codes[0], codes.at(-1)], ['state_conflict', undefined]);
  });

  it('gives up a commit that does not come back, and hands the records over again', async () => {
    const { bus, topic, group, watched } = await open({ callMs: 2_000, rebalanceMs: 3_000 });
    changeFirst(watched, () => ({ commitOffsetsIfNecessary: () => new Promise(() => {}) }));
    const codes: unknown[] = [];
    const got: string[][] = [];

    const member = await bus.subscribe({
      group,
      topics: [topic],
      onBatch: async (batch) => {
        got.push(idsOf(batch.records));
        codes.push(await commitAll(batch).catch((error: unknown) => (error as { code?: unknown }).code));
      },
    });
    close.unshift(() => member.stop({ graceMs: 100 }));
    await soon(async () => (await lagOf(bus, group, topic)) === 0);
    await member.stop();

    assert.equal(codes[0], 'bus_unavailable');
    assert.deepEqual(got.slice(0, 2), [
      ['0', '1', '2'],
      ['0', '1', '2'],
    ]);
  });

  it('keeps its place while others wait for its handler, for longer than its session: nobody is given the partition meanwhile', async () => {
    const { bus, topic, group } = await open({ sessionMs: SESSION_MS });
    const holding = Promise.withResolvers<void>();
    const release = Promise.withResolvers<void>();
    let hands = 0;
    let most = 0;
    const onBatch = async (batch: PartitionBatch): Promise<void> => {
      most = Math.max(most, ++hands);
      holding.resolve();
      // A handler that does not listen to its signal.
      await release.promise;
      hands -= 1;
      await commitAll(batch).catch(() => undefined);
    };
    const first = await bus.subscribe({ group, topics: [topic], onBatch });
    await holding.promise;
    const second = await bus.subscribe({ group, topics: [topic], onBatch });
    const began = performance.now();

    await soon(() => most > 1 || performance.now() - began > 2 * SESSION_MS);
    release.resolve();
    await soon(async () => (await lagOf(bus, group, topic)) === 0);
    await Promise.all([first.stop(), second.stop()]);

    assert.equal(most, 1);
  });

  for (const [what, change] of [
    ['calls stale', { isStale: () => true }],
    ['brought while it stops', { isRunning: () => false }],
  ] as const) {
    it(`hands over nothing that the client ${what}: it comes again where it may be read`, async () => {
      const { bus, topic, group, watched } = await open();
      let seen = 0;
      let atFirst: number | undefined;
      const got: string[] = [];
      watched.beforeBatch = (payload) => {
        seen += 1;
        if (seen === 1) Object.assign(payload, change);
      };

      const member = await bus.subscribe({
        group,
        topics: [topic],
        onBatch: async (batch) => {
          atFirst ??= seen;
          got.push(...idsOf(batch.records));
          await commitAll(batch);
        },
      });
      await soon(() => seen === 1);
      for (const each of ['pause', 'resume'] as const) member[each]([{ topic, partition: 0 }]);
      await soon(() => got.length === 3);
      await member.stop();

      assert.equal(atFirst, 2);
    });
  }
});
