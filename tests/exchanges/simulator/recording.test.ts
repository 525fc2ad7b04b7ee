import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import type { AggTrade, Candle, Trade } from '../../../shared/domain/rows.ts';
import { startSimulator } from '../../../shared/exchanges/simulator/simulator.ts';
import { startTestSimulator, type TestSimulator } from '../../support/simulator.ts';

const MINUTE = 60_000;
const NOON = Date.UTC(2024, 11, 31, 12);

/** A simulator over a folder of these files; a name that ends in `.gz` is packed. */
async function serve(t: TestContext, files: Readonly<Record<string, string>>, options: object = {}): Promise<TestSimulator> {
  const folder = await mkdtemp(join(tmpdir(), 'recording-'));
  t.after(() => rm(folder, { recursive: true }));
  for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), name.endsWith('.gz') ? gzipSync(text) : text);
  const simulator = await startTestSimulator({ recording: folder, weightLimit: 1_000_000, ...options });
  t.after(() => simulator.close());
  return simulator;
}

/** An archive's candle line. */
function candleLine(open: number, prices: string, volume = '2.50000000', unit = 1): string {
  const close = (open + 5 * MINUTE) * unit - 1;
  return `${open * unit},${prices},${volume},${close},250.12500000,7,1.25000000,125.06250000,0`;
}

const tradeLine = (id: number, time: number, price = '100.00000000', quantity = '0.50000000', maker = 'True'): string =>
  `${id},${price},${quantity},${(Number(price) * Number(quantity)).toFixed(8)},${time},${maker},True`;

const PRICES = '100.00000000,101.50000000,99.00000000,100.50000000';
const rowsOf = async (simulator: TestSimulator, query: string): Promise<unknown[][]> =>
  (await simulator.get(`klines?${query}`)).body as unknown[][];

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

test('case 1: trades are served as written, a thousand and more in one millisecond, and what belongs together is one aggregate', async (t) => {
  const lines = [
    tradeLine(10, NOON, '100.00000000', '0.50000000', 'True'),
    tradeLine(11, NOON, '100.00000000', '0.25000000', 'True'),
    tradeLine(12, NOON, '100.00000000', '0.25000000', 'False'),
    tradeLine(13, NOON, '100.10000000', '0.25000000', 'False'),
    tradeLine(15, NOON, '100.10000000', '0.25000000', 'False'),
    ...Array.from({ length: 2_500 }, (_, place) =>
      tradeLine(16 + place, NOON + 1, '99.90000000', '0.10000000', place % 2 === 0 ? 'true' : 'false'),
    ),
  ];
  const simulator = await serve(t, { 'BTCUSDT-trades-2024-12-31.csv': lines.join('\n') });
  const ask = async <R>(path: string): Promise<R[]> => (await simulator.get(path)).body as R[];

  const first = await ask<object>('historicalTrades?symbol=BTCUSDT&fromId=1&limit=1');
  const second = await ask<{ id: number }>('historicalTrades?symbol=BTCUSDT&fromId=14&limit=1000');
  const aggregates = await ask<{ a: number; f: number; l: number; q: string }>('aggTrades?symbol=BTCUSDT&fromId=1&limit=5');
  const truth = await simulator.truth<Trade>('binance:BTCUSDT:trades');
  const aggregated = await simulator.truth<AggTrade>('binance:BTCUSDT:agg-trades');

  assert.deepEqual(first, [
    { id: 10, price: '100.00000000', qty: '0.50000000', quoteQty: '50.00000000', time: NOON, isBuyerMaker: true, isBestMatch: true },
  ]);
  assert.deepEqual([second[0]?.id, second.length], [15, 1_000], 'an id that is missing is passed over');
  assert.deepEqual(
    aggregates.map((row) => [row.a, row.f, row.l, row.q]),
    [
      [1, 10, 11, '0.75000000'],
      [2, 12, 12, '0.25000000'],
      [3, 13, 13, '0.25000000'],
      [4, 15, 15, '0.25000000'],
      [5, 16, 16, '0.10000000'],
    ],
  );
  assert.equal(truth.length, 2_505);
  assert.deepEqual([truth[0]?.side, truth[2]?.side], ['sell', 'buy']);
  assert.equal(aggregated.length, 2_504);
  assert.equal((await ask(`aggTrades?symbol=BTCUSDT&startTime=${NOON + 1}&endTime=${NOON + 1}&limit=1000`)).length, 1_000);
});

