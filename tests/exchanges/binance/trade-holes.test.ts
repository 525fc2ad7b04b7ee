import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Series } from '../../../shared/domain/series.ts';
import type { WireTrade } from './exchange-server.ts';
import { openBench, proofOf, readAll } from './open-bench.ts';
import { aKline, aTrade, START, tradesOf } from './wire-rows.ts';

const aggTrades: Series = { exchange: 'binance', symbol: 'BTCUSDT', kind: 'agg-trades' };
const trades: Series = { ...aggTrades, kind: 'trades' };
const HOUR = 3_600_000;
const DAY = 86_400_000;
const after = (seconds: number): number => START + seconds * 1000;
const ids = (rows: readonly unknown[]): number[] => (rows as readonly { id: number }[]).map(({ id }) => id);
const span = (from: number, to: number): number[] => Array.from({ length: to - from + 1 }, (_, index) => from + index);
const candlesBefore = { '1m': [aKline(0, { 0: START - DAY, 6: START - DAY + 59_999 })] };

test('behind the newest row of a symbol that is no longer traded the series has ended', async (t) => {
  const { exchange } = await openBench(t, { BTCUSDT: { status: 'BREAK', trades: tradesOf(100, 50) } });

  const { summary } = await readAll(exchange, { series: aggTrades, from: after(3_600), to: after(7_200) });

  assert.deepEqual(
    summary.absent.map(({ from, to, from_id, to_id, kind }) => [from, to, from_id, to_id, kind]),
    [[after(3_600), after(7_200), 150, 149, 'ended']],
  );
});

test('an hour without trades between two rows with neighbouring ids is quiet, proven by ids', async (t) => {
  const { exchange } = await openBench(t, { BTCUSDT: { trades: [...tradesOf(100, 10), aTrade(110, after(9_000) * 1000)] } });

  const { summary } = await readAll(exchange, { series: aggTrades, from: after(3_600), to: after(7_200) });

  assert.deepEqual([summary.first_id, summary.last_id, summary.row_count], [110, 109, 0]);
  assert.deepEqual(
    summary.absent.map(({ from_id, to_id, kind, evidence }) => [
      from_id,
      to_id,
      kind,
      evidence.grade,
      evidence.before_key,
      evidence.after_key,
    ]),
    [[110, 109, 'no-trades', 'ids', '109', '110']],
  );
});

test('ids that the exchange itself skips are absent, with both neighbours', async (t) => {
  const skipping = [...tradesOf(100, 10), ...tradesOf(110, 20).slice(5)];
  const { exchange } = await openBench(t, { BTCUSDT: { trades: skipping } });

  const { rows, summary } = await readAll(exchange, { series: aggTrades, from: START + 1, to: START + HOUR });

  assert.deepEqual(ids(rows), [...span(101, 109), ...span(115, 129)]);
  assert.deepEqual([summary.first_id, summary.last_id], [101, 129]);
  assert.deepEqual(
    summary.absent.map(({ from_id, to_id, kind, evidence }) => [from_id, to_id, kind, evidence.before_key, evidence.after_key]),
    [[110, 114, 'id-skipped', '109', '115']],
  );
});

test('ids skipped at the end of a range belong to it; the next range begins behind them', async (t) => {
  const skipping = [...tradesOf(100, 10), ...tradesOf(200, 10).map((trade) => ({ ...trade, timeUs: trade.timeUs + HOUR * 3_000 }))];
  const { exchange } = await openBench(t, { BTCUSDT: { trades: skipping } });

  const summaries = [];
  for (const hour of [0, 1, 2, 3])
    summaries.push(
      (await readAll(exchange, { series: aggTrades, from: START + 1 + hour * HOUR, to: START + 1 + (hour + 1) * HOUR })).summary,
    );

  assert.deepEqual(
    summaries.map(({ first_id, last_id }) => [first_id, last_id]),
    [
      [101, 199],
      [200, 199],
      [200, 200],
      [201, 209],
    ],
  );
  assert.deepEqual(
    summaries.map(({ absent }) => absent.map(({ from_id, to_id, kind }) => [from_id, to_id, kind])),
    [[[110, 199, 'id-skipped']], [[200, 199, 'id-skipped']], [], []],
  );
});

