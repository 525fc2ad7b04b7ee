import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { AppError } from '../../shared/domain/errors.ts';
import { runFunction } from '../../shared/runtime/run-function.ts';
import { silentLogger } from '../../shared/telemetry/pino-logger.ts';
import { setUpHosts } from './host-setup.ts';
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
