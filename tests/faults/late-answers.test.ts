import assert from 'node:assert/strict';
import { test } from 'node:test';
import { systemClock } from '../../shared/runtime/system-clock.ts';
import { requestsOf } from '../support/served.ts';
import { assertComplete, assertSettled } from '../support/settled.ts';
import { startStack } from '../support/stack.ts';
import { assertTruth } from '../support/truth.ts';

const FROM = Date.UTC(2024, 7, 1);
const TO = FROM + 3 * 86_400_000;
/** How much sooner the host's waits are over: its deadline of 15 s comes after one. */
const HURRY = 15;
const NEVER_MS = 3_600_000;

test('cases 11 and 14: answers that never come, or drip for ever, are given up at the deadline and asked for again; no row is counted twice', async () => {
  const hurried = { ...systemClock, sleep: (ms: number, signal?: AbortSignal) => systemClock.sleep(ms / HURRY, signal) };
  const stack = await startStack({ host: { clock: hurried } });
  const series = ['binance:BTCUSDT:candles:1m', 'binance:BTCUSDT:agg-trades'];
  try {
    await stack.fault([
      { on: 'rest', match: { path: '/api/v3/klines', nth: 2 }, do: 'delay', ms: NEVER_MS },
      { on: 'rest', match: { path: '/api/v3/klines', nth: 4 }, do: 'delay', ms: 1_000, per_chunk: 10 },
      { on: 'rest', match: { path: '/api/v3/aggTrades', nth: 5 }, do: 'delay', ms: NEVER_MS },
      { on: 'rest', match: { path: '/api/v3/aggTrades', nth: 8 }, do: 'delay', ms: 1_000, per_chunk: 10 },
    ]);

    const view = await stack.runWorkflow({
      exchange: 'binance',
      symbol: 'BTCUSDT',
      types: ['api_candles_1m', 'api_agg_trades'],
      time_range: '2024-08-01:2024-08-03',
    });

    const rows = await assertTruth(stack.host.url, stack.simulator.rest, series, FROM, TO);
    assert.deepEqual([view.status, view.attempt, view.stages[0]?.records_written], ['finished', 1, rows]);
    await assertComplete(stack.client, series, FROM, TO);
    await assertSettled(stack.client);
    const late = (await requestsOf(stack)).filter(({ fault }) => fault === 'delay');
    assert.equal(late.length, 4);
    assert.ok(
      late.every(({ aborted }) => aborted),
      'each was given up by us',
    );
  } finally {
    await stack.stop();
  }
});
