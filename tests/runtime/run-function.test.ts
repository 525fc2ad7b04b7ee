import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { openEmbeddedBus } from '../../shared/bus/embedded/embedded-bus.ts';
import { AppError } from '../../shared/domain/errors.ts';
import { TOPICS } from '../../shared/events/topics.ts';
import { FolderObjectStore } from '../../shared/objects/folder/folder-object-store.ts';
import { runFunction } from '../../shared/runtime/run-function.ts';
import { openSqliteStore } from '../../shared/store/sqlite/open-sqlite-store.ts';
import { silentLogger } from '../../shared/telemetry/pino-logger.ts';
import { eventually } from '../support/eventually.ts';
import { setUpHosts } from './host-setup.ts';
import { overriding } from './overriding.ts';
import { relay } from './relay.ts';

const { folder, adopt } = setUpHosts();

describe('one function alone', () => {
  test('serves as http, with probes that ask nobody', async () => {
    const running = await runFunction({
      definition: relay()[0],
      mode: 'http',
      port: 0,
      dataDir: folder('alone'),
      env: {},
      logger: silentLogger,
    });

    adopt(running);
    assert.equal((await fetch(`${running.url}/readyz`)).status, 200);
    assert.equal((await fetch(`${running.url}/say`, { method: 'POST' })).status, 202);
    assert.equal((await fetch(`${running.url}/bus/topics`)).status, 404);
    await running.stop();
    await running.ended;
  });

  test('case 54: is not ready as a consumer while the log is away, and alive all the time', async () => {
    const dir = folder('alone-3');
    let isAway = false;
    const running = await runFunction({
      definition: relay()[1],
      mode: 'kafka',
      port: 0,
      dataDir: dir,
      env: { KAFKA_BOOTSTRAP_SERVERS: 'nowhere:9092' },
      logger: silentLogger,
      openers: {
        async bus() {
          const bus = await openEmbeddedBus({ dir });
          await bus.admin.ensureTopics(TOPICS);
          const groups = async () => {
            if (isAway) throw new AppError('bus_unavailable', 'The log is away.');
            return bus.admin.groups();
          };
          return overriding(bus, { admin: overriding(bus.admin, { groups }) });
        },
        stores: () => openSqliteStore({ dir }),
        objects: async () => new FolderObjectStore({ dir }),
        exchanges: {},
      },
    });
    adopt(running);
    const statusOf = async (probe: string): Promise<number> => (await fetch(`${running.url}${probe}`)).status;
    assert.equal(await statusOf('/readyz'), 200);

    isAway = true;

    await eventually(async () => assert.deepEqual([await statusOf('/readyz'), await statusOf('/livez')], [503, 200]));
    isAway = false;
    await eventually(async () => assert.equal(await statusOf('/readyz'), 200));
  });

  test('is refused as a consumer without Kafka, with what to do instead', async () => {
    await assert.rejects(
      runFunction({ definition: relay()[1], mode: 'kafka', port: 0, dataDir: folder('alone-2'), env: {} }),
      (error: AppError) => error.code === 'missing_setting' && /KAFKA_BOOTSTRAP_SERVERS.*serve --functions worker/.test(error.message),
    );
  });

  test('is refused in a mode that it has no trigger for', async () => {
    await assert.rejects(runFunction({ definition: relay()[0], mode: 'job', env: {} }), { code: 'invalid_setting' });
  });
});
