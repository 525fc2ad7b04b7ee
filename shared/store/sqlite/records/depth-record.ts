import type { Depth, Level } from '../../../domain/rows.ts';

const SNAPSHOT = 1;
const PART = 2;
const PARTS = 4;
const REQUIRED_SLOTS = 6;

function optionalSlots(flags: number): number {
  return ((flags & PART) !== 0 ? 1 : 0) + ((flags & PARTS) !== 0 ? 1 : 0);
}

function writeLevels(levels: readonly Level[], into: Float64Array, at: number): number {
  let next = at;
  for (const [price, quantity] of levels) {
    into[next++] = price;
    into[next++] = quantity;
  }
  return next;
}

function readLevels(from: Float64Array, at: number, count: number): Level[] {
  return Array.from({ length: count }, (_, i): Level => [from[at + 2 * i] as number, from[at + 2 * i + 1] as number]);
}

/** Depth: time, flags, first_update_id, last_update_id, count of bids, count of asks, part and parts where they are there, then the levels. */
export const depthRecord = {
  timeSlot: 0,

  lengthOf(row: Depth): number {
    const optional = (row.part === undefined ? 0 : 1) + (row.parts === undefined ? 0 : 1);
    return REQUIRED_SLOTS + optional + 2 * (row.bids.length + row.asks.length);
  },

  encode(row: Depth, into: Float64Array, at: number): number {
    into[at] = row.time;
    into[at + 1] = (row.snapshot ? SNAPSHOT : 0) | (row.part === undefined ? 0 : PART) | (row.parts === undefined ? 0 : PARTS);
    into[at + 2] = row.first_update_id;
    into[at + 3] = row.last_update_id;
    into[at + 4] = row.bids.length;
    into[at + 5] = row.asks.length;
    let next = at + REQUIRED_SLOTS;
    if (row.part !== undefined) into[next++] = row.part;
    if (row.parts !== undefined) into[next++] = row.parts;
    return writeLevels(row.asks, into, writeLevels(row.bids, into, next));
  },

  decode(from: Float64Array, at: number): Depth {
    const flags = from[at + 1] as number;
    const bidCount = from[at + 4] as number;
    const levels = at + REQUIRED_SLOTS + optionalSlots(flags);
    const row: { -readonly [Field in keyof Depth]: Depth[Field] } = {
      time: from[at] as number,
      first_update_id: from[at + 2] as number,
      last_update_id: from[at + 3] as number,
      snapshot: (flags & SNAPSHOT) !== 0,
      bids: readLevels(from, levels, bidCount),
      asks: readLevels(from, levels + 2 * bidCount, from[at + 5] as number),
    };
    let next = at + REQUIRED_SLOTS;
    if ((flags & PART) !== 0) row.part = from[next++] as number;
    if ((flags & PARTS) !== 0) row.parts = from[next] as number;
    return row;
  },

  lengthAt(from: Float64Array, at: number): number {
    return REQUIRED_SLOTS + optionalSlots(from[at + 1] as number) + 2 * ((from[at + 4] as number) + (from[at + 5] as number));
  },
};
