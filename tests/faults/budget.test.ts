import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { type StartedWorkflow, waitForWorkflow } from '../../shared/cli/workflow-client.ts';
import { describeSharedBudget } from '../conformance/shared-budget.ts';
import { refusalOf, sentInSpiteOf } from '../support/budget-fleet.ts';
import { eventually } from '../support/eventually.ts';
import { KEPT_CODE, startHostProcess } from '../support/host-process.ts';
import { sqlitePlace } from '../support/places.ts';
import { startSimulatorProcess } from '../support/simulator.ts';

describeSharedBudget(sqlitePlace);

test('a ban survives kill -9 of the host: the one that is started after it sends nothing until the ban is over, and ends the work', async (t) => {
  const dir = await mkdtemp(join(tmpdir(), 'streamforge-ban-'));
  const simulator = await startSimulatorProcess({ weightLimit: 1_000_000 });
  const start = () => startHostProcess({ dir, exchange: simulator.rest, cacheDir: KEPT_CODE });
  const first = await start();
  t.after(async () => {
    await simulator.close();
    await rm(dir, { recursive: true, force: true });
  });
  await simulator.addFaults({
    ...{ on: 'rest', match: { path: '/api/v3/klines', nth: 3 }, do: 'status', status: 418, headers: { 'Retry-After': '9' } },
  });
  const request = { exchange: 'binance', symbol: 'BTCUSDT', type: 'api_candles_1m', time_range: '2024-08-05:2024-08-09' };
  const { queue_id } = await first.client.post<StartedWorkflow>('/workflows', request);
  const refused = await refusalOf(simulator, 418);
  await eventually(() => Date.now() > refused.started_at + 1_000);

  await first.kill();
  const second = await start();
  const startedMs = Date.now() - refused.started_at;
  const view = await waitForWorkflow(second.client, queue_id);
  await second.kill();

  assert.equal(view.status, 'finished');
  assert.deepEqual(await sentInSpiteOf(simulator, refused, 9), []);
  assert.ok(startedMs < 9_000, `the second host was there after ${startedMs} ms`);
});
