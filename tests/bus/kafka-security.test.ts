import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { type KafkaBus, openKafkaBus } from '../../shared/bus/kafka/kafka-bus.ts';
import type { KafkaBusOptions } from '../../shared/bus/kafka/options.ts';
import type { AppError } from '../../shared/domain/errors.ts';
import { aRecord, commitAll, idsOf, soon } from '../conformance/bus-fixture.ts';
import { grant } from '../support/kafka/access.ts';
import type { BrokerAddress } from '../support/kafka/broker.ts';
import { createCertificates } from '../support/kafka/certificates.ts';
import { findBroker } from '../support/kafka/shared-broker.ts';
import { QUICK } from '../support/kafka/timing.ts';
import { USERS } from '../support/kafka/users.ts';

const found = await findBroker();
const RUN = `${process.pid}-${Date.now().toString(36)}`;
const NAMES = { open: `test.open.${RUN}`, readOnly: `test.read-only.${RUN}`, blind: `test.blind.${RUN}`, secret: `test.secret.${RUN}` };
const ALLOWED_GROUP = `allowed-${RUN}`;

describe('access to Kafka', { skip: 'missing' in found ? found.missing : false }, () => {
  const address: BrokerAddress = 'missing' in found ? { plain: '', secure: '', caPath: '' } : found.address;
  const asApp: KafkaBusOptions = {
    bootstrapServers: address.secure,
    user: 'app',
    password: USERS.app,
    caPath: address.caPath,
    timing: { ...QUICK, deliveryMs: 3_000 },
  };
  let root: KafkaBus;
  let app: KafkaBus;
  before(async () => {
    root = await openKafkaBus({ bootstrapServers: address.plain, timing: QUICK });
    await root.admin.ensureTopics(Object.values(NAMES).map((name) => ({ name, partitions: 2, retentionMs: 86_400_000 })));
    await grant(address, [
      { user: 'app', topic: NAMES.open, rights: ['READ', 'WRITE', 'DESCRIBE'] },
      { user: 'app', topic: NAMES.readOnly, rights: ['READ', 'DESCRIBE'] },
      { user: 'app', topic: NAMES.blind, rights: ['WRITE', 'DESCRIBE'] },
      { user: 'app', group: ALLOWED_GROUP, rights: ['READ', 'DESCRIBE'] },
    ]);
    app = await openKafkaBus(asApp);
  });
  after(async () => {
    await app.close();
    await root.close();
  });

  it('publishes, reads and consumes over TLS with SCRAM-SHA-512', async () => {
    await app.publish([aRecord(NAMES.open, 'k', 1)]);
    const got: string[] = [];
    const member = await app.subscribe({
      group: ALLOWED_GROUP,
      topics: [NAMES.open],
      onBatch: async (batch) => {
        await commitAll(batch);
        got.push(...idsOf(batch.records));
      },
    });
    await soon(() => got.length === 1);
    await member.stop();

    const read: string[] = [];
    for await (const batch of app.read({ topic: NAMES.open, from: 'earliest', untilEnd: true })) read.push(...idsOf(batch));
    assert.deepEqual([got, read], [['1'], ['1']]);
  });

  it('says in one line which right a user lacks to publish to a topic', async () => {
    await assertDenied(() => app.publish([aRecord(NAMES.readOnly, 'k')]), ['app', NAMES.readOnly, 'Write']);
  });

  it('says in one line which right a user lacks on a topic that it may not even see', async () => {
    await assertDenied(() => app.publish([aRecord(NAMES.secret, 'k')]), ['app', NAMES.secret, 'Write']);
    await assertDenied(
      () => app.subscribe({ group: ALLOWED_GROUP, topics: [NAMES.secret], onBatch: commitAll }),
      ['app', NAMES.secret, 'Read'],
    );
  });

  it('says in one line which right a user lacks to read a topic without a group', async () => {
    const reading = async (): Promise<void> => {
      for await (const batch of app.read({ topic: NAMES.blind, from: 'earliest', untilEnd: false })) assert.fail(`${batch.length} records`);
    };

    await assertDenied(reading, ['app', NAMES.blind, 'Read']);
  });

  it('ends a member with one line where its user may see the topic and not read it', async () => {
    await root.publish([aRecord(NAMES.blind, 'k')]);

    const member = await app.subscribe({ group: ALLOWED_GROUP, topics: [NAMES.blind], onBatch: commitAll });

    await assertDenied(() => member.ended, ['app', NAMES.blind, 'Read']);
  });

  it('says in one line that a user may not join a group: kafkajs would only say that it finds no coordinator', async () => {
    const subscribing = () => app.subscribe({ group: `denied-${RUN}`, topics: [NAMES.open], onBatch: commitAll });

    await assertDenied(subscribing, ['app', `denied-${RUN}`, 'Read']);
  });

  it('says in one line that a user may not create a topic', async () => {
    const name = `test.not-yours.${RUN}`;

    await assertDenied(() => app.admin.ensureTopics([{ name, partitions: 1, retentionMs: 1_000 }]), ['app', name, 'Create']);
  });

  it('refuses a wrong password at once, with the name of the user', async () => {
    await assertDenied(() => openKafkaBus({ ...asApp, password: 'wrong' }), ['app', 'KAFKA_PASSWORD']);
  });

  it('refuses a certificate of an authority that it does not know, at once', async () => {
    const dir = await mkdtemp(join(tmpdir(), 'streamforge-ca-'));
    const { caPath } = await createCertificates(dir);

    await assertDenied(() => openKafkaBus({ ...asApp, caPath }), ['app', 'KAFKA_CA_PATH']);
    await rm(dir, { recursive: true });
  });

  it('says that the brokers speak TLS to a client that does not, and the other way round', async () => {
    const { caPath: _, ...plainly } = asApp;

    await assertDenied(() => openKafkaBus(plainly), ['TLS', 'app', 'KAFKA_CA_PATH']);
    await assertDenied(() => openKafkaBus({ ...asApp, bootstrapServers: address.plain }), ['TLS', 'app', 'KAFKA_CA_PATH']);
  });

  it('names an authority that cannot be read, and brokers that are not named', async () => {
    await assertDenied(() => openKafkaBus({ ...asApp, caPath: '/nowhere/ca.pem' }), ['/nowhere/ca.pem', 'KAFKA_CA_PATH']);
    await assertDenied(() => openKafkaBus({ bootstrapServers: ' , ' }), ['KAFKA_BOOTSTRAP_SERVERS']);
  });

  it('answers bus_unavailable where nobody listens', async () => {
    await assert.rejects(openKafkaBus({ bootstrapServers: '127.0.0.1:1' }), { code: 'bus_unavailable', message: /127\.0\.0\.1:1/ });
  });
});

/** Refused for good, in one line that has all of these words, within five seconds. */
async function assertDenied(work: () => Promise<unknown>, words: readonly string[]): Promise<void> {
  const began = performance.now();
  await assert.rejects(work, (error: AppError) => {
    assert.equal(error.code, 'invalid_setting', error.message);
    for (const word of words) assert.ok(error.message.includes(word), `"${error.message}" does not say ${word}`);
    assert.doesNotMatch(error.message, /\n/);
    return true;
  });
  const tookMs = performance.now() - began;
  assert.ok(tookMs < 5_000, `it took ${Math.round(tookMs)} ms to say so`);
}
