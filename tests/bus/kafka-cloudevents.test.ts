import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, describe, it } from 'node:test';
import { type KafkaBus, openKafkaBus } from '../../shared/bus/kafka/kafka-bus.ts';
import { partitionOf } from '../../shared/bus/partitioner.ts';
import { fromRecord, toRecord } from '../../shared/events/kafka-codec.ts';
import { golden, goldenPath } from '../contracts/golden.ts';
import { readElsewhere, writeElsewhere } from '../support/kafka/other-client.ts';
import { findBroker } from '../support/kafka/shared-broker.ts';
import { QUICK } from '../support/kafka/timing.ts';

const found = await findBroker();
const CONTRACTS = ['candles.v1', 'fetch-shard.v1'];

describe('CloudEvents and Kafka’s own client', { skip: 'missing' in found ? found.missing : false }, () => {
  const bootstrapServers = 'missing' in found ? '' : found.address.plain;
  let bus: KafkaBus;
  before(async () => {
    bus = await openKafkaBus({ bootstrapServers, timing: QUICK });
  });
  after(() => bus.close());
  const freshTopic = async (): Promise<string> => {
    const name = `test.cloudevents.${process.pid}-${Date.now().toString(36)}`;
    await bus.admin.ensureTopics([{ name, partitions: 12, retentionMs: 86_400_000 }]);
    return name;
  };

  it('an event of ours is read there with its headers as the CloudEvents Kafka binding has them', async () => {
    const topic = await freshTopic();
    const positions = await bus.publish(CONTRACTS.map((name) => toRecord(golden(name), topic)));

    const records = await readElsewhere(bootstrapServers, topic);

    for (const [index, name] of CONTRACTS.entries()) {
      const wire = JSON.parse(readFileSync(goldenPath(name), 'utf8')) as Record<string, unknown>;
      const { data, datacontenttype, ...attributes } = wire;
      const position = positions[index];
      const own = records.find(({ partition, offset }) => partition === position?.partition && offset === position.offset);
      const expected = Object.fromEntries(Object.entries(attributes).map(([attribute, value]) => [`ce_${attribute}`, String(value)]));
      assert.deepEqual(own?.headers, { 'content-type': datacontenttype, ...expected });
      assert.deepEqual(JSON.parse(own?.value ?? ''), data);
      assert.equal(own?.key, wire.partitionkey);
    }
  });

  it('an event of theirs is read here, from the partition where we would have put it', async () => {
    const topic = await freshTopic();
    const wire = JSON.parse(readFileSync(goldenPath('fetch-shard.v1'), 'utf8')) as Record<string, unknown>;
    const { data, datacontenttype, ...attributes } = wire;
    const headers = Object.fromEntries(Object.entries(attributes).map(([name, value]) => [`ce_${name}`, String(value)]));
    const key = String(wire.partitionkey);

    const partition = await writeElsewhere(bootstrapServers, topic, {
      key,
      value: JSON.stringify(data),
      headers: { 'content-type': String(datacontenttype), ...headers },
    });

    const events = [];
    for await (const batch of bus.read({ topic, from: 'earliest', untilEnd: true })) events.push(...batch.map(fromRecord));
    assert.deepEqual(events, [golden('fetch-shard.v1')]);
    assert.equal(partition, partitionOf(key, 12));
  });
});
