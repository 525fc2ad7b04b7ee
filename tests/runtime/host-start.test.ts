import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { describe, test } from 'node:test';
import { z } from 'zod';
import { openEmbeddedBus } from '../../shared/bus/embedded/embedded-bus.ts';
import type { AppError } from '../../shared/domain/errors.ts';
import { startHost } from '../../shared/runtime/host.ts';
import { silentLogger } from '../../shared/telemetry/pino-logger.ts';
import { setUpHosts } from './host-setup.ts';
import { relay, scaling } from './relay.ts';

const { folder } = setUpHosts();

describe('a start that fails leaves nothing behind', () => {
  const broken = {
    ...relay()[0],
    settings: { need: { env: 'NEEDED', schema: z.string(), meaning: 'what it needs' } },
  };

  test('settings: every problem is named and no file is made', async () => {
    const dataDir = folder('never-made');

    await assert.rejects(startHost({ functions: [broken], dataDir, env: { PORT: 'x' }, logger: silentLogger }), (error: AppError) => {
      assert.deepEqual(error.context.fields?.map(({ path }) => path).sort(), ['NEEDED', 'PORT']);
      return true;
    });
    assert.ok(!existsSync(dataDir));
  });

  for (const [what, options, code] of [
    ['an address without a token', { env: { STREAMFORGE_HOST: '0.0.0.0' } }, 'missing_setting'],
    ['a user of Kafka without a password', { env: { KAFKA_BOOTSTRAP_SERVERS: 'kafka:9093', KAFKA_USER: 'app' } }, 'missing_setting'],
    ['an object store without its keys', { env: { S3_ENDPOINT: 'http://s3:9000' } }, 'missing_setting'],
    ['OIDC, which is not there yet', { env: { OIDC_ISSUER: 'https://issuer' } }, 'not_yet_supported'],
    ['code that cannot be loaded', { functions: [{ ...relay()[0], load: () => Promise.reject(new Error('torn')) }] }, undefined],
    [
      'two functions with one route',
      {
        functions: [relay()[0], { ...relay()[0], name: 'web2', triggers: [{ kind: 'http', name: 'web2-http', accepts: [], scaling }] }],
      },
      'invalid_setting',
    ],
  ] as const) {
    test(`${what}: the folder is free for the next start`, async () => {
      const dataDir = folder(`failed-${what.slice(0, 12).replaceAll(' ', '-')}`);

      await assert.rejects(
        startHost({ functions: relay(), port: 0, dataDir, env: {}, logger: silentLogger, ...options }),
        (error: AppError) => code === undefined || error.code === code,
      );

      const log = await openEmbeddedBus({ dir: dataDir });
      await log.close();
    });
  }
});
