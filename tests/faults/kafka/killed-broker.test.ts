import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { openKafkaBus } from '../../../shared/bus/kafka/kafka-bus.ts';
import { startCluster, type TestCluster } from '../../support/kafka/broker.ts';
import { withoutBrokers } from '../../support/kafka/shared-broker.ts';
import { duplicates, missing, readIds, sendAll } from '../../support/kafka/traffic.ts';

const RECORDS = 100_000;
const DAY_MS = 86_400_000;

describe('three brokers, twelve partitions, 100,000 records', { skip: await withoutBrokers() }, () => {
  let cluster: TestCluster;
  before(async () => {
    cluster = await startCluster();
  });
  after(() => cluster.remove());

  for (const [round, victim] of [0, 1, 2, 0, 1].entries()) {
    it(`loses nothing that was acknowledged when broker ${victim + 1} is killed in the middle (round ${round + 1})`, async (t) => {
      const topic = `killed-${round}`;
      const bus = await openKafkaBus({ bootstrapServers: cluster.bootstrapServers });
      const node = cluster.nodes[victim];
      let killed: Promise<void> | undefined;
      await bus.admin.ensureTopics([{ name: topic, partitions: 12, retentionMs: DAY_MS }]);

      const sent = await sendAll(bus, topic, RECORDS, {
        progress: (count) => {
          if (count > RECORDS * 0.3) killed ??= node?.end('SIGKILL');
        },
      });
      await killed;
      const { times, inversions } = await readIds(bus, topic);
      await bus.close();
      await node?.start();
      await node?.ready(3);

      t.diagnostic(
        `longest stall ${Math.round(sent.longestStallMs)} ms, ${sent.refusals} refusals, ${duplicates(times)} duplicates, ${inversions} inversions`,
      );
      assert.equal(sent.acknowledged.size, RECORDS);
      assert.deepEqual(missing(sent.acknowledged, times), []);
      assert.equal(inversions, 0);
    });
  }
});
