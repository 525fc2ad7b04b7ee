import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { MainClient } from 'binance';
import type { AggTrade, Candle, Trade } from '../../../shared/domain/rows.ts';
import { startTestSimulator, type TestSimulator } from '../../support/simulator.ts';

const FROM = Date.UTC(2024, 7, 1);
const HOUR = 3_600_000;

let simulator: TestSimulator;
let client: MainClient;
before(async () => {
  simulator = await startTestSimulator({ weightLimit: 100_000 });
  client = new MainClient({ baseUrl: simulator.rest, disableTimeSync: true });
});
after(() => simulator.close());

test('a client that nobody here wrote reads candles and gets the truth', async () => {
  const rows = await client.getKlines({ symbol: 'BTCUSDT', interval: '5m', startTime: FROM, endTime: FROM + 24 * HOUR - 1, limit: 1_000 });

  const read = rows.map((row) => ({
    open_time: row[0],
    close_time: row[6],
    open: Number(row[1]),
    high: Number(row[2]),
    low: Number(row[3]),
    close: Number(row[4]),
    volume: Number(row[5]),
    quote_volume: Number(row[7]),
    trade_count: row[8],
    taker_buy_volume: Number(row[9]),
    taker_buy_quote_volume: Number(row[10]),
    is_closed: true,
  }));
  assert.equal(read.length, 288);
  assert.deepEqual(read, await simulator.truth<Candle>('binance:BTCUSDT:candles:5m', { from: FROM, to: FROM + 24 * HOUR }));
});

test('it reads aggregate trades by id and gets the truth', async () => {
  const truth = await simulator.truth<AggTrade>('binance:ETHUSDT:agg-trades', { from: FROM, to: FROM + 12 * HOUR });
  const read: unknown[] = [];
  for (let id = truth[0]?.id ?? 0; id <= (truth.at(-1)?.id ?? 0); id += 1_000) {
    for (const row of await client.getAggregateTrades({ symbol: 'ETHUSDT', fromId: id, limit: 1_000 })) {
      if (row.T >= FROM + 12 * HOUR) break;
      read.push({
        id: row.a,
        first_trade_id: row.f,
        last_trade_id: row.l,
        time: row.T,
        price: Number(row.p),
        quantity: Number(row.q),
        side: row.m ? 'sell' : 'buy',
      });
    }
  }

  assert.ok(truth.length > 1_000);
  assert.deepEqual(
    read,
    truth.map(({ time_us: _, ...row }) => row),
  );
});

test('it reads trades and gets the truth', async () => {
  const truth = await simulator.truth<Trade>('binance:ADAUSDT:trades', { from: FROM, to: FROM + 6 * HOUR });

  const rows = await client.getHistoricalTrades({ symbol: 'ADAUSDT', fromId: Number(truth[0]?.id), limit: 1_000 });

  const read = rows.slice(0, truth.length).map((row) => ({
    id: row.id,
    time: row.time,
    price: Number(row.price),
    quantity: Number(row.qty),
    quote_quantity: Number(row.quoteQty),
    side: row.isBuyerMaker ? 'sell' : 'buy',
    is_best_match: row.isBestMatch,
  }));
  assert.ok(truth.length > 500 && truth.length < 1_000);
  assert.deepEqual(
    read,
    truth.map(({ time_us: _, ...row }) => row),
  );
});

test('it reads the book, the symbols and the tickers', async () => {
  const book = await client.getOrderBook({ symbol: 'SOLUSDT', limit: 100 });
  const info = await client.getExchangeInfo({ symbol: 'WAVESUSDT' });
  const day = await client.get24hrChangeStatistics({ symbol: 'BTCUSDT' });

  assert.equal(book.bids.length, 100);
  assert.ok(Number(book.bids[0]?.[0]) < Number(book.asks[0]?.[0]));
  assert.equal(info.symbols[0]?.status, 'BREAK');
  const priceFilter = info.symbols[0]?.filters.find((filter) => filter.filterType === 'PRICE_FILTER');
  assert.equal(priceFilter?.tickSize, '0.00050000');
  assert.equal(day.symbol, 'BTCUSDT');
  assert.equal(day.count, day.lastId - day.firstId + 1);
});

test('it is told about a mistake in the words of the exchange', async () => {
  await assert.rejects(client.getKlines({ symbol: 'NOPEUSDT', interval: '5m' }), (error: { code?: number; message?: string }) => {
    assert.equal(error.code, -1121);
    assert.equal(error.message, 'Invalid symbol.');
    return true;
  });
});
