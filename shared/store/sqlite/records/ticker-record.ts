import type { Ticker } from '../../../domain/rows.ts';

const SLOTS = 12;

/** A ticker: time, 0, last_price, price_change, price_change_percent, weighted_average_price, open, high, low, volume, quote_volume, trade_count. */
export const tickerRecord = {
  timeSlot: 0,
  lengthOf: (_row: Ticker): number => SLOTS,
  lengthAt: (_from: Float64Array, _at: number): number => SLOTS,

  encode(row: Ticker, into: Float64Array, at: number): number {
    into[at] = row.time;
    into[at + 1] = 0;
    into[at + 2] = row.last_price;
    into[at + 3] = row.price_change;
    into[at + 4] = row.price_change_percent;
    into[at + 5] = row.weighted_average_price;
    into[at + 6] = row.open;
    into[at + 7] = row.high;
    into[at + 8] = row.low;
    into[at + 9] = row.volume;
    into[at + 10] = row.quote_volume;
    into[at + 11] = row.trade_count;
    return at + SLOTS;
  },

  decode(from: Float64Array, at: number): Ticker {
    const slot = (index: number): number => from[at + index] as number;
    return {
      time: slot(0),
      last_price: slot(2),
      price_change: slot(3),
      price_change_percent: slot(4),
      weighted_average_price: slot(5),
      open: slot(6),
      high: slot(7),
      low: slot(8),
      volume: slot(9),
      quote_volume: slot(10),
      trade_count: slot(11),
    };
  },
};
