import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { waitForWorkflow } from '../../shared/cli/workflow-client.ts';
import type { Coverage } from '../../shared/domain/coverage.ts';
import { eventually } from '../support/eventually.ts';
import { type CommandResult, type HostProcess, KEPT_CODE, runCommand, startHostProcess } from '../support/host-process.ts';
import { assertSettled } from '../support/settled.ts';
import { startSimulatorProcess, type TestSimulator } from '../support/simulator.ts';
import { truthOf } from '../support/truth.ts';
import { assertSameLines, RANGES, REQUESTS } from './recorded-lines.ts';
import { CROWDED, REMOVED, type Recorded, writeRecordings } from './recording-files.ts';

const HOUR = 3_600_000;
const BTC = 'binance:BTCUSDT:candles:5m';
const TRADES = 'binance:ETHUSDT:trades';
const PAGES = ['/api/v3/klines', '/api/v3/aggTrades', '/api/v3/historicalTrades'];
const at = (nth: number, fault: object) => PAGES.map((path) => ({ on: 'rest', match: { path, nth }, ...fault }));
const FAULTS = [
  ...at(1, { do: 'delay', ms: 2, per_chunk: 2_000 }),
  ...at(2, { do: 'reset', after_bytes: 3_000 }),
  ...at(3, { do: 'status', status: 503 }),
  ...at(4, { do: 'drop', rows: [3, 90] }),
  ...at(5, { do: 'truncate', after_bytes: 3_000 }),
  ...at(6, { do: 'duplicate' }),
  { on: 'rest', match: { path: '/api/v3/aggTrades', nth: 8 }, do: 'status', status: 429, headers: { 'Retry-After': '1' } },
  { on: 'rest', do: 'delay', ms: 20, times: 1e9 },
];

/** What the removed hour is in each series: an outage where another symbol that was recorded as finely is silent too. */
const HOLES: Readonly<Record<string, string>> = {
  [BTC]: 'exchange-has-none',
  'binance:1000SATSUSDT:candles:15m': 'exchange-outage',
  'binance:SHIBUSDT:candles:1h': 'exchange-outage',
  'binance:SOLUSDT:agg-trades': 'id-skipped',
};

