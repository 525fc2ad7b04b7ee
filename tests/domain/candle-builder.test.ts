import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { CandleBuilder } from '../../shared/domain/candle-builder.ts';
import { ExactSum } from '../../shared/domain/exact-sum.ts';
import type { AggTrade, Candle } from '../../shared/domain/rows.ts';

test('ten times 0.1 is 1, which a sum of doubles is not', () => {
  const sum = new ExactSum();
  for (let index = 0; index < 10; index += 1) sum.add(0.1);

  assert.equal(sum.toNumber(), 1);
  assert.notEqual(
    Array.from({ length: 10 }, () => 0.1).reduce((a, b) => a + b, 0),
    1,
  );
});

test('a sum is the nearest double of the exact sum, in any order, for very small and very large numbers', () => {
  const cents = fc.integer({ min: -1_000_000_000, max: 1_000_000_000 });
  fc.assert(
    fc.property(fc.array(cents, { maxLength: 50 }), (values) => {
      const forward = new ExactSum();
      const backward = new ExactSum();
      for (const value of values) forward.add(value / 100);
      for (const value of values.toReversed()) backward.add(value / 100);

      assert.equal(forward.toNumber() + 0, values.reduce((a, b) => a + b, 0) / 100 + 0);
      assert.equal(backward.toString(), forward.toString());
    }),
  );
  const wide = new ExactSum();
  for (const value of [1e21, 1e-8, -1e21]) wide.add(value);
  assert.equal(wide.toNumber(), 1e-8);
  assert.throws(() => wide.add(Number.NaN), RangeError);
});

const FROM = Date.UTC(2024, 7, 1);
const aTrade = (id: number, over: Partial<AggTrade> = {}): AggTrade => ({
  id,
  first_trade_id: id * 2,
  last_trade_id: id * 2 + 1,
  time: FROM,
  price: 10,
  quantity: 0.1,
  side: 'buy',
  ...over,
});

test('a candle has the first, highest, lowest and last price, exact volumes, and the trades behind the aggregates', () => {
  const builder = new CandleBuilder('1m');
  const trades = [
    aTrade(1, { price: 10 }),
    aTrade(2, { price: 12, side: 'sell' }),
    aTrade(3, { price: 9 }),
    aTrade(4, { price: 11, time: FROM + 59_999 }),
    aTrade(5, { time: FROM + 180_000 }),
  ];

  const closed = trades.map((trade) => builder.add(trade)).filter((candle) => candle !== undefined);
  const last = builder.finish();

  const expected: Candle = {
    open_time: FROM,
    close_time: FROM + 59_999,
    open: 10,
    high: 12,
    low: 9,
    close: 11,
    volume: 0.4,
    quote_volume: 4.2,
    trade_count: 8,
    taker_buy_volume: 0.3,
    taker_buy_quote_volume: 3,
    is_closed: true,
    first_trade_id: 2,
    last_trade_id: 9,
  };
  assert.deepEqual(closed, [expected]);
  assert.equal(last?.open_time, FROM + 180_000);
  assert.equal(builder.finish(), undefined);
});

test('longer candles of the same trades have the same sums as shorter ones', () => {
  const trade = fc.record({
    price: fc.integer({ min: 1, max: 10_000_000 }).map((cents) => cents / 100),
    quantity: fc.integer({ min: 1, max: 100_000 }).map((units) => units / 100_000),
    step: fc.nat(90_000),
    side: fc.constantFrom('buy' as const, 'sell' as const),
  });
  fc.assert(
    fc.property(fc.array(trade, { minLength: 1, maxLength: 60 }), (moves) => {
      let time = FROM;
      const trades = moves.map(({ step, ...rest }, index) => {
        time += step;
        return aTrade(index + 1, { ...rest, time });
      });
      const candlesOf = (interval: '1m' | '1h'): Candle[] => {
        const builder = new CandleBuilder(interval);
        return [...trades.map((row) => builder.add(row)), builder.finish()].filter((candle) => candle !== undefined);
      };
      const total = (candles: readonly Candle[], field: 'volume' | 'trade_count'): string => {
        const sum = new ExactSum();
        for (const candle of candles) sum.add(candle[field] ?? 0);
        return sum.toString().replace(/\.?0+$/, '');
      };

      assert.equal(total(candlesOf('1m'), 'trade_count'), total(candlesOf('1h'), 'trade_count'));
      assert.equal(total(candlesOf('1m'), 'volume'), total(candlesOf('1h'), 'volume'));
      assert.equal(candlesOf('1m').at(-1)?.close, candlesOf('1h').at(-1)?.close);
    }),
    { numRuns: 50 },
  );
});
