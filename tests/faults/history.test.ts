import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { Coverage } from '../../shared/domain/coverage.ts';
import { assertServed } from '../support/served.ts';
import { assertComplete, assertSettled } from '../support/settled.ts';
import { type Stack, startStack } from '../support/stack.ts';
import { assertTruth, storedRows, truthOf } from '../support/truth.ts';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const iso = (time: number): string => new Date(time).toISOString();

/** One day after the other, so that no case stands on the rows of another. */
const day = (number: number): number => Date.UTC(2024, 7, number);

/** Loads types of one symbol, checks that it finished with the rows that there are, and gives the coverage of each series. */
async function load(stack: Stack, symbol: string, types: readonly string[], from: number, to: number): Promise<readonly Coverage[]> {
  const view = await stack.runWorkflow({ exchange: 'binance', symbol, types, time_range: `${iso(from)}/${iso(to)}` });
  assert.deepEqual([view.status, view.error, view.attempt], ['finished', undefined, 1]);
  const series = types.map(
    (type) => `binance:${symbol}:${type.replace('api_', '').replace('candles_', 'candles:').replace('agg_', 'agg-')}`,
  );
  const rows = await assertTruth(stack.host.url, stack.simulator.rest, series, from, to);
  assert.deepEqual([view.stages[0]?.records_written, view.stages[0]?.rows_counted], [rows, rows]);
  return Promise.all(series.map((id) => stack.client.get<Coverage>(`/coverage/${encodeURIComponent(id)}?from=${from}&to=${to}`)));
}

describe('history', () => {
  let stack: Stack;
  before(async () => {
    stack = await startStack();
  });
  after(() => stack.stop());

  test('case 1: more trades in one millisecond than a page holds are loaded, each once', async () => {
    const noon = day(15) + 12 * HOUR;

    const coverages = await load(stack, 'XRPUSDT', ['api_agg_trades', 'api_trades'], noon - HOUR / 2, noon + HOUR / 2);

    assert.deepEqual(
      coverages.map(({ complete, holes }) => [complete, holes]),
      [
        [true, []],
        [true, []],
      ],
    );
    const rows = await storedRows(stack.host.url, 'binance:XRPUSDT:agg-trades', noon, noon + 1);
    assert.ok(rows.size > 1_000, `${rows.size} rows in one millisecond`);
  });

  test('case 3: pages answered empty inside the range end nothing', async () => {
    await stack.fault([
      { on: 'rest', match: { path: '/api/v3/klines', nth: 1 }, do: 'drop', rows: [0, 1_000] },
      { on: 'rest', match: { path: '/api/v3/aggTrades', nth: 3 }, do: 'drop', rows: [0, 1_000], times: 2 },
    ]);

    const coverages = await load(stack, 'ETHUSDT', ['api_candles_1m', 'api_agg_trades'], day(6), day(7));

    assert.ok(coverages.every(({ complete, holes }) => complete && holes.length === 0));
    await assertServed(stack);
  });

  for (const [type, series] of [
    ['api_candles_1m', 'binance:ADAUSDT:candles:1m'],
    ['api_agg_trades', 'binance:ADAUSDT:agg-trades'],
  ] as const) {
    test(`case 4: of ${series} the row at the first instant is in, the one at the last is out, and neighbouring workflows meet`, async () => {
      const rows = await truthOf(stack.simulator.rest, series, day(8), day(8) + 3 * HOUR);
      const times = [...new Set([...rows.values()].map((row) => ('open_time' in row ? row.open_time : row.time)))];
      const [first, middle, last] = [times[2], times[Math.floor(times.length / 2)], times.at(-2)] as [number, number, number];

      await load(stack, 'ADAUSDT', [type], first, middle);
      const before = await storedRows(stack.host.url, series, day(8), day(9));
      const half = new Set([...before.values()].map((row) => ('open_time' in row ? row.open_time : row.time)));
      await load(stack, 'ADAUSDT', [type], middle, last);

      assert.deepEqual([half.has(first), half.has(middle)], [true, false]);
      assert.equal(Math.min(...half), first, 'nothing before the range');
      await assertComplete(stack.client, [series], first, last);
      await assertTruth(stack.host.url, stack.simulator.rest, [series], first, last);
    });
  }

  test('case 16: what lies before the first row ever is not-listed, with evidence, and the workflow finishes', async () => {
    const listed = Date.UTC(2024, 4, 7, 16);
    const from = Date.UTC(2024, 4, 6);

    const coverages = await load(stack, 'PEPEUSDT', ['api_candles_1h', 'api_agg_trades'], from, from + 2 * DAY);

    for (const { series, complete, holes } of coverages) {
      assert.deepEqual([complete, [...new Set(holes.map(({ kind }) => kind))]], [true, ['not-listed']], series);
      assert.equal(holes[0]?.from, from);
      const end = holes.at(-1)?.to ?? 0;
      assert.ok(series.includes('candles') ? end === listed : end >= listed && end < listed + HOUR, `${series}: the hole ends ${iso(end)}`);
      assert.ok(
        holes.every((hole) => 'evidence' in hole && hole.evidence.after_key !== undefined),
        `${series}: the first row is the evidence`,
      );
    }
  });

  test('behind the last row of a symbol that is no longer traded the series has ended, with evidence', async () => {
    const ended = Date.UTC(2024, 5, 17, 3);

    const [candles, trades] = await load(stack, 'WAVESUSDT', ['api_candles_1h', 'api_agg_trades'], ended - 3 * HOUR, ended + 5 * HOUR);

    for (const coverage of [candles, trades]) {
      assert.deepEqual([coverage?.complete, [...new Set(coverage?.holes.map(({ kind }) => kind))]], [true, ['ended']]);
    }
  });

  test('leaves no lag and no dead letter', () => assertSettled(stack.client));
});
