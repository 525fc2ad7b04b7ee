import type { AggTrade } from '../../../domain/rows.ts';

const SELL = 1;
/** `time_us` + 1 stands above the flag, 0 where it is absent. */
const TIME_US_UNIT = 2;
const SLOTS = 7;

/** An aggregate trade: id, flags with time_us, time, first_trade_id, last_trade_id, price, quantity. */
export const aggTradeRecord = {
  timeSlot: 2,
  lengthOf: (_row: AggTrade): number => SLOTS,
  lengthAt: (_from: Float64Array, _at: number): number => SLOTS,

  encode(row: AggTrade, into: Float64Array, at: number): number {
    into[at] = row.id;
    into[at + 1] = (row.side === 'sell' ? SELL : 0) + (row.time_us === undefined ? 0 : TIME_US_UNIT * (row.time_us + 1));
    into[at + 2] = row.time;
    into[at + 3] = row.first_trade_id;
    into[at + 4] = row.last_trade_id;
    into[at + 5] = row.price;
    into[at + 6] = row.quantity;
    return at + SLOTS;
  },

  decode(from: Float64Array, at: number): AggTrade {
    const flags = from[at + 1] as number;
    const row: { -readonly [Field in keyof AggTrade]: AggTrade[Field] } = {
      id: from[at] as number,
      first_trade_id: from[at + 3] as number,
      last_trade_id: from[at + 4] as number,
      time: from[at + 2] as number,
      price: from[at + 5] as number,
      quantity: from[at + 6] as number,
      side: (flags & SELL) !== 0 ? 'sell' : 'buy',
    };
    if (flags >= TIME_US_UNIT) row.time_us = Math.floor(flags / TIME_US_UNIT) - 1;
    return row;
  },
};
