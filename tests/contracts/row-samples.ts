import { aggTrades } from '../../shared/events/agg-trades.ts';
import { candles } from '../../shared/events/candles.ts';
import { depth } from '../../shared/events/depth.ts';
import { quotes } from '../../shared/events/quotes.ts';
import { tickers } from '../../shared/events/tickers.ts';
import { trades } from '../../shared/events/trades.ts';
import { from, received_at, type Sample, sample } from './sample.ts';

const firstCandle = {
  open_time: from,
  close_time: from + 299_999,
  open: 64_628.01,
  high: 64_700,
  low: 64_600.5,
  close: 64_688.1,
  volume: 123.4567,
  quote_volume: 7_980_000.5123,
  trade_count: 15_321,
  taker_buy_volume: 60.1,
  taker_buy_quote_volume: 3_887_000.25,
  is_closed: true,
  first_trade_id: 3_735_683_259,
  last_trade_id: 3_735_698_579,
};
const flatCandle = {
  open_time: from + 300_000,
  close_time: from + 599_999,
  open: 64_688.1,
  high: 64_688.1,
  low: 64_688.1,
  close: 64_688.1,
  volume: 0,
  is_closed: false,
};

/** One sample for each kind of rows. */
export const ROW_SAMPLES: readonly Sample[] = [
  sample(
    candles,
    { exchange: 'binance', symbol: 'BTCUSDT', interval: '5m', origin: 'rest', received_at, rows: [firstCandle, flatCandle] },
    'fetch',
    from + 300_000,
  ),
  sample(
    trades,
    {
      exchange: 'binance',
      symbol: 'BTCUSDT',
      origin: 'rest',
      received_at,
      rows: [
        {
          id: 3_735_683_259,
          time: from,
          time_us: 123,
          price: 64_628.01,
          quantity: 0.00015,
          quote_quantity: 9.6942015,
          side: 'sell',
          is_best_match: true,
        },
        { id: 3_735_683_260, time: from, price: 64_628.02, quantity: 2, side: 'buy' },
      ],
    },
    'fetch',
    from,
  ),
  sample(
    aggTrades,
    {
      exchange: 'binance',
      symbol: 'BTCUSDT',
      origin: 'archive',
      received_at,
      rows: [
        {
          id: 3_054_011_207,
          first_trade_id: 3_735_683_259,
          last_trade_id: 3_735_683_261,
          time: from,
          time_us: 999,
          price: 64_628.01,
          quantity: 0.00015,
          side: 'buy',
        },
      ],
    },
    'fetch',
    from,
  ),
  sample(
    quotes,
    {
      exchange: 'binance',
      symbol: 'BTCUSDT',
      origin: 'ws',
      received_at,
      rows: [
        {
          time: from,
          time_source: 'receipt',
          update_id: 49_182_837_465,
          bid_price: 64_628,
          bid_quantity: 1.5,
          ask_price: 64_628.01,
          ask_quantity: 0.75,
        },
      ],
    },
    'ingest',
    from,
  ),
  sample(
    depth,
    {
      exchange: 'binance',
      symbol: 'ETHUSDT',
      origin: 'ws',
      received_at,
      rows: [
        {
          time: from,
          first_update_id: 157,
          last_update_id: 160,
          snapshot: true,
          part: 1,
          parts: 2,
          bids: [[3_200.5, 10]],
          asks: [[3_200.6, 0]],
        },
      ],
    },
    'ingest',
    from,
  ),
  sample(
    tickers,
    {
      exchange: 'binance',
      symbol: 'BTCUSDT',
      origin: 'ws',
      received_at,
      rows: [
        {
          time: from,
          last_price: 64_628.01,
          price_change: -120.5,
          price_change_percent: -0.186,
          weighted_average_price: 64_700.2,
          open: 64_748.51,
          high: 65_000,
          low: 64_000,
          volume: 25_000.5,
          quote_volume: 1_617_500_000.25,
          trade_count: 1_500_000,
        },
      ],
    },
    'ingest',
    from,
  ),
];
