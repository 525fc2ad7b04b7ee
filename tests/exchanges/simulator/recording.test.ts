import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import type { AggTrade, Candle, Trade } from '../../../shared/domain/rows.ts';
import { startSimulator } from '../../../shared/exchanges/simulator/simulator.ts';
import { startTestSimulator } from '../../support/simulator.ts';
import { candleLine, MINUTE, NOON, PRICES, rowsOf, serve, tradeLine } from './recorded-files.ts';

test('candles of the archive are served as they are written, in ms and in µs, with and without a header', async (t) => {
  const header = 'open_time,open,high,low,close,volume,close_time,quote_volume,count,taker_buy_volume,taker_buy_quote_volume,ignore\n';
  const simulator = await serve(t, {
    'BTCUSDT-5m-2024-12.csv': `${candleLine(NOON, PRICES)}\n${candleLine(NOON + 5 * MINUTE, PRICES)}\n`,
    'ETHUSDT-5m-2025-01.csv': `${header}${candleLine(NOON, PRICES, '3.5', 1_000)}\r\n${candleLine(NOON + 5 * MINUTE, PRICES, '3.5', 1_000)}\r\n`,
    'SOLUSDT-1mo-2024-12.csv.gz': candleLine(Date.UTC(2024, 10, 1), PRICES),
  });
  const row = [NOON, '100.00000000', '101.50000000', '99.00000000', '100.50000000', '2.50000000', NOON + 5 * MINUTE - 1];
  const rest = ['250.12500000', 7, '1.25000000', '125.06250000', '0'];

  const milliseconds = await rowsOf(simulator, 'symbol=BTCUSDT&interval=5m');
  const microseconds = await rowsOf(simulator, 'symbol=ETHUSDT&interval=5m');
  const inMicroseconds = (await simulator.get('klines?symbol=ETHUSDT&interval=5m', { 'X-MBX-TIME-UNIT': 'MICROSECOND' }))
    .body as unknown[][];

  assert.deepEqual(milliseconds[0], [...row, ...rest]);
  assert.deepEqual(microseconds[0], [...row.with(5, '3.50000000'), ...rest]);
  assert.equal(microseconds.length, 2);
  assert.deepEqual([inMicroseconds[0]?.[0], inMicroseconds[0]?.[6]], [NOON * 1_000, (NOON + 5 * MINUTE) * 1_000 - 1]);
  assert.deepEqual(await simulator.truth<Candle>('binance:BTCUSDT:candles:5m', { to: NOON + 1 }), [
    {
      open_time: NOON,
      close_time: NOON + 5 * MINUTE - 1,
      open: 100,
      high: 101.5,
      low: 99,
      close: 100.5,
      volume: 2.5,
      quote_volume: 250.125,
      trade_count: 7,
      taker_buy_volume: 1.25,
      taker_buy_quote_volume: 125.0625,
      is_closed: true,
    },
  ]);
  assert.equal((await rowsOf(simulator, 'symbol=SOLUSDT&interval=1M'))[0]?.[0], Date.UTC(2024, 10, 1));
});

test('several files of a symbol become one series across the switch to µs: sorted, and each row once', async (t) => {
  const newYear = Date.UTC(2025, 0, 1);
  const open = (place: number): number => newYear + place * 5 * MINUTE;
  const simulator = await serve(t, {
    'BTCUSDT-5m-2025-01.csv': [2, 0, 1].map((place) => candleLine(open(place), PRICES, '1.0', 1_000)).join('\n'),
    'BTCUSDT-5m-2024-12.csv': [-1, -2, 0].map((place) => candleLine(open(place), PRICES, '1.0')).join('\n'),
  });

  const rows = await rowsOf(simulator, 'symbol=BTCUSDT&interval=5m');

  assert.deepEqual(
    rows.map((row) => row[0]),
    [-2, -1, 0, 1, 2].map(open),
  );
  assert.equal((await simulator.truth('binance:BTCUSDT:candles:5m')).length, 5);
});

test('a JSON array of candles is served with null for what it lacks, and loses no digit', async (t) => {
  const simulator = await serve(t, {
    'ADA_USDT-5m.json.gz': `[[${NOON}, 0.324, 0.325, 0.324, 0.3249, 1092922.8999999999],
[${NOON + 5 * MINUTE}, 0.3, 0.3, 0.3, 0.3, 0]]`,
    'PEPE_USDT-5m.json': `[[${NOON}, 1.2e-05, 1.3E-5, 0.00001, 0.000011, 5]]`,
  });

  const rows = await rowsOf(simulator, 'symbol=ADAUSDT&interval=5m');
  const [small] = await rowsOf(simulator, 'symbol=PEPEUSDT&interval=5m');
  const [truth] = await simulator.truth<Candle>('binance:ADAUSDT:candles:5m');

  const close = NOON + 5 * MINUTE - 1;
  assert.deepEqual(rows[0], [
    NOON,
    '0.32400000',
    '0.32500000',
    '0.32400000',
    '0.32490000',
    '1092922.8999999999',
    close,
    null,
    null,
    null,
    null,
    '0',
  ]);
  assert.deepEqual(small?.slice(1, 6), ['0.00001200', '0.00001300', '0.00001000', '0.00001100', '5.00000000']);
  assert.deepEqual(truth, {
    open_time: NOON,
    close_time: close,
    open: 0.324,
    high: 0.325,
    low: 0.324,
    close: 0.3249,
    volume: 1092922.9,
    is_closed: true,
  });
});

