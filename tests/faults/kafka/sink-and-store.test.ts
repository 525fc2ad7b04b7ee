import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, it } from 'node:test';
import { openArangoStores } from '../../../shared/store/arango/open-arango-stores.ts';
import { type ArangoDouble, startArangoDouble } from '../../support/arango-double/arango-double.ts';
import { eventually } from '../../support/eventually.ts';
import { type HostProcess, KEPT_CODE, startHostProcess } from '../../support/host-process.ts';
import { type KafkaStack, startKafkaStack } from '../../support/kafka/kafka-stack.ts';
import { aLoad, assertLoaded, underWay } from '../../support/kafka/load.ts';
import { withoutBrokers } from '../../support/kafka/shared-broker.ts';
import { createTurnstile, type Turnstile } from '../../support/kafka/turnstile.ts';

const PASSWORD = 'of-the-double';
const DATABASE = 'sinks';
const SOON_MS = 60_000;
/** More requests than are sent while a test looks on: until the faults are taken away. */
const ALL = 1_000_000;

describe('a workflow on Kafka whose sinks are processes with ArangoDB behind', { skip: await withoutBrokers() }, () => {
  let double: ArangoDouble;
  let stack: KafkaStack;
  let turnstile: Turnstile;
  const close: (() => Promise<unknown>)[] = [];
  afterEach(async () => {
    for (const each of close.splice(0).reverse()) await each();
  });

  async function open(): Promise<void> {
    double = await startArangoDouble({ password: PASSWORD, remember: false });
    close.push(() => double.close());
    const env = { ARANGO_URL: double.url, ARANGO_DB: DATABASE, ARANGO_PASSWORD: PASSWORD };
    const stores = await openArangoStores({ url: double.url, database: DATABASE, user: 'root', password: PASSWORD });
    turnstile = createTurnstile();
    stack = await startKafkaStack({ stores, env, around: turnstile.around });
    close.push(() => stack.stop());
    await stack.join('fetch');
  }

  /** As in its container: a group of its own timing, ended by a signal. */
  async function startSink(): Promise<HostProcess> {
    const dir = await mkdtemp(join(tmpdir(), 'streamforge-sink-'));
    close.push(() => rm(dir, { recursive: true, force: true }));
    const { env, simulator } = stack;
    const command = ['run', 'sink', '--mode', 'kafka'];
    const sink = await startHostProcess({ command, dir, exchange: simulator.rest, env, cacheDir: KEPT_CODE });
    close.push(() => sink.kill());
    return sink;
  }

  const committed = async (): Promise<number> =>
    (await stack.host.ports.bus.admin.lag('sink-history')).reduce((sum, each) => sum + (each.committed ?? 0), 0);

  /** A sink in the middle of a load: two shards are done, more wait at the turnstile. */
  const startUnderLoad = async (symbol: string) => {
    await open();
    const load = aLoad(symbol, { days: 2, trades: true });
    const sink = await startSink();
    const queueId = await stack.startWorkflow(load.request);
    turnstile.allow(12);
    await underWay(stack, queueId, 2);
    return { load, sink, queueId };
  };

  it('case 53: on SIGTERM under load a sink ends with 0 and loses nothing of what it had in hand; from zero the next one goes on where it had committed', async () => {
    const { load, sink: first, queueId } = await startUnderLoad('BTCUSDT');

    const code = await first.terminate();

    assert.equal(code, 0);
    const before = await committed();
    assert.ok(before > 0, 'what is done is committed');
    assert.equal((await stack.view(queueId)).status, 'loading');
    turnstile.allow(Number.POSITIVE_INFINITY);
    const next = await startSink();
    await assertLoaded(stack, queueId, load);
    const handled = await (await fetch(`${next.url}/metrics`)).text();
    const counted = /^streamforge_events_handled_total\{.*trigger="sink-history",outcome="handled"\} (\d+)/m.exec(handled)?.[1];
    assert.equal(Number(counted), (await committed()) - before, 'the next one has handled what the first had not committed, and no more');
  });

  it('case 55: while the database is away, and then full of conflicts, a sink waits, alive and not ready; nothing is lost, nothing dead-lettered', async () => {
    const { load, sink, queueId } = await startUnderLoad('ETHUSDT');
    const probe = async (name: string): Promise<number> => (await fetch(`${sink.url}${name}`)).status;

    double.fault({ reset: true, times: ALL });
    turnstile.allow(12);
    await eventually(async () => (await probe('/readyz')) === 503, { deadlineMs: SOON_MS, everyMs: 200, what: 'a sink that is not ready' });
    const retries = (): number => sink.logs.filter(({ message }) => message === 'The event failed and is tried again.').length;
    await eventually(() => retries() > 0, { deadlineMs: SOON_MS, what: 'rows that are tried again' });
    const [held, before] = [await committed(), retries()];
    await eventually(() => retries() > before + 1, { deadlineMs: SOON_MS, what: 'rows that are tried once more' });
    assert.equal(await committed(), held, 'nothing is committed meanwhile');
    assert.equal(await probe('/livez'), 200);
    double.clearFaults();
    double.fault({ match: { path: '/_api/cursor' }, status: 409, errorNum: 1200, errorMessage: 'write-write conflict', times: 30 });
    turnstile.allow(Number.POSITIVE_INFINITY);

    await assertLoaded(stack, queueId, load);
    await eventually(async () => (await probe('/readyz')) === 200, { deadlineMs: SOON_MS, everyMs: 200, what: 'a ready sink' });
  });
});
