import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { z } from 'zod';
import { AppError } from '../../shared/domain/errors.ts';
import { readSettings } from '../../shared/runtime/host-settings.ts';
import { platformSettings } from '../../shared/runtime/platform-settings.ts';
import { parseSettings, setting } from '../../shared/runtime/settings.ts';

const dir = mkdtempSync(join(tmpdir(), 'streamforge-settings-'));
after(() => rmSync(dir, { recursive: true }));

function fileOf(text: string): string {
  const file = join(dir, `${Math.random()}`);
  writeFileSync(file, text);
  return file;
}

const table = {
  count: setting('COUNT', z.coerce.number().int().min(1), 'how many'),
  mode: setting('MODE', z.enum(['a', 'b']).default('a'), 'which way'),
  password: setting('DB_PASSWORD', z.string().min(8), 'password of the store', { secret: true }),
};

function problemOf(env: Record<string, string>): AppError {
  try {
    parseSettings({ table }, env);
  } catch (error) {
    assert.ok(error instanceof AppError);
    return error;
  }
  assert.fail('nothing was thrown');
}

describe('settings', () => {
  test('are parsed by their schemas, with defaults', () => {
    const { table: parsed } = parseSettings({ table }, { COUNT: '3', DB_PASSWORD: 'long enough' });

    assert.deepEqual(parsed, { count: 3, mode: 'a', password: 'long enough' });
  });

  test('name every problem of every table in one error', () => {
    const other = { url: setting('URL', z.url(), 'an address') };

    assert.throws(
      () => parseSettings({ table, other }, { COUNT: 'many', MODE: 'c', URL: 'nowhere' }),
      (error: AppError) => {
        assert.equal(error.code, 'invalid_setting');
        assert.deepEqual(error.context.fields?.map(({ path }) => path).sort(), ['COUNT', 'DB_PASSWORD or DB_PASSWORD_FILE', 'MODE', 'URL']);
        for (const { path } of error.context.fields ?? []) assert.ok(error.message.includes(path), path);
        return true;
      },
    );
  });

  test('say missing_setting where nothing is wrong but missing', () => {
    const error = problemOf({});

    assert.equal(error.code, 'missing_setting');
    assert.deepEqual(
      error.context.fields?.map(({ problem }) => problem),
      ['is missing', 'is missing'],
    );
  });

  test('take an empty variable for one that is not set', () => {
    assert.equal(problemOf({ COUNT: '', DB_PASSWORD: '  ' }).code, 'missing_setting');
    assert.equal(parseSettings({ table }, { COUNT: '1', MODE: '', DB_PASSWORD: 'long enough' }).table.mode, 'a');
  });

  test('say what is allowed', () => {
    const error = problemOf({ COUNT: '0', MODE: 'c', DB_PASSWORD: 'long enough' });

    assert.deepEqual(error.context.fields, [
      { path: 'COUNT', problem: 'is too small', allowed: 'at least 1' },
      { path: 'MODE', problem: 'is not allowed', allowed: 'a, b' },
    ]);
  });

  test('read a secret from the file that <NAME>_FILE names, without its last line break', () => {
    const { table: parsed } = parseSettings({ table }, { COUNT: '1', DB_PASSWORD_FILE: fileOf('from a file\n') });

    assert.equal(parsed.password, 'from a file');
  });

  test('read no file for a setting that is no secret', () => {
    assert.equal(problemOf({ COUNT_FILE: fileOf('3'), DB_PASSWORD: 'long enough' }).code, 'missing_setting');
  });

  for (const [what, env, path] of [
    ['a file that is not there', { DB_PASSWORD_FILE: join(dir, 'nothing') }, 'DB_PASSWORD_FILE'],
    ['an empty file', { DB_PASSWORD_FILE: fileOf('\n') }, 'DB_PASSWORD_FILE'],
    ['a value and a file at once', { DB_PASSWORD: 'long enough', DB_PASSWORD_FILE: fileOf('from a file') }, 'DB_PASSWORD_FILE'],
    ['a value that is too short', { DB_PASSWORD_FILE: fileOf('short') }, 'DB_PASSWORD'],
  ] as const) {
    test(`refuse ${what} by name`, () => {
      const error = problemOf({ COUNT: '1', ...env });

      assert.equal(error.code, 'invalid_setting');
      assert.deepEqual(
        error.context.fields?.map((field) => field.path),
        [path],
      );
    });
  }

  test('never repeat a value', () => {
    const error = problemOf({ COUNT: 's3cr3t-count', DB_PASSWORD: 's3cr3t' });

    assert.doesNotMatch(error.message + JSON.stringify(error.context), /s3cr3t/);
  });

  test('tell a variable that two tables read once', () => {
    assert.throws(
      () => parseSettings({ one: { count: table.count }, two: { count: table.count } }, {}),
      (error: AppError) => error.context.fields?.length === 1,
    );
  });
});

describe("the platform's settings", () => {
  test('need nothing: everything is embedded, on 127.0.0.1:8080', () => {
    const { platform } = parseSettings({ platform: platformSettings }, {});

    assert.deepEqual(
      { ...platform, apiToken: 'none' },
      {
        arangoDatabase: 'streamforge',
        arangoPassword: '',
        arangoUser: 'root',
        kafkaCaPath: undefined,
        kafkaPassword: undefined,
        kafkaSaslMechanism: 'scram-sha-512',
        kafkaUser: undefined,
        s3AccessKey: undefined,
        s3Bucket: 'streamforge',
        s3Region: 'us-east-1',
        s3SecretKey: undefined,
        dataDir: '.streamforge',
        host: '127.0.0.1',
        port: 8080,
        logLevel: 'info',
        apiToken: 'none',
        oidcIssuer: undefined,
        oidcAudience: undefined,
        kafkaServers: undefined,
        arangoUrl: undefined,
        s3Endpoint: undefined,
        binanceApiUrl: undefined,
      },
    );
  });

  for (const [name, bad] of [
    ['PORT', '65536'],
    ['PORT', 'http'],
    ['PORT', '-1'],
    ['LOG_LEVEL', 'loud'],
    ['API_TOKEN', 'short'],
    ['BINANCE_API_URL', 'api.binance.com'],
    ['ARANGO_URL', 'ftp://db'],
  ] as const) {
    test(`refuse ${name}=${bad} by name`, () => {
      assert.throws(
        () => parseSettings({ platform: platformSettings }, { [name]: bad }),
        (error: AppError) => error.code === 'invalid_setting' && error.context.fields?.[0]?.path === name,
      );
    });
  }

  test('refuse OIDC, which nobody checks yet', () => {
    assert.throws(
      () => readSettings([], { OIDC_AUDIENCE: 'streamforge' }),
      (error: AppError) => error.code === 'not_yet_supported',
    );
  });

  test("let the caller's own word win over the environment", () => {
    const { platform } = readSettings([], { PORT: '1234', STREAMFORGE_DATA_DIR: '/a' }, { port: 0, dataDir: '/b' });

    assert.deepEqual([platform.port, platform.dataDir], [0, '/b']);
  });
});
