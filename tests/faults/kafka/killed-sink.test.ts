import assert from 'node:assert/strict';
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { afterEach, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { openArangoStores } from '../../../shared/store/arango/open-arango-stores.ts';
import { startArangoDouble } from '../../support/arango-double/arango-double.ts';
import { childEnvironment } from '../../support/host-process.ts';
import { type KafkaStack, startKafkaStack } from '../../support/kafka/kafka-stack.ts';
import { aLoad, assertLoaded } from '../../support/kafka/load.ts';
import { withoutBrokers } from '../../support/kafka/shared-broker.ts';
import type { Moment, Stay } from '../../support/kafka/sink-child.ts';

const CHILD = fileURLToPath(new URL('../../support/kafka/sink-child.ts', import.meta.url));
const PASSWORD = 'of-the-double';
const DATABASE = 'killed';
/** Where each life of the sink ends, and with which such call. */
const DEATHS: readonly (readonly [Moment, number])[] = [
  ['before the write', 1],
  ['before the commit', 1],
  ['before the write', 2],
  ['before the commit', 2],
];

describe('a workflow on Kafka whose sink is killed', { skip: await withoutBrokers() }, () => {
  let stack: KafkaStack;
  const close: (() => Promise<unknown>)[] = [];
  afterEach(async () => {
    for (const each of close.splice(0).reverse()) await each();
  });

  it('cases 50 and 51: kill -9 before the write, and after it before the commit: all is delivered again, and every row is there once', async () => {
    const double = await startArangoDouble({ password: PASSWORD, remember: false });
    close.push(() => double.close());
    const env = { ARANGO_URL: double.url, ARANGO_DB: DATABASE, ARANGO_PASSWORD: PASSWORD };
    const stores = await openArangoStores({ url: double.url, database: DATABASE, user: 'root', password: PASSWORD });
    stack = await startKafkaStack({ stores, env });
    close.push(() => stack.stop());
    await stack.join('fetch');
    const load = aLoad('BTCUSDT', { trades: true });
    const queueId = await stack.startWorkflow(load.request);
    const committed = async ({ topic, partition }: Stay): Promise<number> =>
      (await stack.host.ports.bus.admin.lag('sink-history', [topic])).find((each) => each.partition === partition)?.committed ?? 0;
    const told: { moment: Moment; rows: number }[] = [];

    for (const [moment, nth] of DEATHS) {
      const child = startSink(moment, nth);
      const ended = once(child, 'exit').then(() => assert.fail('The sink ended by itself.'));
      const [stay] = (await Promise.race([once(child, 'message'), ended])) as [Stay];
      child.removeAllListeners('exit');
      const gone = once(child, 'exit');
      child.kill('SIGKILL');
      await gone;
      assert.ok((await committed(stay)) <= stay.offset, 'what was in its hands is not committed');
      told.push({ moment, rows: await rowsIn() });
    }
    const [unwritten, written] = told;
    assert.deepEqual(unwritten?.rows, 0, 'before its first write nothing is there');
    assert.ok((written?.rows ?? 0) > 0, 'before its first commit rows are there');
    assert.equal((await stack.view(queueId)).status, 'loading');
    await stack.join('sink');

    await assertLoaded(stack, queueId, load);

    async function rowsIn(): Promise<number> {
      const pages = await Promise.all(
        load.series.map((id) =>
          stack.client.get<{ rows: unknown[] }>(`/series/${encodeURIComponent(id)}/rows?from=${load.from}&to=${load.to}&limit=10000`),
        ),
      );
      return pages.reduce((sum, { rows }) => sum + rows.length, 0);
    }
  });

  function startSink(moment: Moment, nth: number): ChildProcess {
    const { NODE_OPTIONS, STREAMFORGE_MUTANT } = process.env;
    const own = childEnvironment({ ...stack.env, SINK_CHILD: JSON.stringify({ moment, nth }) });
    // A defect that is planted here is planted there.
    const child = fork(CHILD, { env: { ...own, NODE_OPTIONS, STREAMFORGE_MUTANT } });
    close.push(async () => void child.kill('SIGKILL'));
    return child;
  }
});
