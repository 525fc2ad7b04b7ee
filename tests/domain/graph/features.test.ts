import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { FEATURE_NAMES } from '../../../shared/domain/graph/features.ts';
import type { Candle } from '../../../shared/domain/rows.ts';
import { simulateMarket } from '../../gnn/support/market.ts';
import { aCandle, build, candlesOf } from './a-market.ts';

const WIDTH = FEATURE_NAMES.length;
const valuesOf = (candles: readonly Candle[], bars: number): ((t: number, name: (typeof FEATURE_NAMES)[number]) => number) => {
  const { x } = build([candles], bars);
  return (t, name) => x[t * WIDTH + FEATURE_NAMES.indexOf(name)] as number;
};
const near = (found: number, expected: number): void =>
  assert.ok(Math.abs(found - expected) <= 1e-5 * Math.max(1, Math.abs(expected)), `${found}, not ${expected}`);

describe('features', () => {
  it('are returns over their bars, from the first close where history is shorter', () => {
    const closes = Array.from({ length: 60 }, (_, t) => 100 * 1.01 ** t);
    const at = valuesOf(candlesOf(closes), 60);

    for (const t of [50, 59]) {
      near(at(t, 'return_1'), Math.log(1.01));
      near(at(t, 'return_3'), 3 * Math.log(1.01));
      near(at(t, 'return_12'), 12 * Math.log(1.01));
      near(at(t, 'return_48'), 48 * Math.log(1.01));
    }
    near(at(5, 'return_48'), 5 * Math.log(1.01));
    assert.equal(at(0, 'return_1'), 0);
  });

  it('are volatility as the logarithm of the root mean square of returns', () => {
    const closes = Array.from({ length: 30 }, (_, t) => (t % 2 === 0 ? 100 : 101));
    const at = valuesOf(candlesOf(closes), 30);

    near(at(29, 'volatility_12'), Math.log(Math.log(1.01) + 1e-6));
    near(at(29, 'volatility_288'), Math.log(Math.log(1.01) + 1e-6));
    near(valuesOf(candlesOf(closes.map(() => 100)), 30)(29, 'volatility_12'), Math.log(1e-6));
  });

  it('look back over the bars that their names say, and no further', () => {
    const at = valuesOf(candlesOf([100, 110, ...Array.from({ length: 60 }, () => 110)]), 62);

    for (const [name, bars] of [
      ['volatility_12', 12],
      ['volatility_48', 48],
    ] as const) {
      near(at(bars, name), Math.log(Math.log(1.1) / Math.sqrt(bars) + 1e-6));
      near(at(bars + 1, name), Math.log(1e-6));
    }
  });

  it('are the bar itself: its range, where it closed in it, volume and trades against the usual, the takers and the average price', () => {
    const usual = { volume: 10, trade_count: 100, quote_volume: 1_000, taker_buy_volume: 5 };
    const candles = candlesOf([100, 100, 100], usual);
    candles.push(aCandle(3, 104, { high: 105, low: 95, ...usual, volume: 20, trade_count: 50, quote_volume: 2_000, taker_buy_volume: 15 }));
    const at = valuesOf(candles, 4);

    near(at(3, 'range_1'), Math.log(105 / 95));
    near(at(3, 'close_position'), (2 * 104 - 200) / 10);
    near(at(3, 'volume_48'), Math.log(20 / 12.5 + 0.01));
    near(at(3, 'trades_48'), Math.log(50 / 87.5 + 0.01));
    near(at(3, 'taker_imbalance'), 0.5);
    near(at(3, 'vwap_gap'), Math.log(104 / 100));
    near(at(3, 'day_sin'), Math.sin((2 * Math.PI * 15) / 1_440));
    near(at(3, 'day_cos'), Math.cos((2 * Math.PI * 15) / 1_440));
  });

  it('are 0 where the source does not give what they are made of, as recordings with five columns', () => {
    const at = valuesOf(candlesOf([100, 101, 102]), 3);

    for (const name of ['trades_48', 'taker_imbalance', 'vwap_gap'] as const) assert.equal(at(2, name), 0);
    assert.notEqual(at(2, 'volume_48'), 0);
  });

  it('are 0 in a bar without a candle, and the bar behind it carries the whole step', () => {
    const at = valuesOf(candlesOf([100, undefined, 102]), 3);

    for (const name of FEATURE_NAMES) assert.equal(at(1, name), 0);
    near(at(2, 'return_1'), Math.log(1.02));
  });

  it('are finite for candles that never moved and never traded', () => {
    const { x } = build([candlesOf([5, 5, 5, 5], { high: 5, low: 5, volume: 0, quote_volume: 0, trade_count: 0, taker_buy_volume: 0 })], 4);

    assert.ok(x.every(Number.isFinite));
  });

  it('have six significant digits, so that every store gives them back as they are', () => {
    const { x } = build(simulateMarket({ symbols: 1, bars: 320, clustering: 0.5 }), 320);

    assert.ok(x.every((value) => Number(value.toPrecision(6)) === value && !Object.is(value, -0)));
  });
});