describe('export', () => {
  let root = '';
  let dir = '';
  let recorded: Recorded;
  let simulator: TestSimulator;
  let host: HostProcess;

  /** Loads every recording through an exchange with all kinds of faults, the host killed twice in between. */
  before(async () => {
    root = await mkdtemp(join(tmpdir(), 'streamforge-export-'));
    dir = join(root, 'data');
    recorded = await writeRecordings(join(root, 'recording'));
    simulator = await startSimulatorProcess({ recording: recorded.dir, weightLimit: 1_000_000 });
    const start = (): Promise<HostProcess> => startHostProcess({ dir, cacheDir: KEPT_CODE, exchange: simulator.rest });
    host = await start();
    const asked = await Promise.all(REQUESTS.map((request) => host.client.post<{ queue_id: string }>('/workflows', request)));
    await simulator.addFaults(...FAULTS);
    for (const more of [6, 12]) {
      const newest = (await simulator.requests()).at(-1)?.id;
      await eventually(async () => (await simulator.requests(newest)).length >= more, { everyMs: 2, what: `${more} more requests` });
      await host.kill();
      host = await start();
    }
    for (const { queue_id } of asked) {
      assert.equal(
        (await waitForWorkflow(host.client, queue_id, { quiet: true, signal: AbortSignal.timeout(60_000) })).status,
        'finished',
        queue_id,
      );
    }
  });
  after(async () => {
    await host.kill();
    await simulator.close();
    await rm(root, { recursive: true, force: true });
  });

  const fromFiles = (...args: string[]): Promise<CommandResult> =>
    runCommand(['export', ...args], { STREAMFORGE_DATA_DIR: dir }, KEPT_CODE);
  const fromHost = (...args: string[]): Promise<CommandResult> =>
    runCommand(['export', ...args], { STREAMFORGE_URL: host.url, STREAMFORGE_DATA_DIR: join(root, 'nothing') }, KEPT_CODE);

  test('every fault was met, nothing was dead-lettered, no lag is left, and the removed hours are holes of the exchange', async () => {
    await assertSettled(host.client);

    for (const fault of await simulator.faults()) assert.ok(fault.served > 0, JSON.stringify(fault));
    for (const [series, { from, to }] of Object.entries(RANGES)) {
      const { complete, holes } = await host.client.get<Coverage>(`/coverage/${encodeURIComponent(series)}?from=${from}&to=${to}`);
      const found = holes.map(({ kind, ...hole }) => ({ kind, grade: 'evidence' in hole ? hole.evidence.grade : undefined }));
      const kind = HOLES[series];
      assert.deepEqual({ complete, found }, { complete: true, found: kind === undefined ? [] : [{ kind, grade: 'two-reads' }] }, series);
      if (series.includes('candles'))
        assert.deepEqual(
          holes.map(({ from: first, to: last }) => ({ from: first, to: last })),
          [REMOVED],
          series,
        );
    }
  });

  test('from the files, in microseconds: each line says what the source says, in every column, on both sides of the switch', async () => {
    for (const series of [BTC, TRADES, 'binance:SOLUSDT:agg-trades']) {
      const { code, stdout, stderr } = await fromFiles(series, '--time-unit', 'us');

      assert.equal(code, 0, stderr);
      assertSameLines(recorded, series, stdout, 'us');
    }
  });

  test('through a running host, in milliseconds: the same, also with tiny prices and with nothing but OHLCV', async () => {
    for (const series of ['binance:1000SATSUSDT:candles:15m', 'binance:SHIBUSDT:candles:1h']) {
      const { code, stdout, stderr } = await fromHost(series);

      assert.equal(code, 0, stderr);
      assertSameLines(recorded, series, stdout, 'ms');
    }
  });

  test('--from and --to are half-open and cut inside a crowded millisecond’s second; --out is whole or not there', async () => {
    const out = join(root, 'trades.csv');
    const bounds = { from: CROWDED, to: CROWDED + 1 };
    const [from, to] = [new Date(bounds.from).toISOString(), new Date(bounds.to).toISOString()];

    const { code, stdout, stderr } = await fromFiles(TRADES, '--from', from, '--to', to, '--time-unit', 'us', '--out', out);

    assert.deepEqual([code, stdout], [0, ''], stderr);
    const text = await readFile(out, 'utf8');
    assert.equal(text.split('\n').length - 1, 1_300);
    assertSameLines(recorded, TRADES, text, 'us', bounds);
    await assert.rejects(readFile(`${out}.part`), { code: 'ENOENT' });
  });

  test('a collection comes series after series, from the files and through the host alike; dates end before the day named', async () => {
    const args = ['--collection', 'odd_candles', '--from', '2024-12-31', '--to', '2025-01-01', '--time-unit', 'us'];

    const [files, served] = await Promise.all([fromFiles(...args), fromHost(...args)]);

    assert.deepEqual([files.code, served.code, served.stdout === files.stdout], [0, 0, true], files.stderr + served.stderr);
    const lines = files.stdout.split('\n').slice(0, -1);
    const lengths = [12 * 23, 4 * 23, 23];
    for (const [index, series] of [BTC, 'binance:1000SATSUSDT:candles:15m', 'binance:SHIBUSDT:candles:1h'].entries()) {
      const part = lines.splice(0, lengths[index]).map((line) => `${line}\n`);
      assertSameLines(recorded, series, part.join(''), 'us', { to: REMOVED.to + 11 * HOUR });
    }
    assert.deepEqual(lines, []);
  });

  test('ndjson has the rows of the contract, every field', async () => {
    const { from, to } = RANGES[TRADES] ?? { from: 0, to: 0 };

    const { code, stdout, stderr } = await fromFiles(TRADES, '--format', 'ndjson');

    assert.equal(code, 0, stderr);
    const rows = stdout
      .split('\n')
      .slice(0, -1)
      .map((line) => JSON.parse(line) as unknown);
    assert.deepEqual(rows, [...(await truthOf(simulator.rest, TRADES, from, to)).values()]);
  });
});
