import { type Candle, ORIGINS, type Origin } from '../../../domain/rows.ts';
import type { Provenance } from '../../market-store.ts';
import { readText, textSlots, writeText } from './text-slots.ts';

const CLOSED = 1;
const QUOTE_VOLUME = 2;
const TRADE_COUNT = 4;
const TAKER_BUY_VOLUME = 8;
const TAKER_BUY_QUOTE_VOLUME = 16;
const FIRST_TRADE_ID = 32;
const LAST_TRADE_ID = 64;
/** `open_source` is `previous_close`, the one value in use: it takes no slot. */
const OPENS_AT_PREVIOUS_CLOSE = 128;
/** `open_source` is another text, at the record's end. */
const OPEN_SOURCE_TEXT = 256;

const RECEIVED_AT = 2;
/** Index of the origin + 8 × revision. */
const ORIGIN_AND_REVISION = 3;
const REQUIRED_SLOTS = 10;
const PREVIOUS_CLOSE = 'previous_close';

/** What stands in a candle's record beside its content. */
export interface CandleStanding {
  readonly origin: Origin;
  readonly received_at: number;
  readonly revision: number;
}

function flagsOf(row: Candle): number {
  let flags = row.is_closed ? CLOSED : 0;
  if (row.quote_volume !== undefined) flags |= QUOTE_VOLUME;
  if (row.trade_count !== undefined) flags |= TRADE_COUNT;
  if (row.taker_buy_volume !== undefined) flags |= TAKER_BUY_VOLUME;
  if (row.taker_buy_quote_volume !== undefined) flags |= TAKER_BUY_QUOTE_VOLUME;
  if (row.first_trade_id !== undefined) flags |= FIRST_TRADE_ID;
  if (row.last_trade_id !== undefined) flags |= LAST_TRADE_ID;
  if (row.open_source === PREVIOUS_CLOSE) flags |= OPENS_AT_PREVIOUS_CLOSE;
  else if (row.open_source !== undefined) flags |= OPEN_SOURCE_TEXT;
  return flags;
}

/** Optional numbers that the flags tell of. */
function optionalSlots(flags: number): number {
  let slots = 0;
  for (let bit = QUOTE_VOLUME; bit <= LAST_TRADE_ID; bit *= 2) if ((flags & bit) !== 0) slots += 1;
  return slots;
}

/**
 * A candle: open_time, flags, received_at, origin and revision, close_time, open, high, low, close, volume, then what is there of quote_volume,
 * trade_count, taker_buy_volume, taker_buy_quote_volume, first_trade_id, last_trade_id, open_source.
 */
export const candleRecord = {
  timeSlot: 0,

  lengthOf(row: Candle): number {
    const flags = flagsOf(row);
    return REQUIRED_SLOTS + optionalSlots(flags) + ((flags & OPEN_SOURCE_TEXT) !== 0 ? textSlots(row.open_source as string) : 0);
  },

  encode(row: Candle, into: Float64Array, at: number, provenance: Provenance): number {
    const flags = flagsOf(row);
    into[at] = row.open_time;
    into[at + 1] = flags;
    into[at + RECEIVED_AT] = provenance.received_at;
    into[at + ORIGIN_AND_REVISION] = ORIGINS.indexOf(provenance.origin);
    into[at + 4] = row.close_time;
    into[at + 5] = row.open;
    into[at + 6] = row.high;
    into[at + 7] = row.low;
    into[at + 8] = row.close;
    into[at + 9] = row.volume;
    let next = at + REQUIRED_SLOTS;
    if ((flags & QUOTE_VOLUME) !== 0) into[next++] = row.quote_volume as number;
    if ((flags & TRADE_COUNT) !== 0) into[next++] = row.trade_count as number;
    if ((flags & TAKER_BUY_VOLUME) !== 0) into[next++] = row.taker_buy_volume as number;
    if ((flags & TAKER_BUY_QUOTE_VOLUME) !== 0) into[next++] = row.taker_buy_quote_volume as number;
    if ((flags & FIRST_TRADE_ID) !== 0) into[next++] = row.first_trade_id as number;
    if ((flags & LAST_TRADE_ID) !== 0) into[next++] = row.last_trade_id as number;
    return (flags & OPEN_SOURCE_TEXT) !== 0 ? writeText(row.open_source as string, into, next) : next;
  },

  decode(from: Float64Array, at: number): Candle {
    const flags = from[at + 1] as number;
    const revision = Math.floor((from[at + ORIGIN_AND_REVISION] as number) / 8);
    const row: { -readonly [Field in keyof Candle]: Candle[Field] } = {
      open_time: from[at] as number,
      close_time: from[at + 4] as number,
      open: from[at + 5] as number,
      high: from[at + 6] as number,
      low: from[at + 7] as number,
      close: from[at + 8] as number,
      volume: from[at + 9] as number,
      is_closed: (flags & CLOSED) !== 0,
    };
    let next = at + REQUIRED_SLOTS;
    if ((flags & QUOTE_VOLUME) !== 0) row.quote_volume = from[next++] as number;
    if ((flags & TRADE_COUNT) !== 0) row.trade_count = from[next++] as number;
    if ((flags & TAKER_BUY_VOLUME) !== 0) row.taker_buy_volume = from[next++] as number;
    if ((flags & TAKER_BUY_QUOTE_VOLUME) !== 0) row.taker_buy_quote_volume = from[next++] as number;
    if ((flags & FIRST_TRADE_ID) !== 0) row.first_trade_id = from[next++] as number;
    if ((flags & LAST_TRADE_ID) !== 0) row.last_trade_id = from[next++] as number;
    if ((flags & OPENS_AT_PREVIOUS_CLOSE) !== 0) row.open_source = PREVIOUS_CLOSE;
    if ((flags & OPEN_SOURCE_TEXT) !== 0) row.open_source = readText(from, next);
    if (revision > 0) row.revision = revision;
    return row;
  },

  lengthAt(from: Float64Array, at: number): number {
    const flags = from[at + 1] as number;
    const end = REQUIRED_SLOTS + optionalSlots(flags);
    return (flags & OPEN_SOURCE_TEXT) !== 0 ? end + textSlots(from[at + end] as number) : end;
  },

  closeTimeSlot: 4,
  isClosedAt: (from: Float64Array, at: number): boolean => ((from[at + 1] as number) & CLOSED) !== 0,

  standingAt(from: Float64Array, at: number): CandleStanding {
    const packed = from[at + ORIGIN_AND_REVISION] as number;
    return { origin: ORIGINS[packed % 8] as Origin, received_at: from[at + RECEIVED_AT] as number, revision: Math.floor(packed / 8) };
  },

  setRevision(slots: Float64Array, at: number, revision: number): void {
    slots[at + ORIGIN_AND_REVISION] = ((slots[at + ORIGIN_AND_REVISION] as number) % 8) + 8 * revision;
  },
};