test('case 22: a price of seventeen digits is passed on as it was written', async (t) => {
  const simulator = await serve(t, { 'BTCUSDT-5m-2024.csv': candleLine(NOON, '12345678.123456789,12345678.123456789,1.0,1.0') });

  const [row] = await rowsOf(simulator, 'symbol=BTCUSDT&interval=5m');

  assert.deepEqual(row?.slice(1, 3), ['12345678.123456789', '12345678.123456789']);
});

test('case 3: a removed hour is not there: neither in the candles nor in what is summed from trades', async (t) => {
  const hour = 60 * MINUTE;
  const places = Array.from({ length: 36 }, (_, place) => place).filter((place) => place < 12 || place >= 24);
  const trades = [0, 1, 2, 3].map((id) => tradeLine(100 + id, NOON + id * 10 * MINUTE));
  const simulator = await serve(t, {
    'BTCUSDT-5m-2024-12.csv': places.map((place) => candleLine(NOON + place * 5 * MINUTE, PRICES)).join('\n'),
    'ETHUSDT-trades-2024-12-31.csv': [...trades, tradeLine(900, NOON + 2 * hour)].join('\n'),
  });

  const hole = await rowsOf(simulator, `symbol=BTCUSDT&interval=5m&startTime=${NOON + hour}&endTime=${NOON + 2 * hour - 1}`);
  const hourly = await rowsOf(simulator, 'symbol=BTCUSDT&interval=1h');
  const summed = await rowsOf(simulator, 'symbol=ETHUSDT&interval=5m');

  assert.deepEqual(hole, []);
  assert.deepEqual(
    hourly.map((row) => row[0]),
    [NOON, NOON + 2 * hour],
  );
  assert.deepEqual(
    summed.map((row) => [((row[0] as number) - NOON) / MINUTE, row[8]]),
    [
      [0, 1],
      [5, 0],
      [10, 1],
      [15, 0],
      [20, 1],
      [25, 0],
      [30, 1],
      [120, 1],
    ],
  );
  assert.equal((await simulator.truth('binance:BTCUSDT:candles:5m')).length, 24);
});

test('a candle that was not recorded is summed from a finer one, and opens at the first real trade', async (t) => {
  const line = (place: number, prices: string, volume: string): string => candleLine(NOON + place * 5 * MINUTE, prices, volume);
  const simulator = await serve(t, {
    'LINKUSDT-5m-2024-12.csv': [
      line(0, '9.0,9.0,9.0,9.0', '0.00000000'),
      line(1, '7.0,8.0,6.5,7.5', '1.5'),
      line(2, '7.5,7.9,7.1,7.2', '2.25'),
      line(3, '7.2,7.2,7.2,7.2', '0.00000000'),
    ].join('\n'),
  });

  const [quarter] = await rowsOf(simulator, 'symbol=LINKUSDT&interval=15m');
  const [hour] = await rowsOf(simulator, 'symbol=LINKUSDT&interval=1h');

  assert.deepEqual(quarter, [
    NOON,
    '7.00000000',
    '8.00000000',
    '6.50000000',
    '7.20000000',
    '3.75000000',
    NOON + 15 * MINUTE - 1,
    '750.37500000',
    21,
    '3.75000000',
    '375.18750000',
    '0',
  ]);
  assert.deepEqual(hour?.slice(1, 6), ['7.00000000', '8.00000000', '6.50000000', '7.20000000', '3.75000000']);
  assert.deepEqual(await rowsOf(simulator, 'symbol=LINKUSDT&interval=1m'), [], 'a shorter one cannot be known');
});

test('what is no recording is passed over with a reason, and a folder without one is refused', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'recording-'));
  t.after(() => rm(folder, { recursive: true }));
  await writeFile(join(folder, 'README.md'), '# Candles\n\nby hand\n');
  await assert.rejects(startSimulator({ recording: folder }), /README\.md: none of the known forms/);
  await writeFile(join(folder, 'BTCUSDT.csv'), candleLine(NOON, PRICES));
  await writeFile(join(folder, 'BTCUSDT-5m.csv'), candleLine(NOON, PRICES));

  const simulator = await startSimulator({ recording: folder });
  await simulator.close();

  assert.deepEqual(simulator.notes, ['BTCUSDT.csv: its name does not say the interval', 'README.md: none of the known forms']);
});

