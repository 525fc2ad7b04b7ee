import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { AggTrade, Trade } from '../../../shared/domain/rows.ts';
import { NOON, rowsOf, serve, tradeLine } from './recorded-files.ts';

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
