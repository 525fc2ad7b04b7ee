import assert from 'node:assert/strict';
import { execFile, spawnSync } from 'node:child_process';
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, describe, it } from 'node:test';
import { promisify } from 'node:util';
import { KafkaBus, openKafkaBus } from '../../../shared/bus/kafka/kafka-bus.ts';
import { connectKafka } from '../../../shared/bus/kafka/kafka-client.ts';
import type { AppError } from '../../../shared/domain/errors.ts';
import { eventually } from '../../support/eventually.ts';
import type { TestBroker } from '../../support/kafka/broker.ts';
import { type KafkaStack, startKafkaStack } from '../../support/kafka/kafka-stack.ts';
import { aLoad, assertLoaded, underWay } from '../../support/kafka/load.ts';
import { findBroker, withoutBrokers } from '../../support/kafka/shared-broker.ts';
import { QUICK } from '../../support/kafka/timing.ts';
import { missing, numbered, readIds, sendAll } from '../../support/kafka/traffic.ts';
import { createTurnstile } from '../../support/kafka/turnstile.ts';
import { watchProducers } from '../../support/kafka/watched-producer.ts';

const RECORDS = 20_000;
/** What is left on the disk, for each file: less than a partition of the records takes. */
const LEFT_BYTES = 200_000;
const DEADLINE_MS = 60_000;
const withoutKafka = await withoutBrokers();
const withoutLimits = process.env.CI === undefined && spawnSync('prlimit', ['--version']).status !== 0 && 'prlimit of util-linux is needed';

describe('a workflow whose broker has no room left', { skip: withoutKafka || withoutLimits }, () => {
  let stack: KafkaStack;
  afterEach(() => stack.stop());

  it('case 64: loses nothing that was acknowledged, refuses for now what it cannot keep, and finishes when there is room', async (t) => {
    const turnstile = createTurnstile();
    stack = await startKafkaStack({ around: turnstile.around });
    const { broker } = stack;
    await stack.join('fetch');
    await stack.join('sink');
    const load = aLoad('BTCUSDT', { days: 2, trades: true });
    // Quick to give up: a producer of the platform waits for two minutes before it says so.
    const bus = await openKafkaBus({ bootstrapServers: broker.address.plain, timing: { ...QUICK, deliveryMs: 2_000 } });
    await bus.admin.ensureTopics([{ name: 'ballast', partitions: 3, retentionMs: 86_400_000 }]);
    const queueId = await stack.startWorkflow(load.request);
    turnstile.allow(10);
    await underWay(stack, queueId, 5);

    await fill(broker);
    turnstile.allow(10);
    const sending = sendAll(bus, 'ballast', RECORDS);
    await eventually(() => broker.node.pid === undefined, { deadlineMs: DEADLINE_MS, what: 'a broker that cannot write stops' });
    await assert.rejects(bus.publish([{ topic: 'ballast', key: 'one more', headers: { id: String(RECORDS) }, value: Buffer.alloc(1) }]), {
      code: 'bus_unavailable',
      meaning: 'retryable',
    });
    assert.equal((await fetch(`${stack.host.url}/livez`)).status, 200);
    assert.equal((await stack.view(queueId)).status, 'loading');
    await broker.node.end();
    await broker.node.start();
    await broker.node.ready();
    turnstile.allow(Number.POSITIVE_INFINITY);

    const sent = await sending;
    const { times } = await readIds(bus, 'ballast');
    await bus.close();
    t.diagnostic(`${sent.refusals} refusals`);
    assert.equal(sent.acknowledged.size, RECORDS);
    assert.ok(sent.refusals > 0);
    // In whatever order: what was refused was sent again behind what others had sent meanwhile.
    assert.deepEqual(missing(sent.acknowledged, times), []);
    await assertLoaded(stack, queueId, load);
  });
});

it('case 64: a broker whose disk has failed is asked again; where that lasts, whoever publishes is told to come again, and why', {
  skip: withoutKafka,
}, async (t) => {
  const found = await findBroker();
  if ('missing' in found) throw new Error(found.missing);
  const real = await connectKafka({ bootstrapServers: found.address.plain, timing: { ...QUICK, deliveryMs: 3_000 } });
  const watched = watchProducers(real);
  const bus = new KafkaBus(watched.client);
  t.after(() => bus.close());
  const topic = `test.full.${process.pid}`;
  await bus.admin.ensureTopics([{ name: topic, partitions: 1, retentionMs: 86_400_000 }]);
  const fail = Object.assign(new Error('Disk error when trying to access log file on the disk'), { type: 'KAFKA_STORAGE_ERROR', code: 56 });
  watched.trouble = (count) => (count < 2 ? { fail } : undefined);

  await bus.publish([numbered(topic, 1)]);
  watched.trouble = () => ({ fail });

  await assert.rejects(bus.publish([numbered(topic, 2)]), (error: AppError) => {
    assert.deepEqual([error.code, error.meaning], ['bus_unavailable', 'retryable']);
    assert.match(error.message, /acknowledged nothing for 3000 ms.*their disk failed or is full/);
    return true;
  });
  const { times } = await readIds(bus, topic);
  assert.deepEqual([...times], [[1, 1]]);
});

/** From here on no file of the broker grows beyond the largest one of its log and a little: a write that fails is to it what a full disk is. */
async function fill({ node }: TestBroker): Promise<void> {
  const data = join(node.dir, 'data');
  const logs = (await readdir(data, { recursive: true })).filter((name) => name.endsWith('.log'));
  const sizes = await Promise.all(logs.map(async (name) => (await stat(join(data, name))).size));
  await promisify(execFile)('prlimit', ['--pid', String(node.pid), `--fsize=${Math.max(...sizes) + LEFT_BYTES}:`]);
}
