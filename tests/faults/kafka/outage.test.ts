import assert from 'node:assert/strict';
import { afterEach, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { type KafkaBus, openKafkaBus } from '../../../shared/bus/kafka/kafka-bus.ts';
import { startBroker, type TestBroker } from '../../support/kafka/broker.ts';
import { withoutBrokers } from '../../support/kafka/shared-broker.ts';
import { duplicates, missing, readIds, sendAll } from '../../support/kafka/traffic.ts';

const RECORDS = 60_000;
const DAY_MS = 86_400_000;

describe('a broker that is away', { skip: await withoutBrokers() }, () => {
  const open: (() => Promise<void>)[] = [];
  afterEach(async () => {
    for (const close of open.splice(0).reverse()) await close();
  });
  const begin = async (topic: string): Promise<{ broker: TestBroker; bus: KafkaBus }> => {
    const broker = await startBroker();
    open.push(() => broker.remove());
    const bus = await openKafkaBus({ bootstrapServers: broker.address.plain });
    open.push(() => bus.close());
    await bus.admin.ensureTopics([{ name: topic, partitions: 12, retentionMs: DAY_MS }]);
    return { broker, bus };
  };

  for (const seconds of [30, 60]) {
    it(`case 54: an outage of ${seconds} seconds loses nothing that was acknowledged, and the producer recovers by itself`, async (t) => {
      const topic = `outage-${seconds}`;
      const { broker, bus } = await begin(topic);
      let outage: Promise<void> | undefined;

      const sent = await sendAll(bus, topic, RECORDS, {
        progress: (count) => {
          if (count > RECORDS * 0.3) outage ??= away(broker, seconds * 1_000);
        },
      });
      await outage;
      const { times, inversions } = await readIds(bus, topic);

      t.diagnostic(
        `longest stall ${Math.round(sent.longestStallMs)} ms, ${sent.refusals} refusals, ${duplicates(times)} duplicates, ${inversions} inversions`,
      );
      assert.equal(sent.acknowledged.size, RECORDS);
      assert.ok(sent.longestStallMs > seconds * 900);
      assert.deepEqual(missing(sent.acknowledged, times), []);
    });
  }

  it('a broker that is frozen for 12 seconds loses nothing that was acknowledged', async (t) => {
    const { broker, bus } = await begin('frozen');
    let frozen: Promise<void> | undefined;

    const sent = await sendAll(bus, 'frozen', RECORDS, {
      progress: (count) => {
        if (count > RECORDS * 0.3) frozen ??= freeze(broker, 12_000);
      },
    });
    await frozen;
    const { times } = await readIds(bus, 'frozen');

    t.diagnostic(`longest stall ${Math.round(sent.longestStallMs)} ms, ${sent.refusals} refusals, ${duplicates(times)} duplicates`);
    assert.equal(sent.acknowledged.size, RECORDS);
    assert.ok(sent.longestStallMs > 11_000);
    assert.deepEqual(missing(sent.acknowledged, times), []);
  });
});

/** Kills the broker and starts it again over the same data. What is measured here is time itself. */
async function away({ node }: TestBroker, ms: number): Promise<void> {
  await node.end('SIGKILL');
  await sleep(ms);
  await node.start();
  await node.ready();
}

async function freeze({ node }: TestBroker, ms: number): Promise<void> {
  node.signal('SIGSTOP');
  await sleep(ms);
  node.signal('SIGCONT');
}
