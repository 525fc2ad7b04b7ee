import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { test } from 'node:test';
import { BadOption, parseSimulatorArguments, settleOptions } from '../../../shared/exchanges/simulator/options.ts';
import { startSimulatorProcess } from '../../support/simulator.ts';

const MAIN = resolve(import.meta.dirname, '../../../shared/exchanges/simulator/main.ts');

test('says where it listens in its first line, serves, and ends on SIGTERM', async (t) => {
  const simulator = await startSimulatorProcess({
    now: Date.UTC(2024, 7, 1),
    speed: 0,
    weightLimit: 77,
    seed: 9,
    faults: { on: 'rest', do: 'reset', match: { nth: 50 } },
  });
  t.after(() => simulator.close());

  const { body } = await simulator.get('exchangeInfo?symbol=BTCUSDT');
  const served = await simulator.faults();
  await simulator.close();

  const info = body as { serverTime: number; rateLimits: { limit: number }[] };
  assert.match(simulator.rest, /^http:\/\/127\.0\.0\.1:\d+$/);
  assert.equal(simulator.ws, simulator.rest.replace('http', 'ws'));
  assert.deepEqual([info.serverTime, info.rateLimits[0]?.limit], [Date.UTC(2024, 7, 1), 77]);
  assert.deepEqual([served[0]?.seen, served[0]?.served], [1, 0]);
  assert.equal(simulator.process.exitCode, 0);
});

test('reads every flag', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'simulator-'));
  t.after(() => rm(folder, { recursive: true }));
  const faults = join(folder, 'faults.json');
  await writeFile(faults, '[{"on":"rest","do":"reset"}]');

  const options = parseSimulatorArguments([
    '--port',
    '0',
    '--seed',
    '5',
    '--recording',
    folder,
    '--now',
    '2024-08-01T00:00:00Z',
    '--speed',
    '0.5',
    '--weight-limit',
    '9',
    '--faults',
    faults,
    '--burst=8',
    '--lead-strength=0.5',
    '--page-cache-mib=7',
  ]);

  assert.deepEqual(options, {
    port: 0,
    seed: 5,
    recording: folder,
    now: Date.UTC(2024, 7, 1),
    speed: 0.5,
    weightLimit: 9,
    faults: [{ on: 'rest', do: 'reset' }],
    burst: 8,
    pageCacheMib: 7,
    leadStrength: 0.5,
  });
  assert.deepEqual(settleOptions({}), {
    port: 0,
    seed: 1,
    recording: undefined,
    now: undefined,
    speed: 1,
    weightLimit: 6_000,
    faults: [],
    leadStrength: 0.3,
    burst: 1_100,
    pageCacheMib: 64,
  });
});

for (const argv of [['--port', 'x'], ['--now', 'soon'], ['--speed', ''], ['--colour', 'red'], ['--faults', '/nowhere'], ['stray']]) {
  test(`refuses ${argv.join(' ')}, naming what is wrong`, () => {
    assert.throws(() => parseSimulatorArguments(argv), BadOption);
  });
}

for (const options of [
  { port: 70_000 },
  { port: 0.5 },
  { seed: -1 },
  { speed: -1 },
  { speed: Number.NaN },
  { weightLimit: 0 },
  { leadStrength: 1 },
]) {
  test(`refuses the options ${JSON.stringify(options)}`, () => {
    assert.throws(() => settleOptions(options), BadOption);
  });
}

test('ends with 2 for bad use', async () => {
  const child = spawn(process.execPath, [MAIN, '--speed', 'fast'], { stdio: ['ignore', 'ignore', 'pipe'] });
  const [chunk] = await once(child.stderr, 'data');
  const [code] = await once(child, 'exit');

  assert.equal(code, 2);
  assert.match(String(chunk), /--speed is "fast"/);
});
