import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import type { Coverage } from '../../shared/domain/coverage.ts';
import { type CommandResult, type HostProcess, runCommand, startHostProcess } from '../support/host-process.ts';
import { startTestSimulator, type TestSimulator } from '../support/simulator.ts';

const SERIES = 'binance:BTCUSDT:candles:5m';
const RANGE = ['--from', '2024-08-01', '--to', '2024-08-02'];
const ROWS = 288;

describe('commands and a host', () => {
  let root = '';
  let dir = '';
  let cacheDir = '';
  let simulator: TestSimulator;
  let host: HostProcess;
  let isServing = false;
  let queueId = '';

  before(async () => {
    root = await mkdtemp(join(tmpdir(), 'streamforge-cli-'));
    [dir, cacheDir] = [join(root, 'data'), join(root, 'cache')];
    simulator = await startTestSimulator();
    host = await startHostProcess({ dir, exchange: simulator.rest, cacheDir });
    isServing = true;
  });
  after(async () => {
    if (isServing) await host.kill();
    await simulator.close();
    await rm(root, { recursive: true, force: true });
  });

  /** A command that talks to the host. */
  const run = (...args: readonly string[]): Promise<CommandResult> =>
    runCommand(args, { STREAMFORGE_URL: host.url, STREAMFORGE_DATA_DIR: join(root, 'elsewhere') }, cacheDir);
  /** A command that reads the files. */
  const onFiles = (...args: readonly string[]): Promise<CommandResult> => runCommand(args, { STREAMFORGE_DATA_DIR: dir }, cacheDir);
  /** The one JSON document of stdout. */
  const documentOf = <T>({ stdout }: CommandResult): T => {
    assert.equal(stdout.trimEnd().split('\n').length, 1, 'one line');
    return JSON.parse(stdout) as T;
  };
  const start = (...more: readonly string[]): Promise<CommandResult> =>
    run('workflow', 'start', '--symbol', 'BTCUSDT', '--type', 'api_candles_5m', ...more);

  test('serve prints where it listens as its first line, and is ready then', async () => {
    assert.match(host.url, /^http:\/\/127\.0\.0\.1:\d+$/);
    assert.equal((await fetch(`${host.url}/readyz`)).status, 200);
  });

  test('a workflow that finishes ends --wait with 0; progress is on stderr, stdout is one document', async () => {
    const result = await start('--range', '2024-08-01:2024-08-01', '--collection', 'one_day', '--wait', '--json');

    const view = documentOf<{ queue_id: string; status: string }>(result);
    assert.deepEqual([result.code, view.status], [0, 'finished']);
    assert.match(result.stderr, /1 shards, 288 rows/);
    queueId = view.queue_id;
  });

  for (const [what, range, type, said] of [
    [
      'before the first row says when the rows begin',
      '2017-08-01:2017-08-03',
      'api_candles_5m',
      /no candles of BTCUSDT 5m before 2022-01-01/,
    ],
    ['that is none says what is allowed', 'yesterday', 'api_candles_5m', /time_range is not a time range; allowed: two UTC dates/],
    [
      'of a type that is none lists the types',
      '2024-08-01:2024-08-01',
      'api_candles_7m',
      /api_candles_<interval> with one of 1s, .*; api_trades;/,
    ],
  ] as const) {
    test(`a request for a range ${what}, and ends with 2`, async () => {
      const result = await run('workflow', 'start', '--symbol', 'BTCUSDT', '--type', type, '--range', range);

      assert.deepEqual([result.code, result.stdout], [2, '']);
      assert.match(result.stderr, said);
    });
  }

  test('a failed request is one document with --json too, with the path of each bad field', async () => {
    const result = await run(
      '--json',
      'workflow',
      'start',
      '--symbol',
      'NOPEUSDT',
      '--type',
      'api_candles_5m',
      '--range',
      '2024-08-01:2024-08-01',
    );

    const { error } = documentOf<{ error: { code: string; fields: readonly { path: string }[] } }>(result);
    assert.deepEqual([result.code, error.code], [2, 'unknown_symbol']);
    assert.match(error.fields[0]?.path ?? '', /symbol/);
  });

  test('what is shown is text for people, or one document', async () => {
    const [shown, shownJson, list, topics, lag] = await Promise.all([
      run('workflow', 'show', queueId),
      run('workflow', 'show', queueId, '--json'),
      run('workflow', 'list', '--json'),
      run('topics', 'list', '--json'),
      run('topics', 'lag', '--json'),
    ]);

    assert.match(shown.stdout, new RegExp(`^${queueId}: finished \\(attempt 1\\)\n  load: completed, 1 of 1 shards, 288 rows`));
    assert.equal(documentOf<{ queue_id: string }>(shownJson).queue_id, queueId);
    assert.deepEqual(
      documentOf<{ items: readonly { queue_id: string }[] }>(list).items.map(({ queue_id }) => queue_id),
      [queueId],
    );
    assert.ok(documentOf<{ topics: readonly { name: string }[] }>(topics).topics.some(({ name }) => name === 'queue-events'));
    assert.ok(documentOf<{ lags: readonly unknown[] }>(lag).lags.length > 0);
    assert.deepEqual(
      [shown, shownJson, list, topics, lag].map(({ code }) => code),
      [0, 0, 0, 0, 0],
    );
  });

  test('pings go through the log and back', async () => {
    const result = await run('ping', '--repeat', '3', '--json');

    const { sent, answered } = documentOf<{ sent: number; answered: number }>(result);
    assert.deepEqual([result.code, sent, answered], [0, 3, 3]);
  });

  test('coverage ends with 0 where the range is complete, with 1 where it is not or nothing is known', async () => {
    const [whole, longer, unknown] = await Promise.all([
      run('coverage', SERIES, ...RANGE, '--json'),
      run('coverage', SERIES, '--from', '2024-08-01', '--to', '2024-08-03'),
      run('coverage', 'binance:ETHUSDT:candles:5m', '--json'),
    ]);

    assert.deepEqual([whole.code, documentOf<Coverage>(whole).complete], [0, true]);
    assert.deepEqual([longer.code, unknown.code], [1, 1]);
    assert.match(longer.stdout, /NOT complete\n(.*\n)*2024-08-02 00:00:00Z +2024-08-03 00:00:00Z +missing/);
    assert.equal(documentOf<{ error: { code: string } }>(unknown).error.code, 'not_found');
  });

  test('exports through the host and from its files are the same bytes, and a file takes its name when it is whole', async () => {
    const out = join(root, 'rows.csv');
    const [host, files, written, collection] = await Promise.all([
      run('export', SERIES, ...RANGE),
      onFiles('export', SERIES, ...RANGE),
      run('export', SERIES, ...RANGE, '--out', out),
      run('export', '--collection', 'one_day'),
    ]);

    assert.equal(host.stdout.trimEnd().split('\n').length, ROWS);
    assert.equal(files.stdout, host.stdout);
    assert.equal(collection.stdout, host.stdout);
    assert.deepEqual([written.code, written.stdout, await readFile(out, 'utf8')], [0, '', host.stdout]);
    assert.match(written.stderr, /288 rows written to /);
    assert.deepEqual(
      (await readdir(root)).filter((name) => name.startsWith('rows')),
      ['rows.csv'],
    );
  });

  test('an export that fails leaves the file that was there as it was, and half of none', async () => {
    const out = join(root, 'kept.csv');
    await writeFile(out, 'what was there\n');

    const missing = await run('export', '--collection', 'no_such_collection', '--out', out);
    const nowhere = await run('export', SERIES, ...RANGE, '--out', join(root, 'no', 'such', 'folder.csv'));

    assert.deepEqual([missing.code, nowhere.code], [1, 1]);
    assert.match(missing.stderr, /no_such_collection/);
    assert.match(nowhere.stderr, /folder\.csv/);
    assert.equal(await readFile(out, 'utf8'), 'what was there\n');
    assert.deepEqual(
      (await readdir(root)).filter((name) => name.endsWith('.part')),
      [],
    );
  });

  test('a data folder that another host holds is refused by name', async () => {
    const second = await runCommand(['serve', '--port', '0'], { STREAMFORGE_DATA_DIR: dir, BINANCE_API_URL: simulator.rest }, cacheDir);
    const rebuild = await onFiles('workflow', 'rebuild');

    for (const { code, stdout, stderr } of [second, rebuild]) {
      assert.deepEqual([code, stdout], [1, '']);
      assert.match(stderr, /data_dir_locked.*log\.db/);
    }
  });

  test('serve ends with 0 at SIGTERM, and what it stored can be read and rebuilt without it', async () => {
    const code = await host.terminate();
    isServing = false;

    assert.equal(code, 0);
    const [exported, rebuilt] = [await onFiles('export', SERIES, ...RANGE), await onFiles('workflow', 'rebuild', '--json')];
    assert.equal(exported.stdout.trimEnd().split('\n').length, ROWS);
    assert.deepEqual([rebuilt.code, documentOf<{ workflows: number }>(rebuilt).workflows], [0, 1]);
    assert.equal(existsSync(join(root, 'elsewhere')), false, 'a client makes no folder');
  });
});
