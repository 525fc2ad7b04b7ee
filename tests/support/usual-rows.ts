import fc from 'fast-check';
import type { AggTrade, Candle, Row, Trade } from '../../shared/domain/rows.ts';

/** Kinds whose rows have a usual layout in JSON. */
export const LAID_OUT = ['candles', 'bars', 'trades', 'agg-trades'] as const;
export type LaidOut = (typeof LAID_OUT)[number];

const START = Date.UTC(2024, 7, 1);
/** Shared by every interval of a minute. */
const MINUTE = 60_000;

/** Amounts of at least 0 as the exchange has them, and others that a row may hold: 0, tiny, huge, with many digits. */
const anyAmount = fc.oneof(
  { weight: 3, arbitrary: fc.tuple(fc.nat(2_000_000_000), fc.nat(8)).map(([digits, places]) => digits / 10 ** places) },
  fc.tuple(fc.maxSafeNat(), fc.nat(8)).map(([digits, places]) => digits / 10 ** places),
  fc.double({ min: 0, noNaN: true, noDefaultInfinity: true }),
);
/** The same without those that JSON writes with an exponent, which no usual layout has. */
const plainAmount = anyAmount.filter((amount) => !String(amount).includes('e'));

interface Parts {
  readonly key: fc.Arbitrary<number>;
  readonly amount: fc.Arbitrary<number>;
}

const candleOf = ({ key, amount }: Parts): fc.Arbitrary<Candle> =>
  fc
    .tuple(key, fc.array(amount, { minLength: 7, maxLength: 7 }), fc.maxSafeNat())
    .map(([minute, [a = 0, b = 0, c = 0, volume = 0, quote_volume = 0, taker_buy_volume = 0, taker_buy_quote_volume = 0], trade_count]) => {
      const [low = 0, open = 0, high = 0] = [a || 1, b || 1, c || 1].sort((one, other) => one - other);
      const open_time = START + (minute % 1e9) * MINUTE;
      return {
        open_time,
        close_time: open_time + MINUTE - 1,
        ...{ open, high, low, close: low, volume, quote_volume, trade_count },
        ...{ taker_buy_volume, taker_buy_quote_volume, is_closed: true },
      };
    });

const fillOf = ({ amount }: Parts) =>
  fc.record({
    time: fc.nat(1_000_000).map((ms) => START + ms),
    time_us: fc.option(fc.integer({ min: 1, max: 999 }), { nil: undefined }),
    price: amount.map((value) => value || 1),
    quantity: amount.map((value) => value || 1),
  });
const timeOf = ({ time, time_us }: { readonly time: number; readonly time_us: number | undefined }) =>
  time_us === undefined ? { time } : { time, time_us };
const anySide = fc.constantFrom('buy' as const, 'sell' as const);

const tradeOf = (parts: Parts): fc.Arbitrary<Trade> =>
  fc
    .tuple(parts.key, fillOf(parts), parts.amount, anySide, fc.boolean())
    .map(([id, { price, quantity, ...when }, quote_quantity, side, is_best_match]) => ({
      ...{ id, ...timeOf(when), price, quantity, quote_quantity, side, is_best_match },
    }));

const aggTradeOf = (parts: Parts): fc.Arbitrary<AggTrade> =>
  fc
    .tuple(parts.key, fc.nat(1_000_000), fc.nat(9), fillOf(parts), anySide)
    .map(([id, first, more, { price, quantity, ...when }, side]) => ({
      ...{ id, first_trade_id: first, last_trade_id: first + more, ...timeOf(when), price, quantity, side },
    }));

const rowsOf = (parts: Parts) =>
  ({ candles: candleOf(parts), bars: candleOf(parts), trades: tradeOf(parts), 'agg-trades': aggTradeOf(parts) }) as Readonly<
    Record<LaidOut, fc.Arbitrary<Row>>
  >;

/** Good rows (of binance, of one minute) with every usual field in the order of the layout, and with any amounts. */
export const laidOutRow = rowsOf({ key: fc.oneof(fc.nat(1_000), fc.maxSafeNat()), amount: anyAmount });
/** Those whose text has the usual layout too. */
export const plainRow = rowsOf({ key: fc.oneof(fc.nat(1_000), fc.maxSafeNat()), amount: plainAmount });
/** The same with few keys and few contents: rows that meet each other in a store. */
export const meetingRow = rowsOf({ key: fc.nat(6), amount: fc.oneof(fc.constantFrom(0.5, 60_000.25), plainAmount) });
