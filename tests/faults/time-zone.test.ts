import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { waitForWorkflow } from '../../shared/cli/workflow-client.ts';
import { runCommand, startHostProcess } from '../support/host-process.ts';
import { assertComplete } from '../support/settled.ts';
import { startTestSimulator } from '../support/simulator.ts';
import { assertTruth, storedRows } from '../support/truth.ts';

const DAY = 86_400_000;
const SERIES = 'binance:BTCUSDT:candles:1h';

for (const [zone, last] of [
  // The night in which the clocks of each zone are changed is the last of its range.
  ['Europe/Kyiv', Date.UTC(2024, 2, 31)],
  ['America/New_York', Date.UTC(2024, 2, 10)],
] as const) {
  test(`case 5: in ${zone} a range of dates is the same rows as everywhere, its last day whole, over a change of the clocks`, async () => {
    const from = last - DAY;
    const [first, end] = [from, last].map((time) => new Date(time).toISOString().slice(0, 10));
    const dir = await mkdtemp(join(tmpdir(), 'streamforge-zone-'));
    const simulator = await startTestSimulator();
    const host = await startHostProcess({ dir, exchange: simulator.rest, env: { TZ: zone } });
    try {
      const body = { exchange: 'binance', symbol: 'BTCUSDT', type: 'api_candles_1h', time_range: `${first}:${end}` };
      const { queue_id, effective_to } = await host.client.post<{ queue_id: string; effective_to: number }>('/workflows', body);
      const view = await waitForWorkflow(host.client, queue_id, { quiet: true });

      assert.deepEqual([view.status, effective_to], ['finished', last + DAY]);
      assert.equal(await assertTruth(host.url, simulator.rest, [SERIES], from, last + DAY), 48);
      assert.equal(
        (await storedRows(host.url, SERIES, 0, from)).size + (await storedRows(host.url, SERIES, last + DAY, last + 9 * DAY)).size,
        0,
      );
      await assertComplete(host.client, [SERIES], from, last + DAY);
      const exported = await runCommand(['export', SERIES, '--from', first ?? '', '--to', end ?? ''], {
        STREAMFORGE_DATA_DIR: dir,
        TZ: zone,
      });
      const opens = exported.stdout
        .trim()
        .split('\n')
        .map((line) => Number(line.split(',')[0]));
      assert.deepEqual([exported.code, opens.length, opens[0], opens.at(-1)], [0, 24, from, last - 3_600_000]);
    } finally {
      await host.terminate();
      await simulator.close();
      await rm(dir, { recursive: true, force: true });
    }
  });
}
