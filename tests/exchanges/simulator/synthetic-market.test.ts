import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CANDLE_INTERVALS } from '../../../shared/exchanges/simulator/buckets.ts';
import { addDecimals, type Decimal, multiplyDecimals, parseDecimal, printDecimal } from '../../../shared/exchanges/simulator/decimal.ts';
import type { AggregateFacts, CandleFacts, SymbolMarket, TradeFacts } from '../../../shared/exchanges/simulator/market.ts';
import { createSyntheticMarket, type SyntheticOptions } from '../../../shared/exchanges/simulator/synthetic/synthetic-market.ts';

const DAY = 86_400_000;
const ZERO: Decimal = { units: 0n, decimals: 0 };

function aMarket(symbol: string, options: Partial<SyntheticOptions> = {}): SymbolMarket {
  const market = createSyntheticMarket({ seed: 1, leadStrength: 0.3, burst: 1_100, ...options });
  const found = market.symbols.find((candidate) => candidate.symbol === symbol);
  assert.ok(found, symbol);
  return found;
}

function tradesIn(market: SymbolMarket, from: number, to: number): TradeFacts[] {
  const table = market.trades;
  return table === undefined ? [] : table.facts(table.countUntil(from * 1_000 - 1), table.countUntil(to * 1_000 - 1));
}

function aggregatesIn(market: SymbolMarket, from: number, to: number): AggregateFacts[] {
  const table = market.aggregates;
  return table === undefined ? [] : table.facts(table.countUntil(from * 1_000 - 1), table.countUntil(to * 1_000 - 1));
}

const decimal = (text: string): Decimal => parseDecimal(text) ?? ZERO;
const sum = (texts: readonly string[]): string => printDecimal(texts.reduce((total, text) => addDecimals(total, decimal(text)), ZERO));
const quote = (trade: TradeFacts): string => printDecimal(multiplyDecimals(decimal(trade.price), decimal(trade.quantity)));

/** A candle summed from trades in the plainest way there is. */
function candleOf(trades: readonly TradeFacts[], openTime: number, nextOpen: number, priceBefore: string): CandleFacts {
  const prices = trades.map((trade) => trade.price).toSorted((a, b) => Number(a) - Number(b));
  const bought = trades.filter((trade) => !trade.buyerIsMaker);
  return {
    openTime,
    nextOpen,
    open: trades[0]?.price ?? priceBefore,
    high: prices.at(-1) ?? priceBefore,
    low: prices[0] ?? priceBefore,
    close: trades.at(-1)?.price ?? priceBefore,
    volume: sum(trades.map((trade) => trade.quantity)),
    quoteVolume: sum(trades.map(quote)),
    tradeCount: trades.length,
    takerBase: sum(bought.map((trade) => trade.quantity)),
    takerQuote: sum(bought.map(quote)),
  };
}

/** Close of the last trade before a moment. */
const closeBefore = (market: SymbolMarket, time: number): string => {
  const table = market.trades;
  const count = table?.countUntil(time * 1_000 - 1) ?? 0;
  return table?.facts(count - 1, count)[0]?.price ?? '';
};

/** How many candles of an interval are compared, and how far before the burst of the 15th the first one lies. */
const COMPARED: Readonly<Record<string, readonly [count: number, beforeMs: number]>> = {
  '1s': [130, 0],
  '1m': [200, 0],
  '1d': [2, 2 * DAY],
  '3d': [1, 3 * DAY],
  '1w': [1, 8 * DAY],
  '1M': [1, 40 * DAY],
};

for (const symbol of ['BTCUSDT', 'XRPUSDT', 'PEPEUSDT', 'WAVESUSDT']) {
  test(`candles of ${symbol} are exactly the sums of its own trades at every interval`, () => {
    const market = aMarket(symbol);
    const isLively = symbol === 'BTCUSDT';
    const begin = Date.UTC(2024, 5, 15, 11, 58);

    for (const interval of CANDLE_INTERVALS) {
      const [count, before] = COMPARED[interval] ?? [5, DAY / 2];
      if (isLively && before > 3 * DAY) continue;
      const table = market.candles(interval);
      assert.ok(table);
      const first = table.indexFrom(begin - before);
      let nextOpen = table.openTimeOf(first);
      for (const candle of table.facts(first, first + count)) {
        const trades = tradesIn(market, candle.openTime, candle.nextOpen);
        const where = `${interval} ${new Date(candle.openTime).toISOString()}`;

        assert.deepEqual(candle, candleOf(trades, candle.openTime, candle.nextOpen, closeBefore(market, candle.openTime)), where);
        assert.equal(candle.openTime, nextOpen);
        nextOpen = candle.nextOpen;
      }
    }
  });
}

test('the first flat second of a day stands at the last trade of the day before, whatever was made first', () => {
  for (let day = 0; day < 12; day++) {
    const midnight = Date.UTC(2024, 1, 1) + day * DAY;
    const market = aMarket('ADAUSDT');
    const candles = market.candles('1s');
    const first = candles?.indexFrom(midnight) ?? 0;
    const [second] = candles?.facts(first, first + 1) ?? [];

    if (second?.tradeCount === 0) assert.equal(second.close, closeBefore(market, midnight));
    else assert.equal(second?.tradeCount, tradesIn(market, midnight, midnight + 1_000).length);
  }
});

