import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import type { AggTrade, Candle, Trade } from '../../../shared/domain/rows.ts';
import { RECORDINGS, startTestSimulator, withoutRecording } from '../../support/simulator.ts';

const MINUTE = 60_000;

test('case 18: the outage of 2023-03-24 is a hole of sixteen candles, and the flat ones before it are there', {
  skip: withoutRecording('klines-5m-2023'),
}, async (t) => {
  const simulator = await startTestSimulator({ recording: join(RECORDINGS, 'klines-5m-2023') });
  t.after(() => simulator.close());
  const day = Date.UTC(2023, 2, 24);
  const [from, to] = [day + 12 * 60 * MINUTE + 40 * MINUTE, day + 14 * 60 * MINUTE];

  for (const symbol of ['BTCUSDT', 'ETHUSDT', 'SOLUSDT', 'ADAUSDT']) {
    const truth = await simulator.truth<Candle>(`binance:${symbol}:candles:5m`, { from: day, to: day + 1_440 * MINUTE });
    const { body } = await simulator.get(`klines?symbol=${symbol}&interval=5m&startTime=${from}&endTime=${to - 1}`);
    const { body: around } = await simulator.get(`klines?symbol=${symbol}&interval=5m&startTime=${from - 5 * MINUTE}&endTime=${to}`);

    assert.equal(truth.length, 288 - 16, symbol);
    assert.deepEqual(body, []);
    assert.deepEqual(
      (around as number[][]).map((row) => row[0]),
      [from - 5 * MINUTE, to],
    );
    const flat = truth.filter((row) => row.volume === 0);
    assert.ok(flat.length >= 13, `${symbol}: ${flat.length} flat candles`);
    assert.ok(flat.every((row) => row.open === row.close && row.high === row.low));
    assert.ok(truth.every((row) => !('quote_volume' in row) && !('trade_count' in row)));
  }
  const later = await simulator.truth<Candle>('binance:LINKUSDT:candles:5m', { to: Date.UTC(2023, 3, 2) });
  assert.equal(later[0]?.open_time, Date.UTC(2023, 3, 1, 21, 5));
});

test("recorded frames of BTCUSDT give every trade, and the archive's own candles", {
  skip: withoutRecording('binance-ws-btcusdt-2024'),
}, async (t) => {
  const simulator = await startTestSimulator({ recording: join(RECORDINGS, 'binance-ws-btcusdt-2024') });
  t.after(() => simulator.close());

  const trades = await simulator.truth<Trade>('binance:BTCUSDT:trades');
  const aggregates = await simulator.truth<AggTrade>('binance:BTCUSDT:agg-trades');
  const candles = await simulator.truth<Candle>('binance:BTCUSDT:candles:5m');

  assert.deepEqual([trades.length, trades[0]?.id, trades.at(-1)?.id], [19_904, 3735683259, 3735703162]);
  assert.deepEqual(
    candles.map((row) => row.trade_count),
    [875, 8_863, 9_913],
  );
  assert.deepEqual(aggregates.at(-1)?.last_trade_id, 3735703162);
  const [archived] = candles.slice(2);
  assert.deepEqual([archived?.open, archived?.close, archived?.volume], [61686, 61607.99, 221.61722]);
});

const TRX = 'trxusdt-2025/test_positive_binance_trade_stream_spot_trxusdt_04-03-2025.csv.gz';

test('a flattened stream with named columns gives its trades in µs', { skip: withoutRecording(TRX) }, async (t) => {
  const simulator = await startTestSimulator({ recording: join(RECORDINGS, TRX) });
  t.after(() => simulator.close());

  const trades = await simulator.truth<Trade>('binance:TRXUSDT:trades');

  assert.deepEqual(trades[0], {
    id: 348656870,
    time: 1741046401271,
    time_us: 497,
    price: 0.2312,
    quantity: 2619.4,
    quote_quantity: 605.60528,
    side: 'sell',
    is_best_match: true,
  });
  assert.equal(trades.length, (trades.at(-1)?.id as number) - (trades[0]?.id as number) + 1, 'without a gap');
});
