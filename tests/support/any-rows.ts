import fc from 'fast-check';
import { ORIGINS, type Row } from '../../shared/domain/rows.ts';
import type { Kind } from '../../shared/domain/series.ts';

/** Every double that a row may hold: huge, tiny, negative zero, 0.1 + 0.2. */
const anyNumber = fc.oneof(
  fc.double({ noNaN: true, noDefaultInfinity: true }),
  fc.constantFrom(0, -0, 0.1 + 0.2, 5e-324, Number.MAX_VALUE, Number.MAX_SAFE_INTEGER, 1e21, 61_602.01),
);
const anyId = fc.maxSafeNat();
const anyTime = fc.integer({ min: 0, max: Date.UTC(2200, 0, 1) });
/** Objects with the prototype that rows have. */
const plain = { noNullPrototype: true };
const anySide = fc.constantFrom('buy', 'sell');
const anyLevels = fc.array(fc.tuple(anyNumber, anyNumber), { maxLength: 5 });

const anyCandle = fc.record(
  {
    open_time: anyTime,
    close_time: anyTime,
    ...{ open: anyNumber, high: anyNumber, low: anyNumber, close: anyNumber, volume: anyNumber },
    ...{ quote_volume: anyNumber, trade_count: anyId, taker_buy_volume: anyNumber, taker_buy_quote_volume: anyNumber },
    ...{ is_closed: fc.boolean(), first_trade_id: anyId, last_trade_id: anyId },
    open_source: fc.oneof(fc.constant('previous_close'), fc.string({ unit: 'grapheme', maxLength: 10 })),
  },
  { requiredKeys: ['open_time', 'close_time', 'open', 'high', 'low', 'close', 'volume', 'is_closed'], ...plain },
);

const tradeFields = {
  time: anyTime,
  time_us: fc.integer({ min: 0, max: 999 }),
  ...{ price: anyNumber, quantity: anyNumber, quote_quantity: anyNumber },
  side: anySide,
  is_best_match: fc.boolean(),
  contracts: anyNumber,
};
const requiredOfTrades = ['id', 'time', 'price', 'quantity', 'side'] as const;
const anyTrade = fc.record({ id: anyId, ...tradeFields }, { requiredKeys: [...requiredOfTrades], ...plain });

/** BitMEX trades: the id is a text. */
export const anyTextTrade: fc.Arbitrary<Row> = fc.record(
  { id: fc.oneof(fc.uuid(), fc.string({ unit: 'grapheme', minLength: 1, maxLength: 12 })), ...tradeFields },
  { requiredKeys: [...requiredOfTrades], ...plain },
) as fc.Arbitrary<Row>;

const anyAggTrade = fc.record(
  {
    ...{ id: anyId, first_trade_id: anyId, last_trade_id: anyId },
    ...{ time: anyTime, time_us: fc.integer({ min: 0, max: 999 }), price: anyNumber, quantity: anyNumber, side: anySide },
  },
  { requiredKeys: ['id', 'first_trade_id', 'last_trade_id', 'time', 'price', 'quantity', 'side'], ...plain },
);

const anyQuote = fc.record(
  {
    ...{ time: anyTime, time_source: fc.constantFrom('exchange', 'receipt'), update_id: anyId },
    ...{ bid_price: anyNumber, bid_quantity: anyNumber, ask_price: anyNumber, ask_quantity: anyNumber },
  },
  { requiredKeys: ['time', 'time_source', 'bid_price', 'bid_quantity', 'ask_price', 'ask_quantity'], ...plain },
);

const anyDepth = fc.record(
  {
    ...{ time: anyTime, first_update_id: anyId, last_update_id: anyId, snapshot: fc.boolean() },
    ...{ part: fc.nat(9), parts: fc.nat(9), bids: anyLevels, asks: anyLevels },
  },
  { requiredKeys: ['time', 'first_update_id', 'last_update_id', 'snapshot', 'bids', 'asks'], ...plain },
);

const anyTicker = fc.record(
  {
    ...{
      time: anyTime,
      last_price: anyNumber,
      price_change: anyNumber,
      price_change_percent: anyNumber,
      weighted_average_price: anyNumber,
    },
    ...{ open: anyNumber, high: anyNumber, low: anyNumber, volume: anyNumber, quote_volume: anyNumber, trade_count: anyId },
  },
  plain,
);

/** Any row of each kind, with any of its optional fields there or absent. */
export const anyRow = {
  candles: anyCandle,
  bars: anyCandle,
  trades: anyTrade,
  'agg-trades': anyAggTrade,
  quotes: anyQuote,
  depth: anyDepth,
  tickers: anyTicker,
} as unknown as Readonly<Record<Kind, fc.Arbitrary<Row>>>;

export const anyProvenance = fc.record({ origin: fc.constantFrom(...ORIGINS), received_at: anyTime }, plain);
