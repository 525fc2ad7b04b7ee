import type { WireKline, WireTrade } from './exchange-server.ts';

/** 2024-08-01T00:00:00Z. */
export const START = 1_722_470_400_000;
export const FIVE_MINUTES = 300_000;

/** Klines of 5m from `START + first` buckets on. Every number follows from the bucket, so that two reads can be compared. */
export function klinesOf(first: number, count: number): WireKline[] {
  return Array.from({ length: count }, (_, index) => aKline(first + index));
}

/** The 5m kline of one bucket, counted from `START`. */
export function aKline(bucket: number, overrides: { readonly [column: number]: unknown } = {}): WireKline {
  const open = START + bucket * FIVE_MINUTES;
  const price = (60_000 + bucket).toFixed(8);
  const row: unknown[] = [
    open,
    price,
    price,
    price,
    price,
    '1.50000000',
    open + FIVE_MINUTES - 1,
    '90000.12345678',
    7,
    '0.50000000',
    '30000.00000000',
    '0',
  ];
  for (const [column, value] of Object.entries(overrides)) row[Number(column)] = value;
  return row;
}

/** Trades with ids from `firstId`, `everyMs` apart from `START` on. */
export function tradesOf(firstId: number, count: number, everyMs = 1_000): WireTrade[] {
  return Array.from({ length: count }, (_, index) => aTrade(firstId + index, START * 1000 + index * everyMs * 1000));
}

export function aTrade(id: number, timeUs: number, overrides: Partial<WireTrade> = {}): WireTrade {
  return { id, timeUs, price: (60_000 + (id % 1000)).toFixed(8), quantity: '0.01000000', buyerIsMaker: id % 2 === 0, ...overrides };
}
