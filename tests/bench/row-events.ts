import { partitionOf } from '../../shared/bus/partitioner.ts';
import type { Candle, Origin } from '../../shared/domain/rows.ts';
import type { Series } from '../../shared/domain/series.ts';
import type { StreamEvent } from '../../shared/events/event.ts';
import { packRows } from '../../shared/events/micro-batch.ts';

export const MINUTE_MS = 60_000;
export const FROM = Date.UTC(2024, 0, 1);
export const RECEIVED_AT = Date.UTC(2025, 0, 1);
export const PARTITIONS = 12;

/** Twelve series of 1m candles, each in a partition of its own. */
export const SERIES: readonly Series[] = seriesByPartition();

function seriesByPartition(): readonly Series[] {
  const found = new Map<number, Series>();
  for (let number = 0; found.size < PARTITIONS; number += 1) {
    const series: Series = { exchange: 'binance', symbol: `COIN${number}USDT`, kind: 'candles', interval: '1m' };
    const partition = partitionOf(`binance:${series.symbol}:candles:1m`, PARTITIONS);
    if (!found.has(partition)) found.set(partition, series);
  }
  return [...found.values()];
}

/** `count` candles of a series from the minute `first` on, with digits as the exchange gives them. */
export function candlesFrom(first: number, count: number): Candle[] {
  return Array.from({ length: count }, (_, index) => {
    const minute = first + index;
    const open_time = FROM + minute * MINUTE_MS;
    const open = 60_000.12 + (minute % 997) / 4;
    return {
      ...{ open_time, close_time: open_time + MINUTE_MS - 1, open, high: open + 8.25, low: open - 7.5, close: open + 1.75 },
      ...{ volume: 12.50317 + (minute % 31), quote_volume: 750_000.1253178 + minute, trade_count: 100 + (minute % 300) },
      ...{ taker_buy_volume: 6.25841, taker_buy_quote_volume: 375_000.5917, is_closed: true },
    };
  });
}

/** The events that rows travel in, as `fetch` makes them; of another origin than `rest` they are the present's. */
export function rowEvents(series: Series, rows: readonly Candle[], origin: Origin = 'rest'): readonly StreamEvent[] {
  return packRows(series, rows, { origin, received_at: RECEIVED_AT }, { producer: 'bench' });
}
