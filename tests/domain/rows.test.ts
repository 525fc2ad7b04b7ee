import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { compareCandles, equalContent, type RankedCandle } from '../../shared/domain/order.ts';
import { checkRow } from '../../shared/domain/row-check.ts';
import { rowKey, storeKey } from '../../shared/domain/row-key.ts';
import { type Candle, ORIGINS, type Row } from '../../shared/domain/rows.ts';
import { parseSeriesId, seriesId } from '../../shared/domain/series.ts';

const candles = parseSeriesId('binance:BTCUSDT:candles:5m');
const trades = parseSeriesId('binance:BTCUSDT:trades');
const aggTrades = parseSeriesId('binance:BTCUSDT:agg-trades');
const aCandle = (over: Record<string, unknown> = {}): Candle =>
  ({
    open_time: 1722470400000,
    close_time: 1722470699999,
    open: 10,
    high: 12,
    low: 9,
    close: 11,
    volume: 5,
    is_closed: true,
    ...over,
  }) as Candle;
const aTrade = (over: Record<string, unknown> = {}): Row =>
  ({ id: 1, time: 1722470400000, price: 10, quantity: 1, side: 'buy', ...over }) as Row;
const anAggTrade = (over: Record<string, unknown> = {}): Row =>
  ({ id: 1, first_trade_id: 1, last_trade_id: 2, time: 1722470400000, price: 10, quantity: 1, side: 'buy', ...over }) as Row;

test('keys hold exchange, symbol, kind and interval: case 23 and 24, equal ids never meet', () => {
  assert.equal(storeKey(candles, aCandle()), 'binance:BTCUSDT:candles:5m:1722470400000');
  assert.equal(storeKey(trades, aTrade({ id: 3735683259 })), 'binance:BTCUSDT:trades:3735683259');
  assert.notEqual(storeKey(trades, aTrade()), storeKey(parseSeriesId('binance:ETHUSDT:trades'), aTrade()));
  assert.notEqual(storeKey(trades, aTrade()), storeKey(aggTrades, anAggTrade()));
  const quotes = parseSeriesId('binance:BTCUSDT:quotes');
  const quote = { time: 5, time_source: 'receipt', bid_price: 1, bid_quantity: 1, ask_price: 2, ask_quantity: 1 } as const;
  assert.notEqual(rowKey(quotes, quote), rowKey(quotes, { ...quote, ask_quantity: 2 }));
  assert.equal(rowKey(quotes, { ...quote, update_id: 9 }), '5:9');
});

test('a series id reads back as it was written, and nonsense is refused with what is allowed', () => {
  for (const id of ['binance:BTCUSDT:candles:1M', 'binance:ETHUSDT:depth', 'bitmex:XBTUSDT:quotes', 'binance:BTCUSDT:bars:1s'])
    assert.equal(seriesId(parseSeriesId(id)), id);
  for (const bad of [
    '',
    'binance',
    'kraken:BTCUSDT:trades',
    'binance:BTCUSDT:klines',
    'binance:BTCUSDT:candles',
    'binance:BTCUSDT:candles:7m',
    'binance:BTCUSDT:trades:5m',
    'binance:BTCUSDT:candles:5m:x',
  ]) {
    assert.throws(() => parseSeriesId(bad), { code: 'invalid_request' }, bad);
  }
  for (const bad of ['btcusdt', 'BTC/USDT', '', 'Ü', 'A'.repeat(41)])
    assert.throws(() => parseSeriesId(`binance:${bad}:trades`), { code: 'unsupported_symbol' }, bad);
});

const version = fc.record({
  row: fc.record({ close: fc.constantFrom(10, 11), trade_count: fc.constantFrom(undefined, 1, 2), is_closed: fc.boolean() }).map((over) => {
    const { trade_count, ...rest } = over;
    return aCandle(trade_count === undefined ? rest : over);
  }),
  origin: fc.constantFrom(...ORIGINS),
  received_at: fc.integer({ min: 1, max: 3 }),
}) as fc.Arbitrary<RankedCandle>;

test('case 61: versions of a candle have one total order', () => {
  fc.assert(
    fc.property(version, version, version, (a, b, c) => {
      assert.equal(Math.sign(compareCandles(a, b)) + Math.sign(compareCandles(b, a)), 0);
      if (compareCandles(a, b) >= 0 && compareCandles(b, c) >= 0) assert.ok(compareCandles(a, c) >= 0);
      if (compareCandles(a, b) === 0) assert.ok(equalContent(a.row, b.row));
    }),
    { numRuns: 500 },
  );
});

test('closed beats open, then more trades, then the better origin, then the later receipt', () => {
  const base: RankedCandle = { row: aCandle({ trade_count: 5 }), origin: 'rest', received_at: 10 };
  const weaker: RankedCandle[] = [
    { ...base, row: aCandle({ trade_count: 9, is_closed: false }) },
    { ...base, row: aCandle({ trade_count: 4 }) },
    { ...base, row: aCandle() },
    { ...base, origin: 'ws', received_at: 99 },
    { ...base, origin: 'recording', received_at: 99 },
    { ...base, received_at: 9 },
  ];

  for (const other of weaker) assert.ok(compareCandles(base, other) > 0, JSON.stringify(other));
  assert.equal(compareCandles(base, { ...base, origin: 'archive' }), 0);
});

test('good rows pass', () => {
  assert.equal(checkRow(candles, aCandle()), undefined);
  assert.equal(checkRow(trades, aTrade({ time_us: 999, quote_quantity: 0, is_best_match: true })), undefined);
  assert.equal(checkRow(aggTrades, anAggTrade()), undefined);
  assert.equal(checkRow(parseSeriesId('bitmex:XBTUSDT:trades'), aTrade({ id: '00000000-006d-1000-0000-000a3f2b1c4d' })), undefined);
});

test('each field of a row that is missing, ill-typed or out of range refuses the row', () => {
  const bad: [Parameters<typeof checkRow>[0], unknown][] = [
    ...['open_time', 'close_time', 'open', 'high', 'low', 'close', 'volume', 'is_closed'].flatMap((field) =>
      [undefined, null, 'x', -1, Number.NaN, Number.POSITIVE_INFINITY].map((value): [typeof candles, unknown] => [
        candles,
        aCandle({ [field]: value }),
      ]),
    ),
    [candles, aCandle({ open_time: 1722470400001 })],
    [candles, aCandle({ high: 10.5 })],
    [candles, aCandle({ low: 10.5 })],
    [candles, aCandle({ trade_count: 1.5 })],
    [candles, aCandle({ quote_volume: -1 })],
    ...['id', 'time', 'price', 'quantity', 'side'].flatMap((field) =>
      [undefined, null, {}, -1, Number.NaN].map((value): [typeof trades, unknown] => [trades, aTrade({ [field]: value })]),
    ),
    [trades, aTrade({ time: 1722470400000123 })],
    [trades, aTrade({ time_us: 0 })],
    [trades, aTrade({ time_us: 1000 })],
    [trades, aTrade({ id: 'a' })],
    [aggTrades, anAggTrade({ first_trade_id: 3 })],
    [aggTrades, anAggTrade({ quantity: 0 })],
    [candles, null],
    [candles, 'row'],
  ];

  for (const [series, row] of bad) assert.equal(checkRow(series, row)?.code, 'row_refused', JSON.stringify(row));
});
