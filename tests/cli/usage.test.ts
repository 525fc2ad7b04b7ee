import assert from 'node:assert/strict';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import type { Command } from 'commander';
import { createProgram } from '../../shared/cli/main.ts';
import { type CommandResult, runCommand } from '../support/host-process.ts';

const SERIES = 'binance:BTCUSDT:candles:5m';
/** Nothing listens there. */
const NOWHERE = 'http://127.0.0.1:9';
let cacheDir = '';
let dir = '';
before(async () => {
  cacheDir = await mkdtemp(join(tmpdir(), 'streamforge-cache-'));
  dir = await mkdtemp(join(tmpdir(), 'streamforge-usage-'));
});
after(() => Promise.all([cacheDir, dir].map((each) => rm(each, { recursive: true, force: true }))));

const run = (args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<CommandResult> =>
  runCommand(args, { STREAMFORGE_DATA_DIR: join(dir, 'data'), STREAMFORGE_URL: NOWHERE, ...env }, cacheDir);

/** Every command, `workflow start` and the like, from the program itself: a new one cannot be forgotten. */
function commandsBelow(command: Command, above = ''): { readonly path: string; readonly command: Command }[] {
  return command.commands.flatMap((each) => {
    const path = `${above} ${each.name()}`;
    return [{ path, command: each }, ...commandsBelow(each, path)];
  });
}

function helpOf(command: Command): string {
  let text = '';
  command.configureOutput({
    writeOut: (part) => {
      text += part;
    },
  });
  command.outputHelp();
  return text;
}

describe('help', () => {
  test('of every command names its usage and the global options', () => {
    const commands = commandsBelow(createProgram());
    assert.ok(commands.length >= 18, `${commands.length} commands`);

    for (const { path, command } of commands) {
      const help = helpOf(command);
      assert.match(help, new RegExp(`^Usage: streamforge${path}\\b`));
      assert.match(help, /--json/, `${path} names the global options`);
    }
  });

  test('is on stdout and ends with 0', async () => {
    for (const path of [['serve'], ['workflow', 'start']]) {
      const { code, stdout, stderr } = await run([...path, '--help']);

      assert.deepEqual([code, stderr], [0, ''], path.join(' '));
      assert.match(stdout, new RegExp(`^Usage: streamforge ${path.join(' ')}\\b`));
    }
  });

  test('shows examples and exit codes', async () => {
    const { code, stdout } = await run(['--help']);

    assert.equal(code, 0);
    assert.match(stdout, /Examples:\n {2}streamforge demo/);
    assert.match(stdout, /Exit codes: 0 done, 1 failed, 2 bad use\./);
  });

  test('the version is that of the package', async () => {
    const { code, stdout } = await run(['--version']);

    assert.equal(code, 0);
    assert.match(stdout, /^\d+\.\d+\.\d+\n$/);
  });
});

describe('bad use ends with 2, says what is wrong on stderr and writes nothing', () => {
  for (const [what, args, said] of [
    ['an unknown command', ['nope'], /unknown command 'nope'/],
    ['no command', [], /Usage: streamforge/],
    ['an unknown option', ['simulate', '--nope'], /unknown option '--nope'/],
    ['a missing argument', ['tail'], /missing required argument 'topic'/],
    ['a port that is none', ['serve', '--port', 'abc'], /0 to 65535/],
    ['a count of nothing', ['ping', '--repeat', '0'], /at least 1/],
    ['a workflow of nothing', ['workflow', 'start'], /needs --symbol/],
    ['a series that is none', ['export', 'nonsense'], /"nonsense" is not a series/],
    ['neither series nor collection', ['export'], /a series, or --collection/],
    ['a day that no calendar has', ['export', SERIES, '--from', '2024-02-30'], /--from is not a time; allowed: a date/],
    [
      'a range that ends before it begins',
      ['export', SERIES, '--from', '2024-01-02', '--to', '2024-01-01'],
      /--to is not later than --from/,
    ],
    ['a format that nobody writes', ['export', SERIES, '--format', 'xml'], /csv, ndjson/],
    ['a function that is none', ['run', 'nope'], /no function "nope"; there are .*sink/],
  ] as const) {
    test(what, async () => {
      const { code, stdout, stderr } = await run(args);

      assert.deepEqual([code, stdout], [2, '']);
      assert.match(stderr, said);
      assert.deepEqual(await readdir(dir), []);
    });
  }
});

describe('a command that fails ends with 1', () => {
  test('where no host answers it says how to start one; with --json as one document', async () => {
    const plain = await run(['ping']);
    const json = await run(['--json', 'workflow', 'list']);

    assert.deepEqual([plain.code, plain.stdout, json.code], [1, '', 1]);
    assert.match(
      plain.stderr,
      /Nothing answers at http:\/\/127\.0\.0\.1:9\. Start a host with "streamforge serve", or set STREAMFORGE_URL/,
    );
    assert.equal((JSON.parse(json.stdout) as { error: { code: string } }).error.code, 'bus_unavailable');
  });

  test('where a function that reads the log has no log to share it names the setting and another way', async () => {
    const { code, stdout, stderr } = await run(['run', 'sink', '--mode', 'kafka']);

    assert.deepEqual([code, stdout], [1, '']);
    assert.match(stderr, /KAFKA_BOOTSTRAP_SERVERS is missing/);
    assert.match(stderr, /streamforge serve --functions sink/);
  });

  test('where settings are bad it names all of them at once', async () => {
    const token = join(dir, 'token');
    await writeFile(token, 'opensesame\n');
    const { code, stdout, stderr } = await run(['serve', '--port', '0'], {
      LOG_LEVEL: 'loud',
      MAX_PLAN_SHARDS: '-1',
      API_TOKEN_FILE: token,
    });
    await rm(token);

    assert.deepEqual([code, stdout], [1, '']);
    for (const name of ['LOG_LEVEL', 'MAX_PLAN_SHARDS', 'API_TOKEN']) assert.match(stderr, new RegExp(`^  ${name}`, 'm'));
    assert.doesNotMatch(stderr, /opensesame/, 'a secret is not repeated');
    assert.deepEqual(await readdir(dir), []);
  });
});
