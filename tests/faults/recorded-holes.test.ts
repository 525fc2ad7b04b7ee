import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import type { Coverage } from '../../shared/domain/coverage.ts';
import { assertSettled, busView, deadLettersOf } from '../support/settled.ts';
import { type Stack, startStack } from '../support/stack.ts';
import { assertSameRows, assertTruth, storedRows, truthOf } from '../support/truth.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const FROM = Date.UTC(2024, 2, 24);
const TO = FROM + DAY;
const TIME_RANGE = '2024-03-24:2024-03-24';
const at = (hour: number): number => FROM + hour * HOUR;
/** All but the last of these were silent together; flat candles stand before and behind. */
const OUTAGE = { from: at(12), to: at(13) + 20 * MINUTE };
const FLAT = { from: at(11), to: at(15) };
/** One symbol alone lacks this hour. */
const OWN_HOLE = { from: at(18), to: at(19) };
/** A price that no double keeps. */
const TOO_LONG = '1.2345678901234567';
const TOO_LONG_AT = at(6);
const FIRST_TRADE = at(9);

const inside = (time: number, range: { readonly from: number; readonly to: number }): boolean => time >= range.from && time < range.to;

/** Minutes of a day as the archive has them. */
function minutes(own: (open: number) => Readonly<{ left?: boolean; close?: string }> = () => ({})): string {
  const lines: string[] = [];
  for (let open = FROM; open < TO; open += MINUTE) {
    const { left = false, close = '1.5' } = own(open);
    if (left) continue;
    const isFlat = inside(open, FLAT);
    const prices = isFlat ? ['1.2', '1.2', '1.2', '1.2'] : ['1.2', '1.9', '1.1', close];
    const volumes = isFlat ? ['0', '0', '0', '0'] : ['20', '30', '7', '5'];
    const [volume, quote, count, taker] = volumes;
    lines.push([open, ...prices, volume, open + MINUTE - 1, quote, count, taker, volumes[3], 0].join(','));
  }
  return `${lines.join('\n')}\n`;
}

/** Trades every ten seconds, with high ids: the exchange's own history of them begins later than its candles. */
function lateTrades(): string {
  const lines: string[] = [];
  for (let time = FIRST_TRADE, id = 5_000_000; time < TO; time += 10_000, id += 1) lines.push(`${id},1.5,2,3.0,${time},True,True`);
  return `${lines.join('\n')}\n`;
}

const silent = (open: number): { left?: boolean } => ({ left: inside(open, OUTAGE) });
const FILES: Readonly<Record<string, string>> = {
  'BTCUSDT-1m-2024-03-24.csv': minutes(silent),
  'ETHUSDT-1m-2024-03-24.csv': minutes(silent),
  'ADAUSDT-1m-2024-03-24.csv': minutes((open) => ({ left: inside(open, OUTAGE) || inside(open, OWN_HOLE) })),
  'SOLUSDT-1m-2024-03-24.csv': minutes((open) => (open === TOO_LONG_AT ? { close: TOO_LONG } : silent(open))),
  'XRPUSDT-1m-2024-03-24.csv': minutes(silent),
  'XRPUSDT-trades-2024-03-24.csv': lateTrades(),
};

