import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { AppError } from '../../../shared/domain/errors.ts';
import { aggTradeLine, candleLine, tradeLine } from '../../../shared/domain/row-formats/archive-csv.ts';
import { plainDecimal } from '../../../shared/domain/row-formats/plain-decimal.ts';
import { rowWriter } from '../../../shared/domain/row-formats/row-format.ts';
import type { Candle, Trade } from '../../../shared/domain/rows.ts';
import { parseSeriesId } from '../../../shared/domain/series.ts';

const aCandle = (overrides: Partial<Candle> = {}): Candle => ({
  open_time: 1_722_470_400_000,
  close_time: 1_722_470_699_999,
  open: 64_628.01,
  high: 64_700,
  low: 64_600.5,
  close: 64_688.1,
  volume: 123.45678,
  quote_volume: 7_980_000.51234567,
  trade_count: 15_321,
  taker_buy_volume: 60.1,
  taker_buy_quote_volume: 3_887_000.25,
  is_closed: true,
  ...overrides,
});

const aTrade = (overrides: Partial<Trade> = {}): Trade => ({
  id: 3_735_683_259,
  time: 1_736_000_000_123,
  price: 64_628.01,
  quantity: 0.00015,
  quote_quantity: 9.6942015,
  side: 'sell',
  is_best_match: true,
  ...overrides,
});

describe('plain decimals', () => {
  it('have no exponent, and are the same number again', () => {
    fc.assert(
      fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), (value) => {
        const text = plainDecimal(value);

        assert.match(text, /^-?\d+(\.\d+)?$/);
        assert.equal(Number(text), value === 0 ? 0 : value);
      }),
      { numRuns: 500 },
    );
  });

  it('have no digit too many', () => {
    assert.equal(plainDecimal(1e-8), '0.00000001');
    assert.equal(plainDecimal(1.5e-7), '0.00000015');
    assert.equal(plainDecimal(-2.5e-10), '-0.00000000025');
    assert.equal(plainDecimal(1.25e21), '1250000000000000000000');
    assert.equal(plainDecimal(0), '0');
    assert.equal(plainDecimal(64_700), '64700');
  });
});

describe('candles as CSV', () => {
  it('have the twelve columns of the archive in its order, the unused one 0', () => {
    assert.equal(
      candleLine(aCandle(), 'ms'),
      '1722470400000,64628.01,64700,64600.5,64688.1,123.45678,1722470699999,7980000.51234567,15321,60.1,3887000.25,0',
    );
  });

  it('are empty where a value is absent, and 0 where it is 0', () => {
    const { quote_volume: _, trade_count: __, taker_buy_volume: ___, taker_buy_quote_volume: ____, ...bare } = aCandle({ volume: 0 });

    assert.equal(candleLine(bare, 'ms'), '1722470400000,64628.01,64700,64600.5,64688.1,0,1722470699999,,,,,0');
  });

  it('close at …999999 in microseconds', () => {
    const columns = candleLine(aCandle(), 'us').split(',');

    assert.equal(columns[0], '1722470400000000');
    assert.equal(columns[6], '1722470699999999');
  });
});

describe('trades as CSV', () => {
  it('have the seven columns of the archive', () => {
    assert.equal(tradeLine(aTrade(), 'ms'), '3735683259,64628.01,0.00015,9.6942015,1736000000123,True,True');
    assert.equal(
      tradeLine(aTrade({ side: 'buy', is_best_match: false }), 'ms'),
      '3735683259,64628.01,0.00015,9.6942015,1736000000123,False,False',
    );
  });

  it('are empty where a value is absent', () => {
    const { quote_quantity: _, is_best_match: __, ...bare } = aTrade();

    assert.equal(tradeLine(bare, 'ms'), '3735683259,64628.01,0.00015,,1736000000123,True,');
  });

  it('keep what lies below the millisecond in microseconds', () => {
    assert.equal(tradeLine(aTrade({ time_us: 7 }), 'us').split(',')[4], '1736000000123007');
    assert.equal(tradeLine(aTrade(), 'us').split(',')[4], '1736000000123000');
  });

  it('of aggregates have eight columns', () => {
    const row = {
      id: 26_129,
      first_trade_id: 27_781,
      last_trade_id: 27_782,
      time: 1_498_793_709_153,
      price: 0.01633102,
      quantity: 4.70443515,
    };

    assert.equal(aggTradeLine({ ...row, side: 'sell' }, 'ms'), '26129,0.01633102,4.70443515,27781,27782,1498793709153,True,True');
    assert.equal(
      aggTradeLine({ ...row, side: 'buy', time_us: 999 }, 'us'),
      '26129,0.01633102,4.70443515,27781,27782,1498793709153999,False,True',
    );
  });
});

describe('rows as lines', () => {
  it('are the row of the contract in NDJSON, and end with a line end in either format', () => {
    const candles = parseSeriesId('binance:BTCUSDT:candles:5m');

    assert.deepEqual(JSON.parse(rowWriter(candles, 'ndjson')(aCandle())), aCandle());
    assert.equal(rowWriter(candles, 'ndjson')(aCandle()).at(-1), '\n');
    assert.equal(rowWriter(candles, 'csv')(aCandle()), `${candleLine(aCandle(), 'ms')}\n`);
    assert.equal(rowWriter(parseSeriesId('binance:BTCUSDT:bars:5m'), 'csv', 'us')(aCandle()), `${candleLine(aCandle(), 'us')}\n`);
    assert.equal(rowWriter(parseSeriesId('binance:BTCUSDT:trades'), 'csv', 'us')(aTrade()), `${tradeLine(aTrade(), 'us')}\n`);
  });

  it('have no CSV form where the archive has none', () => {
    for (const kind of ['quotes', 'depth', 'tickers']) {
      assert.throws(
        () => rowWriter(parseSeriesId(`binance:BTCUSDT:${kind}`), 'csv'),
        (error) => error instanceof AppError && error.code === 'invalid_request' && error.context.fields?.[0]?.path === 'format',
      );
    }
  });
});
