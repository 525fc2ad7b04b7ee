import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Candle } from '../../../shared/domain/rows.ts';
import type { Series } from '../../../shared/domain/series.ts';
import type { WireKline, WireMarket } from './exchange-server.ts';
import { openBench, readAll } from './open-bench.ts';
import { aKline, FIVE_MINUTES, klinesOf, START } from './wire-rows.ts';

const series: Series = { exchange: 'binance', symbol: 'BTCUSDT', kind: 'candles', interval: '5m' };
const at = (bucket: number): number => START + bucket * FIVE_MINUTES;
const range = (from: number, to: number) => ({ series, from: at(from), to: at(to) });
const market = (klines: readonly WireKline[], more: Partial<WireMarket> = {}): WireMarket => ({ klines: { '5m': klines }, ...more });
const opens = (rows: readonly unknown[]): number[] => (rows as readonly Candle[]).map((row) => (row.open_time - START) / FIVE_MINUTES);
const buckets = (from: number, to: number): number[] => Array.from({ length: to - from }, (_, index) => from + index);

test('a kline becomes a candle with every field, its decimals as the nearest doubles', async (t) => {
  const { exchange } = await openBench(t, {
    BTCUSDT: market([aKline(0, { 1: '0.01634790', 2: '0.80000000', 3: '0.01575800', 4: '0.01577100' })]),
  });

  const { rows, summary } = await readAll(exchange, range(0, 1));

  assert.deepEqual(rows, [
    {
      open_time: START,
      close_time: START + FIVE_MINUTES - 1,
      open: 0.0163479,
      high: 0.8,
      low: 0.015758,
      close: 0.015771,
      volume: 1.5,
      quote_volume: 90000.12345678,
      trade_count: 7,
      taker_buy_volume: 0.5,
      taker_buy_quote_volume: 30000,
      is_closed: true,
    },
  ]);
  assert.deepEqual(summary, { row_count: 1, refused: [], unavailable: [], absent: [] });
});

test('a value that the source lacks is absent, never 0', async (t) => {
  const { exchange } = await openBench(t, { BTCUSDT: market([aKline(0, { 7: null, 8: null, 9: null, 10: null })]) });

  const { rows } = await readAll(exchange, range(0, 1));

  assert.deepEqual(Object.keys(rows[0] ?? {}), ['open_time', 'close_time', 'open', 'high', 'low', 'close', 'volume', 'is_closed']);
});

test('times in microseconds become milliseconds', async (t) => {
  const wide = aKline(0).map((value, column) => (column === 0 ? START * 1000 : column === 6 ? (START + FIVE_MINUTES) * 1000 - 1 : value));
  const { exchange, server } = await openBench(t, { BTCUSDT: market([]) });
  server.script(({ path }) => (path.endsWith('klines') ? [wide] : undefined));

  const { rows } = await readAll(exchange, range(0, 1));

  assert.deepEqual(opens(rows), [0]);
  assert.equal((rows[0] as Candle).close_time, START + FIVE_MINUTES - 1);
});

test('case 18: a flat candle is a row with volume 0', async (t) => {
  const { exchange } = await openBench(t, {
    BTCUSDT: market([aKline(0), aKline(1, { 5: '0.00000000', 7: '0.00000000', 8: 0, 9: '0.00000000', 10: '0.00000000' })]),
  });

  const { rows, summary } = await readAll(exchange, range(0, 2));

  assert.deepEqual([(rows[1] as Candle).volume, (rows[1] as Candle).trade_count], [0, 0]);
  assert.deepEqual(summary.absent, []);
});

test('case 22: a price with more than 15 significant digits is refused alone, its bucket is no hole of the exchange', async (t) => {
  const klines = [aKline(0), aKline(1, { 2: '60001.123456789012' }), aKline(2)];
  const { exchange } = await openBench(t, { BTCUSDT: market(klines) });

  const { pages, rows, summary } = await readAll(exchange, range(0, 3));

  assert.deepEqual(opens(rows), [0, 2]);
  assert.deepEqual(summary.refused, [{ from: at(1), to: at(2), code: 'precision_lost' }]);
  assert.deepEqual(summary.absent, []);
  assert.deepEqual(
    pages[0]?.refused.map(({ index, raw }) => [index, raw]),
    [[1, klines[1]]],
  );
});

const BAD_ROWS: readonly (readonly [string, WireKline | string])[] = [
  ['a price that is no decimal', aKline(1, { 4: '6e4' })],
  ['a price of zero', aKline(1, { 3: '0.00000000' })],
  ['a price as a number', aKline(1, { 1: 60001 })],
  ['a high below its low', aKline(1, { 2: '1.00000000' })],
  ['a volume that is missing', aKline(1, { 5: null })],
  ['a count that is no number', aKline(1, { 8: '7' })],
  ['an open time that is no number', aKline(1, { 0: '1722470700000' })],
  ['a close time of another interval', aKline(1, { 6: at(3) - 1 })],
  ['a row that is no list', 'x'],
];
for (const [what, row] of BAD_ROWS) {
  test(`refuses ${what} alone, with the range of its bucket`, async (t) => {
    const { exchange, server } = await openBench(t, { BTCUSDT: market(klinesOf(0, 10)) });
    server.script(({ path }) => (path.endsWith('klines') ? [aKline(0), row, aKline(2)] : undefined));

    const { rows, summary } = await readAll(exchange, range(0, 3));

    assert.deepEqual(opens(rows), [0, 2]);
    assert.deepEqual(summary.refused, [{ from: at(1), to: at(2), code: 'row_refused' }]);
  });
}

test('case 2: a page that comes doubled gives every row once', async (t) => {
  const { exchange, server } = await openBench(t, { BTCUSDT: market(klinesOf(0, 100)) });
  server.script(({ path }, rows) => (path.endsWith('klines') ? [...(rows ?? []), ...(rows ?? [])] : undefined));

  const { rows } = await readAll(exchange, range(0, 100));

  assert.deepEqual(opens(rows), buckets(0, 100));
});
