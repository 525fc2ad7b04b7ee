import { bucketNumber, bucketOpen, type CandleInterval, nextBucketOpen } from '../buckets.ts';
import { ByteWriter } from '../byte-writer.ts';
import { printScaled } from '../decimal.ts';
import type { AggregateFacts, CandleFacts, CandleTable, TradeFacts, TradeTable } from '../market.ts';
import { type Days, indexFromTime } from './days.ts';
import type { DayCount } from './schedule.ts';
import { CandleSums } from './sums.ts';
import type { TradeDay } from './trade-day.ts';

/** Candles of a synthetic symbol: one for every bucket from the listing on, flat where nothing was traded, until the market ends. */
export function syntheticCandles(days: Days, interval: CandleInterval, shiftMs: number): CandleTable {
  const { listing, schedule } = days;
  const first = bucketNumber(interval, listing.listedAt ?? schedule.begin, shiftMs);
  const count = listing.endedAt === undefined ? Number.POSITIVE_INFINITY : bucketNumber(interval, listing.endedAt - 1, shiftMs) - first + 1;
  const sums = new CandleSums();
  const openTimeOf = (index: number): number => bucketOpen(interval, first + index, shiftMs);
  const writer = new ByteWriter();
  const candle = (openTime: number, nextOpen: number, toUs: number): CandleFacts => {
    days.collect(sums, openTime * 1_000, toUs);
    return sums.facts(openTime, nextOpen, listing);
  };
  return {
    openTimeOf,
    nextOpenOf: (index) => openTimeOf(index + 1),
    indexFrom(time) {
      const number = bucketNumber(interval, time, shiftMs);
      const at = bucketOpen(interval, number, shiftMs) < time ? number + 1 : number;
      return Math.max(0, Math.min(count, at - first));
    },
    facts(from, to) {
      const rows: CandleFacts[] = [];
      let openTime = openTimeOf(from);
      for (let index = from; index < Math.min(to, count); index++) {
        const nextOpen = nextBucketOpen(interval, openTime, shiftMs);
        rows.push(candle(openTime, nextOpen, nextOpen * 1_000));
        openTime = nextOpen;
      }
      return rows;
    },
    render(from, to, inMicroseconds) {
      const rows = Math.max(0, Math.min(to, count) - from);
      const starts = new Uint32Array(rows + 1);
      writer.clear();
      let openTime = openTimeOf(from);
      for (let row = 0; row < rows; row++) {
        const nextOpen = nextBucketOpen(interval, openTime, shiftMs);
        days.collect(sums, openTime * 1_000, nextOpen * 1_000);
        writer.beginRow();
        if (row > 0) writer.text(',');
        if (inMicroseconds) sums.write(writer, openTime * 1_000, nextOpen * 1_000 - 1, listing);
        else sums.write(writer, openTime, nextOpen - 1, listing);
        starts[row + 1] = writer.length + 1;
        openTime = nextOpen;
      }
      return { bytes: writer.copy(), starts };
    },
    asOf: (index, now) => candle(openTimeOf(index), openTimeOf(index + 1), Math.min(now, openTimeOf(index + 1) - 1) * 1_000 + 1_000),
  };
}

/** The two id spaces of a synthetic symbol, both from 1, both without a hole. */
export function syntheticTrades(days: Days): { trades: TradeTable<TradeFacts>; aggregates: TradeTable<AggregateFacts> } {
  const { listing, schedule } = days;
  const priceDecimals = listing.price.decimals;
  const quantityDecimals = listing.quantity.decimals;

  function untilIn(timeUs: number, ofDay: (trades: TradeDay, index: number) => number): number {
    const beginUs = (listing.listedAt ?? schedule.begin) * 1_000;
    if (timeUs < beginUs) return 0;
    const day = days.dayAt(timeUs / 1_000);
    const trades = days.trades(day);
    return ofDay(trades, indexFromTime(trades, timeUs + 1 - days.startOf(day) * 1_000));
  }

  const firstFills = (count: DayCount): number => count.firstTrade;
  const firstAggregates = (count: DayCount): number => count.firstAggregate;

  const trades: TradeTable<TradeFacts> = {
    countUntil: (timeUs) => untilIn(timeUs, (day, index) => day.count.firstTrade - 1 + day.firstFill(index)),
    indexOfId: (id) => Math.max(0, id - 1),
    facts(from, to) {
      const rows: TradeFacts[] = [];
      let day = schedule.dayOfId(from + 1, firstFills);
      for (let index = from; index < to; day++) {
        const made = days.trades(day);
        const startUs = days.startOf(day) * 1_000;
        const end = made.count.firstTrade - 1 + made.firstFill(made.count.aggregates);
        let aggregate = made.aggregateOfFill(index - made.count.firstTrade + 1);
        let next = made.firstFill(aggregate + 1);
        for (; index < Math.min(to, end); index++) {
          const fill = index - made.count.firstTrade + 1;
          if (fill >= next) next = made.firstFill(++aggregate + 1);
          const [price, quantity] = [made.price[aggregate] as number, made.fillQuantity(fill)];
          rows.push({
            id: index + 1,
            timeUs: startUs + (made.timeUs[aggregate] as number),
            price: printScaled(price, priceDecimals),
            quantity: printScaled(quantity, quantityDecimals),
            quoteQuantity: printScaled(price * quantity, priceDecimals + quantityDecimals),
            buyerIsMaker: made.buyerIsMaker[aggregate] === 1,
            isBestMatch: true,
          });
        }
      }
      return rows;
    },
  };

  const aggregates: TradeTable<AggregateFacts> = {
    countUntil: (timeUs) => untilIn(timeUs, (day, index) => day.count.firstAggregate - 1 + index),
    indexOfId: (id) => Math.max(0, id - 1),
    facts(from, to) {
      const rows: AggregateFacts[] = [];
      let day = schedule.dayOfId(from + 1, firstAggregates);
      for (let index = from; index < to; day++) {
        const made = days.trades(day);
        const startUs = days.startOf(day) * 1_000;
        const end = made.count.firstAggregate - 1 + made.count.aggregates;
        for (; index < Math.min(to, end); index++) {
          const place = index - made.count.firstAggregate + 1;
          const firstId = made.count.firstTrade + made.firstFill(place);
          rows.push({
            id: index + 1,
            firstId,
            lastId: made.count.firstTrade + made.firstFill(place + 1) - 1,
            timeUs: startUs + (made.timeUs[place] as number),
            price: printScaled(made.price[place] as number, priceDecimals),
            quantity: printScaled(made.quantity[place] as number, quantityDecimals),
            buyerIsMaker: made.buyerIsMaker[place] === 1,
            isBestMatch: true,
          });
        }
      }
      return rows;
    },
  };

  return { trades, aggregates };
}