describe('recordings with holes', () => {
  let dir = '';
  let stack: Stack;
  before(async () => {
    dir = await mkdtemp(join(tmpdir(), 'streamforge-holes-'));
    for (const [name, content] of Object.entries(FILES)) await writeFile(join(dir, name), content);
    stack = await startStack({ simulator: { recording: dir } });
  });
  after(async () => {
    await stack.stop();
    await rm(dir, { recursive: true, force: true });
  });

  const coverageOf = (series: string): Promise<Coverage> =>
    stack.client.get<Coverage>(`/coverage/${encodeURIComponent(series)}?from=${FROM}&to=${TO}`);
  const candles = (symbol: string): string => `binance:${symbol}:candles:1m`;

  test('case 18: an outage that symbols share is the exchange’s own; flat candles are rows, absent ones are never made up', async () => {
    const symbols = ['BTCUSDT', 'ETHUSDT'];

    const view = await stack.runWorkflow({ exchange: 'binance', symbols, type: 'api_candles_1m', time_range: TIME_RANGE });

    assert.deepEqual([view.status, view.stages[0]?.absent_count ?? view.stages[0]?.absent?.length], ['finished', 2]);
    assert.equal(await assertTruth(stack.host.url, stack.simulator.rest, symbols.map(candles), FROM, TO), 2 * (1_440 - 80));
    for (const symbol of symbols) {
      const { complete, holes } = await coverageOf(candles(symbol));
      assert.deepEqual(
        [complete, holes.map(({ from, to, kind }) => ({ from, to, kind }))],
        [true, [{ ...OUTAGE, kind: 'exchange-outage' }]],
      );
      const flat = await storedRows(stack.host.url, candles(symbol), OUTAGE.to, OUTAGE.to + MINUTE);
      assert.deepEqual(
        [...flat.values()].map((row) => ('volume' in row ? [row.volume, row.trade_count] : row)),
        [[0, 0]],
      );
    }
  });

  test('case 3: an hour that one symbol alone lacks does not end the load, and is only said to be none of the exchange', async () => {
    const view = await stack.runWorkflow({ exchange: 'binance', symbol: 'ADAUSDT', type: 'api_candles_1m', time_range: TIME_RANGE });

    assert.equal(view.status, 'finished');
    await assertTruth(stack.host.url, stack.simulator.rest, [candles('ADAUSDT')], FROM, TO);
    const { complete, holes } = await coverageOf(candles('ADAUSDT'));
    assert.deepEqual(
      [complete, holes.map(({ from, to, kind }) => ({ from, to, kind }))],
      [
        true,
        [
          { ...OUTAGE, kind: 'exchange-outage' },
          { ...OWN_HOLE, kind: 'exchange-has-none' },
        ],
      ],
    );
    await assertSettled(stack.client);
  });

  test('case 16: history that the exchange no longer gives is unavailable, and its workflow ends in error with the range', async () => {
    const series = 'binance:XRPUSDT:trades';

    const view = await stack.runWorkflow({ exchange: 'binance', symbol: 'XRPUSDT', type: 'api_trades', time_range: TIME_RANGE });

    assert.deepEqual([view.status, view.error?.code], ['error', 'rows_missing']);
    const { complete, holes } = await coverageOf(series);
    assert.equal(complete, false);
    assert.ok(holes.some(({ kind }) => kind === 'unavailable'));
    assert.ok(
      holes.every(({ kind }) => ['unavailable', 'missing'].includes(kind)),
      JSON.stringify(holes),
    );
    const truth = await truthOf(stack.simulator.rest, series, FROM, TO);
    for (const [key, row] of await storedRows(stack.host.url, series, FROM, TO)) assert.deepEqual(row, truth.get(key));
    await assertSettled(stack.client);
  });

  test('case 22: a price with seventeen digits is refused alone, dead-lettered with its place, and its hole is told', async () => {
    const series = candles('SOLUSDT');

    const view = await stack.runWorkflow({ exchange: 'binance', symbol: 'SOLUSDT', type: 'api_candles_1m', time_range: TIME_RANGE });

    assert.deepEqual([view.status, view.error?.code], ['error', 'precision_lost']);
    const { complete, holes } = await coverageOf(series);
    assert.deepEqual(
      [complete, holes.map(({ from, to, kind }) => ({ from, to, kind }))],
      [
        false,
        [
          { from: TOO_LONG_AT, to: TOO_LONG_AT + MINUTE, kind: 'refused' },
          { ...OUTAGE, kind: 'exchange-outage' },
        ],
      ],
    );
    const truth = new Map(await truthOf(stack.simulator.rest, series, FROM, TO));
    assert.equal(truth.delete(String(TOO_LONG_AT)), true);
    assertSameRows(await storedRows(stack.host.url, series, FROM, TO), truth, series);
    assert.deepEqual(deadLettersOf(await busView(stack.client)), { 'queue-control.fetch.binance.dlq': 1 });
    const { letters } = await stack.client.get<{ letters: readonly Record<string, unknown>[] }>('/bus/dlq/queue-control.fetch.binance');
    assert.deepEqual(
      letters.map(({ code, topic, row }) => ({ code, topic, row })),
      [{ code: 'precision_lost', topic: 'queue-control.fetch.binance', row: (TOO_LONG_AT - FROM) / MINUTE }],
    );
  });
});
