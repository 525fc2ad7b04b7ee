import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { AggTrade, Trade } from '../../../shared/domain/rows.ts';
import type { Series } from '../../../shared/domain/series.ts';
import type { WireTrade } from './exchange-server.ts';
import { openBench, readAll } from './open-bench.ts';
import { aTrade, START, tradesOf } from './wire-rows.ts';

const aggTrades: Series = { exchange: 'binance', symbol: 'BTCUSDT', kind: 'agg-trades' };
const trades: Series = { ...aggTrades, kind: 'trades' };
const HOUR = 3_600_000;
const after = (seconds: number): number => START + seconds * 1000;
const ids = (rows: readonly unknown[]): number[] => (rows as readonly { id: number }[]).map(({ id }) => id);
const span = (from: number, to: number): number[] => Array.from({ length: to - from + 1 }, (_, index) => from + index);

test('an aggregate becomes an agg-trade, the taker sold where the buyer was the maker, microseconds apart', async (t) => {
  const row = aTrade(6, START * 1000 + 123, { price: '0.01633102', quantity: '4.70443515', buyerIsMaker: true });
  const { exchange } = await openBench(t, {
    BTCUSDT: { trades: [aTrade(5, START * 1000 - 1), row, aTrade(7, after(1) * 1000, { buyerIsMaker: false })] },
  });

  const { rows, summary } = await readAll(exchange, { series: aggTrades, from: START, to: START + HOUR });

  assert.deepEqual(rows, [
    { id: 6, first_trade_id: 6, last_trade_id: 6, time: START, time_us: 123, price: 0.01633102, quantity: 4.70443515, side: 'sell' },
    { id: 7, first_trade_id: 7, last_trade_id: 7, time: after(1), price: 60007, quantity: 0.01, side: 'buy' },
  ]);
  assert.deepEqual(summary, { row_count: 2, first_id: 6, last_id: 7, refused: [], unavailable: [], absent: [] });
});

test('a trade keeps its quote quantity and best match', async (t) => {
  const { exchange } = await openBench(t, { BTCUSDT: { trades: [aTrade(5, START * 1000 - 1), aTrade(6, START * 1000)] } });

  const { rows } = await readAll(exchange, { series: trades, from: START, to: START + HOUR });

  assert.deepEqual(rows, [
    { id: 6, time: START, price: 60006, quantity: 0.01, quote_quantity: 600.06, side: 'sell', is_best_match: true },
  ] satisfies Trade[]);
});

test('case 24: agg-trades and trades come from their own endpoints', async (t) => {
  const { exchange, server } = await openBench(t, { BTCUSDT: { trades: tradesOf(100, 20) } });

  await readAll(exchange, { series: trades, from: after(5), to: after(10) });

  assert.ok(server.asked('/historicalTrades').every(({ query }) => !query.has('startTime') && query.has('fromId')));
  assert.ok(server.asked('/aggTrades').every(({ query }) => query.get('limit') === '1'));
});

test('a repair reads exactly the ids that it was asked for', async (t) => {
  const { exchange, server } = await openBench(t, { BTCUSDT: { trades: tradesOf(100, 50) } });

  const { rows, summary } = await readAll(exchange, { series: aggTrades, from: START, to: START + HOUR, from_id: 110, to_id: 119 });

  assert.deepEqual(ids(rows), span(110, 119));
  assert.deepEqual([summary.first_id, summary.last_id], [110, 119]);
  assert.ok(server.asked('/aggTrades').every(({ query }) => !query.has('startTime')));
});

test('a repair of ids that the exchange skips finds the row before them', async (t) => {
  const { exchange } = await openBench(t, { BTCUSDT: { trades: [...tradesOf(100, 10), ...tradesOf(110, 20).slice(5)] } });

  const { rows, summary } = await readAll(exchange, { series: aggTrades, from: START, to: START + HOUR, from_id: 112, to_id: 116 });

  assert.deepEqual(ids(rows), [115, 116]);
  assert.deepEqual(
    summary.absent.map(({ from_id, to_id, kind, evidence }) => [from_id, to_id, kind, evidence.before_key]),
    [[112, 114, 'id-skipped', '109']],
  );
});

const BAD_TRADES: readonly (readonly [string, Partial<WireTrade>, string])[] = [
  ['a price with 17 digits', { price: '60001.123456789012' }, 'precision_lost'],
  ['a quantity with 17 digits', { quantity: '123456789.12345678' }, 'precision_lost'],
  ['a price that is no decimal', { price: 'NaN' }, 'row_refused'],
  ['a quantity of zero', { quantity: '0.00000000' }, 'row_refused'],
  ['a side that is no boolean', { buyerIsMaker: 'true' as never }, 'row_refused'],
];
for (const [what, fault, code] of BAD_TRADES) {
  test(`case 22: refuses ${what} alone, by its id`, async (t) => {
    const rows = tradesOf(100, 10).with(5, aTrade(105, after(5) * 1000, fault));
    const { exchange } = await openBench(t, { BTCUSDT: { trades: rows } });

    const history = await readAll(exchange, { series: aggTrades, from: START + 1, to: START + HOUR });

    assert.deepEqual(ids(history.rows), [...span(101, 104), ...span(106, 109)]);
    assert.deepEqual(history.summary.refused, [{ from: after(5), to: after(5) + 1, from_id: 105, to_id: 105, code }]);
    assert.deepEqual(history.summary.absent, []);
  });
}

test('case 23: two symbols with the same ids are read apart', async (t) => {
  const { exchange } = await openBench(t, {
    BTCUSDT: { trades: tradesOf(1, 20) },
    ETHUSDT: { trades: tradesOf(1, 20).map((trade) => ({ ...trade, price: '3000.00000000' })) },
  });

  const [first, second] = await Promise.all(
    [aggTrades, { ...aggTrades, symbol: 'ETHUSDT' }].map((series) => readAll(exchange, { series, from: START, to: START + HOUR })),
  );

  assert.deepEqual(ids(first?.rows ?? []), ids(second?.rows ?? []));
  assert.ok(((first?.rows ?? []) as AggTrade[]).every(({ price }) => price > 50_000));
  assert.ok(((second?.rows ?? []) as AggTrade[]).every(({ price }) => price === 3_000));
});