test('one file alone can be served, and its symbol has the steps that its rows show', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'recording-'));
  t.after(() => rm(folder, { recursive: true }));
  const file = join(folder, '1000SATSFDUSD-trades-2024-12-31.csv');
  await writeFile(file, `${tradeLine(1, NOON, '0.00025000', '12.50000000')}\n${tradeLine(2, NOON, '0.00025500', '12.00000000')}\n`);
  const simulator = await startTestSimulator({ recording: file });
  t.after(() => simulator.close());

  const { body } = await simulator.get('exchangeInfo');

  const [symbol] = (
    body as { symbols: { symbol: string; baseAsset: string; quoteAsset: string; filters: { tickSize?: string; stepSize?: string }[] }[] }
  ).symbols;
  assert.deepEqual([symbol?.symbol, symbol?.baseAsset, symbol?.quoteAsset], ['1000SATSFDUSD', '1000SATS', 'FDUSD']);
  assert.equal(symbol?.filters[0]?.tickSize, '0.00000100');
  assert.equal(symbol?.filters[1]?.stepSize, '0.10000000');
});

test('case 17: the clock starts just after the recording, or inside it with the candle there still forming', async (t) => {
  const files = {
    'BTCUSDT-5m-2024-12.csv': [0, 1, 2].map((place) => candleLine(NOON + place * 5 * MINUTE, PRICES)).join('\n'),
    'ETHUSDT-5m-2024-12.csv': candleLine(NOON, PRICES),
    'ETHUSDT-1m-2024-12.csv': [0, 1, 2, 3, 4]
      .map((place) => `${NOON + place * MINUTE},${place + 1}.0,9.0,1.0,5.0,2.0,${NOON + place * MINUTE + MINUTE - 1},1,1,1,1,0`)
      .join('\n'),
  };
  const whole = await serve(t, files, { speed: 0 });
  const inside = await serve(t, files, { now: NOON + 2 * MINUTE, speed: 0 });

  const { body } = await whole.get('time');
  const [forming, ...none] = await rowsOf(inside, 'symbol=BTCUSDT&interval=5m');
  const [summed] = await rowsOf(inside, 'symbol=ETHUSDT&interval=5m');

  assert.deepEqual(body, { serverTime: NOON + 15 * MINUTE + 10_000 });
  assert.equal((await rowsOf(whole, 'symbol=BTCUSDT&interval=5m')).length, 3);
  assert.deepEqual(none, []);
  assert.deepEqual(forming?.slice(0, 7), [
    NOON,
    '100.00000000',
    '100.00000000',
    '100.00000000',
    '100.00000000',
    '0.00000000',
    NOON + 5 * MINUTE - 1,
  ]);
  assert.deepEqual([summed?.[5], summed?.[8]], ['4.00000000', 2], 'the minutes that are over');
  assert.deepEqual(await inside.truth('binance:BTCUSDT:candles:5m'), []);
});

test('a synthetic day written down as an archive is served as the same day', async (t) => {
  const from = Date.UTC(2024, 5, 14, 22);
  const to = Date.UTC(2024, 5, 15, 14);
  const source = await startTestSimulator({ weightLimit: 1_000_000 });
  t.after(() => source.close());
  const trades = await source.truth<Trade>('binance:XRPUSDT:trades', { from, to });
  const aggregates = await source.truth<AggTrade>('binance:XRPUSDT:agg-trades', { from, to });
  const us = (row: Trade | AggTrade): number => row.time * 1_000 + (row.time_us ?? 0);
  const isMaker = (row: Trade | AggTrade): string => (row.side === 'sell' ? 'True' : 'False');
  const copy = await serve(t, {
    'XRPUSDT-trades-2024-06.csv': trades
      .map((row) => `${row.id},${row.price},${row.quantity},${row.quote_quantity},${us(row)},${isMaker(row)},True`)
      .join('\n'),
    'XRPUSDT-aggTrades-2024-06.csv': aggregates
      .map((row) => `${row.id},${row.price},${row.quantity},${row.first_trade_id},${row.last_trade_id},${us(row)},${isMaker(row)},True`)
      .join('\n'),
  });

  for (const interval of ['1m', '5m', '1h', '4h']) {
    const range = { from: Math.ceil(from / 14_400_000) * 14_400_000, to: Math.floor(to / 14_400_000) * 14_400_000 };
    const series = `binance:XRPUSDT:candles:${interval}`;
    assert.deepEqual(await copy.truth(series, range), await source.truth(series, range), interval);
  }
  assert.deepEqual(await copy.truth('binance:XRPUSDT:trades'), trades);
  assert.deepEqual(await copy.truth('binance:XRPUSDT:agg-trades'), aggregates);
  const path = `klines?symbol=XRPUSDT&interval=15m&startTime=${from + 3_600_000}&endTime=${to - 3_600_000}`;
  assert.deepEqual((await copy.get(path)).body, (await source.get(path)).body);
});