test('a candle that forms holds the trades up to the clock and no more', () => {
  const market = aMarket('BTCUSDT');
  const open = Date.UTC(2024, 2, 5, 10);
  const now = open + 154_321;

  for (const interval of ['1s', '1m', '5m', '1h', '1d', '1w'] as const) {
    const table = market.candles(interval);
    assert.ok(table);
    const index = table.indexFrom(now + 1) - 1;
    const candle = table.asOf(index, now);
    const trades = tradesIn(market, candle.openTime, now + 1);

    assert.deepEqual(candle, candleOf(trades, candle.openTime, candle.nextOpen, closeBefore(market, candle.openTime)), interval);
  }
});

test('aggregates are the fills of one moment, price and side, and both id spaces begin at 1 and have no hole', () => {
  const market = aMarket('ETHUSDT');
  const begin = Date.UTC(2022, 0, 1);
  const trades = tradesIn(market, begin, begin + 2 * DAY);
  const aggregates = aggregatesIn(market, begin, begin + 2 * DAY);

  let next = 0;
  for (const [place, aggregate] of aggregates.entries()) {
    const fills = trades.slice(next, next + aggregate.lastId - aggregate.firstId + 1);
    assert.equal(aggregate.id, place + 1);
    assert.equal(fills[0]?.id, aggregate.firstId);
    assert.equal(fills.at(-1)?.id, aggregate.lastId);
    assert.equal(sum(fills.map((fill) => fill.quantity)), aggregate.quantity);
    for (const fill of fills) {
      assert.deepEqual([fill.timeUs, fill.price, fill.buyerIsMaker], [aggregate.timeUs, aggregate.price, aggregate.buyerIsMaker]);
    }
    next += fills.length;
  }

  assert.equal(next, trades.length);
  assert.deepEqual(
    trades.slice(0, 3).map((trade) => trade.id),
    [1, 2, 3],
  );
  assert.ok(trades.every((trade, place) => place === 0 || trade.timeUs >= (trades[place - 1]?.timeUs ?? 0)));
  const sameMillisecond = aggregates.filter(
    (row, place) => Math.floor(row.timeUs / 1_000) === Math.floor((aggregates[place - 1]?.timeUs ?? 0) / 1_000),
  );
  assert.ok(sameMillisecond.length > aggregates.length / 5, 'many neighbours share a millisecond, as they do in life');
});

test('BTCUSDT has at least 200,000 aggregate trades in any 30 days', () => {
  const market = aMarket('BTCUSDT');

  for (let day = 0; day < 1_700; day += 100) {
    const from = Date.UTC(2022, 0, 1) + day * DAY;
    const count = (market.aggregates?.countUntil((from + 30 * DAY) * 1_000) ?? 0) - (market.aggregates?.countUntil(from * 1_000) ?? 0);
    assert.ok(count >= 200_000, `${count} from ${new Date(from).toISOString()}`);
  }
});

test('a day is the same whatever was asked for before, and another seed is another market', () => {
  const from = Date.UTC(2025, 6, 3, 23, 50);
  const range = [from, from + 20 * 60_000] as const;
  const visited = aMarket('SOLUSDT');
  for (let day = 0; day < 60; day += 7) tradesIn(visited, Date.UTC(2023, 1, 1) + day * DAY, Date.UTC(2023, 1, 1) + day * DAY + 60_000);

  const fresh = tradesIn(aMarket('SOLUSDT'), ...range);

  assert.ok(fresh.length > 0);
  assert.deepEqual(tradesIn(visited, ...range), fresh);
  assert.notDeepEqual(tradesIn(aMarket('SOLUSDT', { seed: 2 }), ...range), fresh);
});

test('more than a page of aggregates share one millisecond on the 15th', () => {
  const noon = Date.UTC(2024, 7, 15, 12);

  assert.equal(aggregatesIn(aMarket('XRPUSDT'), noon, noon + 1).length, 1_104);
  assert.equal(aggregatesIn(aMarket('XRPUSDT', { burst: 5_000 }), noon, noon + 1).length, 5_000);
  assert.ok(aggregatesIn(aMarket('XRPUSDT', { burst: 0 }), noon, noon + 1).length < 10);
});

test('some minutes are quiet: their candles are flat at the close before', () => {
  const candles = aMarket('LINKUSDT').candles('1m');
  const from = candles?.indexFrom(Date.UTC(2024, 3, 1)) ?? 0;
  const rows = candles?.facts(from, from + 1_440) ?? [];
  const flat = rows.filter((row) => row.tradeCount === 0);

  assert.ok(flat.length > 50 && flat.length < 1_000, `${flat.length} flat minutes`);
  for (const row of flat) assert.deepEqual(new Set([row.open, row.high, row.low, row.close]).size, 1);
});

