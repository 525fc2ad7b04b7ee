import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { test } from 'node:test';
import { childEnvironment } from '../support/host-process.ts';

const ROOT = resolve(import.meta.dirname, '../..');
const ENTRY = join(ROOT, 'bin/streamforge.mjs');

/** A Node of the path that cannot run the project itself. */
function olderNode(): string | undefined {
  const found = (process.env.PATH ?? '').split(delimiter).map((dir) => join(dir, 'node'));
  return found.find((path) => {
    if (!existsSync(path)) return false;
    const [, major = '99'] = /^v(\d+)\./.exec(spawnSync(path, ['--version'], { encoding: 'utf8' }).stdout) ?? [];
    return Number(major) >= 12 && Number(major) < 24;
  });
}

const older = olderNode();
const brought = existsSync(join(ROOT, 'node_modules/.bin/node'));
const skip = older === undefined || !brought ? 'skipped, because there is no older Node on the path, or none that npm brought' : false;

test('an older Node hands the command over to the one that npm brought, with its exit code and its signals', { skip }, async () => {
  const node = older ?? '';
  const [shown, bad] = ['--version', 'nope'].map((argument) =>
    spawnSync(node, [ENTRY, argument], { encoding: 'utf8', env: childEnvironment({}) }),
  );
  assert.deepEqual([shown?.status, bad?.status], [0, 2]);
  assert.match(shown?.stdout ?? '', /^\d+\.\d+\.\d+\n$/);
  assert.match(bad?.stderr ?? '', /unknown command 'nope'/);

  const dir = await mkdtemp(join(tmpdir(), 'streamforge-older-'));
  try {
    const child = spawn(node, [ENTRY, 'simulate', '--port', '0'], {
      env: childEnvironment({ STREAMFORGE_DATA_DIR: dir }),
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    const ended = once(child, 'exit');
    const [line] = (await once(createInterface({ input: child.stdout }), 'line')) as [string];
    const { rest } = JSON.parse(line) as { rest: string };
    assert.equal((await fetch(`${rest}/api/v3/ping`)).status, 200);
    child.kill('SIGTERM');
    const [code, signal] = (await ended) as [number | null, string | null];
    assert.deepEqual([code, signal], [0, null]);
    await assert.rejects(fetch(`${rest}/api/v3/ping`), 'the process behind it is gone too');
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
});
