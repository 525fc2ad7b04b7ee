import assert from 'node:assert/strict';
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { afterEach, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import type { RecordPosition, Subscription } from '../../../shared/bus/bus.ts';
import { type KafkaBus, openKafkaBus } from '../../../shared/bus/kafka/kafka-bus.ts';
import { connectKafka } from '../../../shared/bus/kafka/kafka-client.ts';
import { commitAll, lagOf } from '../../conformance/bus-fixture.ts';
import type { BusChildMessage, BusChildTask } from '../../support/bus-child.ts';
import { eventually } from '../../support/eventually.ts';
import { startBroker, startCluster } from '../../support/kafka/broker.ts';
import { withoutBrokers } from '../../support/kafka/shared-broker.ts';
import { MORTAL, QUICK } from '../../support/kafka/timing.ts';
import { sendAll } from '../../support/kafka/traffic.ts';

const RECORDS = 30_000;
const DAY_MS = 86_400_000;
const CHILD = fileURLToPath(new URL('../../support/bus-child.ts', import.meta.url));
const MODULE = new URL('../../../shared/bus/kafka/kafka-bus.ts', import.meta.url).href;

describe('consumers of Kafka under failures', { skip: await withoutBrokers() }, () => {
  const close: (() => Promise<void>)[] = [];
  afterEach(async () => {
    for (const each of close.splice(0).reverse()) await each();
  });
  const open = async (bootstrapServers: string, topic: string): Promise<KafkaBus> => {
    const bus = await openKafkaBus({ bootstrapServers, timing: QUICK });
    close.push(() => bus.close());
    await bus.admin.ensureTopics([{ name: topic, partitions: 12, retentionMs: DAY_MS }]);
    return bus;
  };

  it('lose nothing when the coordinator’s broker and one of them are killed together', async (t) => {
    const cluster = await startCluster();
    close.push(() => cluster.remove());
    const topic = 'coordinator';
    const bus = await open(cluster.bootstrapServers, topic);
    await sendAll(bus, topic, RECORDS);
    const handled = new Set<string>();
    let times = 0;
    const note = (positions: readonly RecordPosition[]): void => {
      times += positions.length;
      for (const { partition, offset } of positions) handled.add(`${partition}/${offset}`);
    };
    const options = { bootstrapServers: cluster.bootstrapServers, timing: MORTAL };
    const task: BusChildTask = { opener: { module: MODULE, exportName: 'openKafkaBus', options }, do: 'consume', topic, group: 'watched' };
    const child = fork(CHILD, { env: { ...process.env, BUS_CHILD: JSON.stringify(task) } });
    close.push(async () => void child.kill('SIGKILL'));
    child.on('message', (message: BusChildMessage) => 'handled' in message && note(message.handled));
    const members = await Promise.all(
      [0, 1].map(() =>
        bus.subscribe({
          group: 'watched',
          topics: [topic],
          maxBatchRecords: 50,
          onBatch: async (batch) => {
            note(batch.records);
            await commitAll(batch);
          },
        }),
      ),
    );
    await eventually(() => handled.size > RECORDS / 10, { deadlineMs: 60_000 });

    const coordinator = await coordinatorOf(cluster.bootstrapServers, 'watched');
    const killedAt = performance.now();
    child.kill('SIGKILL');
    await Promise.all([once(child, 'exit'), cluster.nodes[coordinator - 1]?.end('SIGKILL')]);
    await eventually(async () => (await lagOf(bus, 'watched', topic)) === 0, { deadlineMs: 120_000, everyMs: 250, what: 'no lag' });
    await Promise.all(members.map((member) => member.stop()));

    t.diagnostic(`all read ${Math.round(performance.now() - killedAt)} ms after both were killed, ${times - handled.size} records twice`);
    assert.equal(handled.size, RECORDS);
  });

  it('lose nothing while members join and leave ten times under load, and no partition is in two hands', async (t) => {
    const broker = await startBroker();
    close.push(() => broker.remove());
    const topic = 'rebalance';
    const bus = await open(broker.address.plain, topic);
    const handled = new Set<string>();
    const inHands = new Set<number>();
    let [times, overlaps] = [0, 0];
    const join = (): Promise<Subscription> =>
      bus.subscribe({
        group: 'restless',
        topics: [topic],
        maxBatchRecords: 100,
        onBatch: async (batch) => {
          if (inHands.has(batch.partition)) overlaps += 1;
          inHands.add(batch.partition);
          await new Promise(setImmediate);
          for (const { partition, offset } of batch.records) handled.add(`${partition}/${offset}`);
          times += batch.records.length;
          inHands.delete(batch.partition);
          await commitAll(batch).catch(() => undefined);
        },
      });
    const members = [await join()];

    const sending = sendAll(bus, topic, RECORDS);
    for (let round = 0; round < 10; round++) {
      const before = handled.size;
      members.push(await join());
      await eventually(() => handled.size > before + 200 || handled.size === RECORDS, { deadlineMs: 30_000 });
      await members.shift()?.stop();
    }
    await sending;
    await eventually(async () => (await lagOf(bus, 'restless', topic)) === 0, { deadlineMs: 60_000, everyMs: 100, what: 'no lag' });
    await Promise.all(members.map((member) => member.stop()));

    t.diagnostic(`${times - handled.size} records twice`);
    assert.deepEqual([handled.size, overlaps], [RECORDS, 0]);
  });

  it('case 54: go on by themselves, and lose nothing, when their only broker was away', async () => {
    const broker = await startBroker();
    close.push(() => broker.remove());
    const topic = 'away';
    const bus = await open(broker.address.plain, topic);
    await sendAll(bus, topic, 5_000);
    const handled = new Set<string>();
    let away: Promise<void> | undefined;
    const restart = async (): Promise<void> => {
      await broker.node.end('SIGKILL');
      await broker.node.start();
      await broker.node.ready();
    };

    const member = await bus.subscribe({
      group: 'patient',
      topics: [topic],
      maxBatchRecords: 50,
      onBatch: async (batch) => {
        if (handled.size > 2_000) away ??= restart();
        for (const { partition, offset } of batch.records) handled.add(`${partition}/${offset}`);
        await commitAll(batch);
      },
    });
    await eventually(() => away !== undefined, { deadlineMs: 30_000 });
    await away;
    await eventually(async () => (await lagOf(bus, 'patient', topic)) === 0, { deadlineMs: 60_000, everyMs: 250, what: 'no lag' });
    await member.stop();

    assert.equal(handled.size, 5_000);
  });
});

async function coordinatorOf(bootstrapServers: string, group: string): Promise<number> {
  const cluster = (await connectKafka({ bootstrapServers })).createCluster();
  await cluster.connect();
  await cluster.refreshMetadata();
  const { coordinator } = await cluster.findGroupCoordinatorMetadata({ groupId: group });
  await cluster.disconnect();
  return coordinator.nodeId;
}