test('a symbol has nothing before its listing and nothing after its end', () => {
  const listed = aMarket('LINKUSDT');
  const ended = aMarket('WAVESUSDT');
  const listing = Date.UTC(2023, 5, 15, 9, 30);
  const end = Date.UTC(2024, 5, 17, 3);

  assert.equal(listed.trades?.countUntil(listing * 1_000 - 1), 0);
  assert.equal(listed.candles('1h')?.openTimeOf(0), Date.UTC(2023, 5, 15, 9));
  assert.equal(listed.candles('1h')?.indexFrom(0), 0);
  assert.ok((listed.candles('1m')?.facts(0, 1)[0]?.tradeCount ?? 0) > 0, 'the first candle has the first trade');
  assert.equal(ended.status, 'BREAK');
  assert.equal(ended.trades?.countUntil(end * 1_000), ended.trades?.countUntil(Date.UTC(2026, 0, 1) * 1_000));
  const last = (ended.candles('5m')?.indexFrom(Date.UTC(2030, 0, 1)) ?? 0) - 1;
  assert.equal(ended.candles('5m')?.openTimeOf(last), end - 300_000);
  assert.equal(ended.candles('5m')?.facts(last, last + 5).length, 1);
  assert.deepEqual(ended.book(end, 10).bids, []);
});

/** Correlation of five-minute returns of one symbol with those of another, `lag` bars before. */
function correlation(follower: SymbolMarket, leader: SymbolMarket, lag: number): number {
  const returns = (market: SymbolMarket): number[] => {
    const table = market.candles('5m');
    const from = table?.indexFrom(Date.UTC(2024, 0, 1)) ?? 0;
    const closes = (table?.facts(from, from + 20 * 288) ?? []).map((row) => Math.log(Number(row.close)));
    return closes.slice(1).map((close, place) => close - (closes[place] ?? 0));
  };
  const [a, b] = [returns(follower).slice(lag), returns(leader)];
  const mean = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0) / values.length;
  const [meanA, meanB] = [mean(a), mean(b.slice(0, a.length))];
  let [both, squareA, squareB] = [0, 0, 0];
  for (const [place, value] of a.entries()) {
    const [x, y] = [value - meanA, (b[place] ?? 0) - meanB];
    both += x * y;
    squareA += x * x;
    squareB += y * y;
  }
  return both / Math.sqrt(squareA * squareB);
}

test('the others follow BTCUSDT one bar later, as strongly as asked, and it follows nobody', () => {
  for (const symbol of ['ETHUSDT', 'SOLUSDT', 'ADAUSDT', 'XRPUSDT']) {
    assert.ok(correlation(aMarket(symbol), aMarket('BTCUSDT'), 1) > 0.15, symbol);
  }
  const strong = { leadStrength: 0.6 };
  assert.ok(correlation(aMarket('ETHUSDT', strong), aMarket('BTCUSDT', strong), 1) > 0.4);
  assert.ok(Math.abs(correlation(aMarket('ETHUSDT', { leadStrength: 0 }), aMarket('BTCUSDT', { leadStrength: 0 }), 1)) < 0.05);
  assert.ok(Math.abs(correlation(aMarket('BTCUSDT'), aMarket('ETHUSDT'), 1)) < 0.05);
  assert.ok(Math.abs(correlation(aMarket('ETHUSDT'), aMarket('BTCUSDT'), 3)) < 0.05);
});

test('the book is in order, never crossed, stands around the last trade, and is the same when asked again', () => {
  const market = aMarket('ADAUSDT');
  const begin = Date.UTC(2024, 4, 4, 4);

  for (let now = begin; now < begin + 60_000; now += 7_321) {
    const book = market.book(now, 500);
    const last = tradesIn(market, now - DAY, now + 1).at(-1);
    const bids = book.bids.map(([price]) => Number(price));
    const asks = book.asks.map(([price]) => Number(price));

    assert.equal(bids.length, 500);
    assert.deepEqual(
      bids,
      bids.toSorted((a, b) => b - a),
    );
    assert.deepEqual(
      asks,
      asks.toSorted((a, b) => a - b),
    );
    assert.ok((bids[0] ?? 0) < (asks[0] ?? 0));
    assert.ok(last?.price === book.bids[0]?.[0] || last?.price === book.asks[0]?.[0], 'the last trade was at the best bid or ask');
    assert.ok([...book.bids, ...book.asks].every(([, quantity]) => Number(quantity) > 0));
    assert.deepEqual(market.book(now, 500), book);
    assert.deepEqual(market.book(now, 5).bids, book.bids.slice(0, 5));
  }
});

test('the sums of a day stay where whole numbers are exact', () => {
  const market = createSyntheticMarket({ seed: 3, leadStrength: 0.3, burst: 1_100 });

  for (const symbol of market.symbols) {
    const table = symbol.candles('1d');
    const first = table?.indexFrom(Date.UTC(2024, 4, 14)) ?? 0;
    for (const day of table?.facts(first, first + 3) ?? []) {
      const units = decimal(day.quoteVolume ?? '0').units;
      assert.ok(units < 2n ** 51n, `${symbol.symbol}: ${units}`);
    }
  }
});
