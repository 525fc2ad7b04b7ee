import type { Quote } from '../../../domain/rows.ts';

const RECEIPT_TIME = 1;
const UPDATE_ID = 2;
const REQUIRED_SLOTS = 6;

/** A quote: time, flags, bid_price, bid_quantity, ask_price, ask_quantity, then update_id where it is there. */
export const quoteRecord = {
  timeSlot: 0,

  lengthOf: (row: Quote): number => REQUIRED_SLOTS + (row.update_id === undefined ? 0 : 1),
  lengthAt: (from: Float64Array, at: number): number => REQUIRED_SLOTS + (((from[at + 1] as number) & UPDATE_ID) !== 0 ? 1 : 0),

  encode(row: Quote, into: Float64Array, at: number): number {
    into[at] = row.time;
    into[at + 1] = (row.time_source === 'receipt' ? RECEIPT_TIME : 0) | (row.update_id === undefined ? 0 : UPDATE_ID);
    into[at + 2] = row.bid_price;
    into[at + 3] = row.bid_quantity;
    into[at + 4] = row.ask_price;
    into[at + 5] = row.ask_quantity;
    if (row.update_id === undefined) return at + REQUIRED_SLOTS;
    into[at + REQUIRED_SLOTS] = row.update_id;
    return at + REQUIRED_SLOTS + 1;
  },

  decode(from: Float64Array, at: number): Quote {
    const flags = from[at + 1] as number;
    const row: { -readonly [Field in keyof Quote]: Quote[Field] } = {
      time: from[at] as number,
      time_source: (flags & RECEIPT_TIME) !== 0 ? 'receipt' : 'exchange',
      bid_price: from[at + 2] as number,
      bid_quantity: from[at + 3] as number,
      ask_price: from[at + 4] as number,
      ask_quantity: from[at + 5] as number,
    };
    if ((flags & UPDATE_ID) !== 0) row.update_id = from[at + REQUIRED_SLOTS] as number;
    return row;
  },
};
