import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { AppError } from '../../shared/domain/errors.ts';
import { createLogger, type LogLevel } from '../../shared/telemetry/pino-logger.ts';

function linesOf(level: LogLevel = 'debug'): {
  logger: ReturnType<typeof createLogger>;
  lines: () => Record<string, unknown>[];
  raw: string[];
} {
  const raw: string[] = [];
  const logger = createLogger({ level, write: (line) => void raw.push(line) });
  return { logger, raw, lines: () => raw.map((line) => JSON.parse(line) as Record<string, unknown>) };
}

describe('the logger', () => {
  test('writes one JSON line an entry, with level, time, message and the fields of its parents', () => {
    const { logger, lines, raw } = linesOf();

    logger.child({ function: 'fetch' }).child({ queue_id: 'wf-1', traceparent: '00-a' }).info({ rows: 3 }, 'done');

    assert.equal(raw.length, 1);
    assert.equal(raw[0]?.indexOf('\n'), (raw[0]?.length ?? 0) - 1);
    const { time, ...line } = lines()[0] ?? {};
    assert.deepEqual(line, { level: 'info', function: 'fetch', queue_id: 'wf-1', traceparent: '00-a', rows: 3, message: 'done' });
    assert.ok(Math.abs(Date.parse(String(time)) - Date.now()) < 60_000);
  });

  test('never writes a name twice: what is said last counts', () => {
    const { logger, lines, raw } = linesOf();
    const parent = logger.child({ queue_id: 'wf-1', function: 'fetch' });

    parent.info({ queue_id: 'wf-2' }, 'on the line');
    parent.child({ queue_id: 'wf-3' }).info({}, 'in a child');

    assert.deepEqual(
      lines().map(({ queue_id, function: name }) => [queue_id, name]),
      [
        ['wf-2', 'fetch'],
        ['wf-3', 'fetch'],
      ],
    );
    for (const line of raw) assert.equal(line.split('"queue_id"').length, 2, line);
  });

  test('leaves out what is below its level', () => {
    const { logger, raw } = linesOf('warn');

    logger.debug({}, 'a');
    logger.info({}, 'b');
    logger.warn({}, 'c');

    assert.equal(raw.length, 1);
  });

  for (const [what, fields] of [
    ['an authorization header', { headers: { Authorization: 'Basic c2VjcmV0OnNlY3JldA==' } }],
    ['a password deep inside', { a: { b: { c: { db_password: 's3cr3t-s3cr3t' } } } }],
    ['a sasl record', { sasl: { mechanism: 'plain', username: 'u', password: 's3cr3t-s3cr3t' } }],
    ['a token in a list', { calls: [{ api_token: 's3cr3t-s3cr3t' }] }],
    ['a secret key', { S3_SECRET_KEY: 's3cr3t-s3cr3t' }],
    ['an API key', { apiKey: 's3cr3t-s3cr3t' }],
    ['a bearer inside text', { note: 'sent Authorization: Bearer s3cr3t-s3cr3t' }],
    ['the password of a URL', { url: 'http://root:s3cr3t-s3cr3t@db:8529/x' }],
    ['a secret in the context of an error', { error: new AppError('timeout', 'x', { password: 's3cr3t-s3cr3t' }) }],
    ['a URL in the cause of an error', { error: new AppError('timeout', 'x', {}, new Error('http://u:s3cr3t-s3cr3t@h failed')) }],
  ] as const) {
    test(`never writes ${what}`, () => {
      const { logger, raw } = linesOf();

      logger.info(fields, 'an entry');
      logger.child(fields).info({}, 'as the field of a parent');

      assert.equal(raw.length, 2);
      for (const line of raw) {
        assert.doesNotMatch(line, /s3cr3t|c2VjcmV0/);
        assert.match(line, /\[redacted\]/);
      }
    });
  }

  test('never writes a secret that stands in the message', () => {
    const { logger, raw } = linesOf();

    logger.error({}, 'calling http://root:s3cr3t-s3cr3t@db with Bearer s3cr3t-s3cr3t');

    assert.doesNotMatch(raw.join(''), /s3cr3t/);
  });

  test('writes an error by code, message, context and cause', () => {
    const { logger, lines } = linesOf();

    logger.error({ error: new AppError('store_unavailable', 'no store', { topic: 't' }, new TypeError('boom')) }, 'failed');

    const { error } = lines()[0] as { error: Record<string, Record<string, unknown>> };
    assert.deepEqual([error.code, error.message, error.context], ['store_unavailable', 'no store', { topic: 't' }]);
    assert.equal(error.cause?.message, 'boom');
    assert.match(String(error.cause?.stack), /pino-logger\.test/);
  });

  test('survives cycles, long lists, bytes and big integers', () => {
    const { logger, lines } = linesOf();
    const cycle: Record<string, unknown> = { big: 12n, bytes: new Uint8Array(5), list: Array.from({ length: 1_000 }, (_, index) => index) };
    cycle.self = cycle;

    logger.info(cycle, 'odd');

    const [line] = lines();
    assert.equal(line?.big, '12');
    assert.equal(line?.bytes, '[5 bytes]');
    assert.equal((line?.list as unknown[] | undefined)?.length, 51);
  });

  test('writes to stderr and nothing to stdout, and loses no line when the process exits at once', async () => {
    const module = fileURLToPath(new URL('../../shared/telemetry/pino-logger.ts', import.meta.url));
    const script = `import { createLogger } from ${JSON.stringify(module)};
      const logger = createLogger({ level: 'info' });
      for (let i = 0; i < 500; i++) logger.info({ i }, 'line');
      process.exit(0);`;

    const child = spawn(process.execPath, ['--input-type=module', '-e', script], { stdio: ['ignore', 'pipe', 'pipe'] });
    const [out, err] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'exit')]);

    assert.equal(out, '');
    assert.equal(err.trim().split('\n').length, 500);
  });
});