test('µs of trades are kept, and an old file without the last column is read', async (t) => {
  const simulator = await serve(t, {
    'BTCUSDT-trades-2025-01-01.csv': `${tradeLine(1, NOON * 1_000 + 7)}\n${tradeLine(2, NOON * 1_000 + 1_000)}\n`,
    'ETHUSDT-trades-2018-01-01.csv': '1,2.5,4,10.0,1514764800000,false',
  });

  const truth = await simulator.truth<Trade>('binance:BTCUSDT:trades');
  const [inMs] = (await simulator.get('historicalTrades?symbol=BTCUSDT&fromId=1&limit=1')).body as { time: number }[];
  const [inUs] = (await simulator.get('historicalTrades?symbol=BTCUSDT&fromId=1&limit=1', { 'x-mbx-time-unit': 'microsecond' })).body as {
    time: number;
  }[];
  const [old] = await simulator.truth<Trade>('binance:ETHUSDT:trades');

  assert.deepEqual(
    truth.map((row) => [row.time, row.time_us]),
    [
      [NOON, 7],
      [NOON + 1, undefined],
    ],
  );
  assert.deepEqual([inMs?.time, inUs?.time], [NOON, NOON * 1_000 + 7]);
  assert.deepEqual(old, { id: 1, time: 1514764800000, price: 2.5, quantity: 4, quote_quantity: 10, side: 'buy', is_best_match: true });
});

test('aggregate trades of the archive are served as written, and candles are summed from them where nothing else is there', async (t) => {
  const simulator = await serve(t, {
    'BTCUSDT-aggTrades-2024-12-31.csv.gz': [
      `500,100.00000000,0.50000000,1000,1002,${NOON},True,True`,
      `501,102.00000000,0.25000000,1003,1003,${NOON + 61_000},False,False`,
    ].join('\n'),
  });

  const { body } = await simulator.get('aggTrades?symbol=BTCUSDT');
  const rows = await rowsOf(simulator, 'symbol=BTCUSDT&interval=1m');

  assert.deepEqual(body, [
    { a: 500, p: '100.00000000', q: '0.50000000', f: 1000, l: 1002, T: NOON, m: true, M: true },
    { a: 501, p: '102.00000000', q: '0.25000000', f: 1003, l: 1003, T: NOON + 61_000, m: false, M: false },
  ]);
  assert.deepEqual(rows[0]?.slice(7, 11), ['50.00000000', 3, '0.00000000', '0.00000000']);
  assert.deepEqual(rows[1]?.slice(7, 11), ['25.50000000', 1, '0.25000000', '25.50000000']);
  assert.deepEqual((await simulator.get('trades?symbol=BTCUSDT')).body, []);
});

test('trades in recorded frames are read, in both forms; other frames are passed over', async (t) => {
  const frame = (t0: number, stream: boolean): string => {
    const data = { e: 'trade', E: NOON + 5, s: 'BTCUSDT', t: t0, p: '61837.63000000', q: '0.02000000', T: NOON + t0, m: true, M: true };
    return JSON.stringify(stream ? { stream: 'btcusdt@trade', data } : data);
  };
  const quote = '{"stream":"btcusdt@bookTicker","data":{"u":1,"s":"BTCUSDT","b":"1","B":"1","a":"2","A":"1"}}';
  const aggregate = JSON.stringify({
    e: 'aggTrade',
    E: NOON,
    s: 'ETHUSDT',
    a: 7,
    p: '2.5',
    q: '4',
    f: 1,
    l: 3,
    T: NOON,
    m: false,
    M: true,
  });
  const simulator = await serve(t, {
    'btcusdt_20241231.gz': [
      `${NOON}000000 ${frame(1, true)}`,
      `${NOON}000001 ${quote}`,
      `${NOON}000002 ${frame(2, false)}`,
      `${NOON}000003 {"torn`,
    ].join('\n'),
    'session.ws.jsonl.gz': [
      { ts: NOON / 1_000, raw: frame(3, true) },
      { ts: NOON / 1_000, raw: aggregate },
    ]
      .map((line) => JSON.stringify(line))
      .join('\n'),
  });

  const trades = await simulator.truth<Trade>('binance:BTCUSDT:trades');
  const [aggregated] = await simulator.truth<AggTrade>('binance:ETHUSDT:agg-trades');

  assert.deepEqual(
    trades.map((row) => row.id),
    [1, 2, 3],
  );
  assert.deepEqual(trades[0], {
    id: 1,
    time: NOON + 1,
    price: 61837.63,
    quantity: 0.02,
    quote_quantity: 1236.7526,
    side: 'sell',
    is_best_match: true,
  });
  assert.deepEqual(aggregated, { id: 7, first_trade_id: 1, last_trade_id: 3, time: NOON, price: 2.5, quantity: 4, side: 'buy' });
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