test('a skip next to a row younger than five minutes stays missing', async (t) => {
  const skipping = [...tradesOf(100, 10), aTrade(115, after(20) * 1000)];
  const { exchange } = await openBench(t, { BTCUSDT: { trades: skipping } }, { start: after(20 + 299) });

  const { summary } = await readAll(exchange, { series: aggTrades, from: START + 1, to: after(30) });

  assert.deepEqual([summary.first_id, summary.last_id, summary.absent], [101, 115, []]);
});

test('case 16: before the first id ever the series is not listed', async (t) => {
  const { exchange } = await openBench(t, { BTCUSDT: { trades: tradesOf(1, 20), klines: candlesBefore } });

  const { rows, summary } = await readAll(exchange, { series: aggTrades, from: START - HOUR, to: START + HOUR });

  assert.deepEqual(ids(rows), span(1, 20));
  assert.deepEqual([summary.first_id, summary.last_id], [0, 20]);
  assert.deepEqual(
    summary.absent.map(({ from, to, from_id, to_id, kind, evidence }) => [from, to, from_id, to_id, kind, evidence.grade]),
    [[START - HOUR, START, 0, 0, 'not-listed', 'ids']],
  );
});

test('case 16: cold history is unavailable where candles show that there were trades before', async (t) => {
  const { exchange } = await openBench(t, { BTCUSDT: { trades: tradesOf(501, 20), klines: candlesBefore } });

  const head = await readAll(exchange, { series: aggTrades, from: START - HOUR, to: START + HOUR });
  const whole = await readAll(exchange, { series: aggTrades, from: START - 2 * HOUR, to: START - HOUR });

  assert.deepEqual(ids(head.rows), span(501, 520));
  assert.deepEqual(head.summary.unavailable, [{ from: START - HOUR, to: START, from_id: 500, to_id: 500 }]);
  assert.deepEqual([head.summary.first_id, head.summary.last_id, head.summary.absent], [500, 520, []]);
  assert.deepEqual(whole.summary.unavailable, [{ from: START - 2 * HOUR, to: START - HOUR, from_id: 500, to_id: 500 }]);
  assert.deepEqual([whole.summary.first_id, whole.summary.last_id], [500, 500]);
});

test('case 16: a first row with a high id is the first ever where no candle is older', async (t) => {
  const { exchange } = await openBench(t, { BTCUSDT: { trades: tradesOf(501, 20), klines: { '1m': [aKline(0, { 6: START + 59_999 })] } } });

  const { summary } = await readAll(exchange, { series: trades, from: START - HOUR, to: START + HOUR });

  assert.deepEqual(
    summary.absent.map(({ kind, evidence }) => [kind, evidence.grade, evidence.after_key]),
    [['not-listed', 'two-reads', '501']],
  );
});

test('what is read proves every hour: with rows, quiet, inside a skip, before the first id; cold history stays missing', async (t) => {
  const late = (trade: WireTrade): WireTrade => ({ ...trade, timeUs: trade.timeUs + 3 * HOUR * 1000 });
  const listed = [...tradesOf(1, 10), ...tradesOf(11, 5).map(late), ...tradesOf(40, 5).map((trade) => late(late(trade)))];
  const { exchange } = await openBench(t, { BTCUSDT: { trades: listed }, ETHUSDT: { trades: tradesOf(501, 20), klines: candlesBefore } });

  const missing: unknown[] = [];
  for (let hour = -2; hour < 8; hour += 1) {
    const request = { series: aggTrades, from: START + hour * HOUR, to: START + (hour + 1) * HOUR };
    missing.push(...proofOf(request, await readAll(exchange, request)).missing);
  }
  const cold = { series: { ...aggTrades, symbol: 'ETHUSDT' }, from: START - HOUR, to: START + HOUR };
  const proof = proofOf(cold, await readAll(exchange, cold));

  assert.deepEqual(missing, []);
  assert.deepEqual(
    proof.missing.map(({ from_id, to_id }) => [from_id, to_id]),
    [[500, 500]],
  );
});
