import type { Trade } from '../../../domain/rows.ts';
import { readText, textSlots, writeText } from './text-slots.ts';

const SELL = 1;
const BEST_MATCH_KNOWN = 2;
const BEST_MATCH = 4;
const QUOTE_QUANTITY = 8;
const CONTRACTS = 16;
/** The id is a text (BitMEX), at the record's end. */
const ID_TEXT = 32;
/** `time_us` + 1 stands above the flags, 0 where it is absent. */
const TIME_US_UNIT = 64;

const REQUIRED_SLOTS = 5;

function flagsOf(row: Trade): number {
  let flags = row.side === 'sell' ? SELL : 0;
  if (row.is_best_match !== undefined) flags |= row.is_best_match ? BEST_MATCH_KNOWN | BEST_MATCH : BEST_MATCH_KNOWN;
  if (row.quote_quantity !== undefined) flags |= QUOTE_QUANTITY;
  if (row.contracts !== undefined) flags |= CONTRACTS;
  if (typeof row.id === 'string') flags |= ID_TEXT;
  return row.time_us === undefined ? flags : flags + TIME_US_UNIT * (row.time_us + 1);
}

/** A trade: id (0 for a text), flags with time_us, time, price, quantity, then what is there of quote_quantity, contracts, the id as text. */
export const tradeRecord = {
  timeSlot: 2,

  lengthOf(row: Trade): number {
    const optional = (row.quote_quantity === undefined ? 0 : 1) + (row.contracts === undefined ? 0 : 1);
    return REQUIRED_SLOTS + optional + (typeof row.id === 'string' ? textSlots(row.id) : 0);
  },

  encode(row: Trade, into: Float64Array, at: number): number {
    into[at] = typeof row.id === 'string' ? 0 : row.id;
    into[at + 1] = flagsOf(row);
    into[at + 2] = row.time;
    into[at + 3] = row.price;
    into[at + 4] = row.quantity;
    let next = at + REQUIRED_SLOTS;
    if (row.quote_quantity !== undefined) into[next++] = row.quote_quantity;
    if (row.contracts !== undefined) into[next++] = row.contracts;
    return typeof row.id === 'string' ? writeText(row.id, into, next) : next;
  },

  decode(from: Float64Array, at: number): Trade {
    const flags = from[at + 1] as number;
    const row: { -readonly [Field in keyof Trade]: Trade[Field] } = {
      id: from[at] as number,
      time: from[at + 2] as number,
      price: from[at + 3] as number,
      quantity: from[at + 4] as number,
      side: (flags & SELL) !== 0 ? 'sell' : 'buy',
    };
    let next = at + REQUIRED_SLOTS;
    if (flags >= TIME_US_UNIT) row.time_us = Math.floor(flags / TIME_US_UNIT) - 1;
    if ((flags & QUOTE_QUANTITY) !== 0) row.quote_quantity = from[next++] as number;
    if ((flags & BEST_MATCH_KNOWN) !== 0) row.is_best_match = (flags & BEST_MATCH) !== 0;
    if ((flags & CONTRACTS) !== 0) row.contracts = from[next++] as number;
    if ((flags & ID_TEXT) !== 0) row.id = readText(from, next);
    return row;
  },

  lengthAt(from: Float64Array, at: number): number {
    const flags = from[at + 1] as number;
    const end = REQUIRED_SLOTS + ((flags & QUOTE_QUANTITY) !== 0 ? 1 : 0) + ((flags & CONTRACTS) !== 0 ? 1 : 0);
    return (flags & ID_TEXT) !== 0 ? end + textSlots(from[at + end] as number) : end;
  },
};
