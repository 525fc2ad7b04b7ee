import { bucketNumber, bucketOpen, type CandleInterval, nextBucketOpen } from '../buckets.ts';
import { addDecimals, compareDecimals, type Decimal, parseDecimal, printDecimal, printDecimalText } from '../decimal.ts';
import type { CandleFacts, CandleTable } from '../market.ts';
import type { Tape } from './recorded-trades.ts';
import { firstAtOrAbove, type RowTable } from './row-table.ts';

const ZERO: Decimal = { units: 0n, decimals: 0 };
const ZERO_PRINTED = printDecimal(ZERO);

/** What a candle that the recording does not have as such is summed from. */
export interface CandleSource {
  /** Opening times of the candles it can give, rising. */
  opens(interval: CandleInterval, shiftMs: number): Float64Array;
  /** The candle `[openTime, nextOpen)`, of what happened before `until` (epoch ms, exclusive). */
  sum(openTime: number, nextOpen: number, until: number): CandleFacts | undefined;
}

/** Candles as recorded: `openTime,o,h,l,c,volume[,closeTime,quoteVolume,count,takerBase,takerQuote,unused]`. While one forms, `finer` tells how. */
export function recordedCandles(table: RowTable, finer: CandleSource | undefined): CandleTable {
  const facts = (index: number): CandleFacts => readCandle(table, index);
  return {
    indexFrom: (time) => firstAtOrAbove(table.keys, table.length, time),
    openTimeOf: (index) => table.keys[index] as number,
    nextOpenOf: (index) => table.times[index] as number,
    facts: (from, to) => range(from, Math.min(to, table.length)).map(facts),
    asOf(index, now) {
      const whole = facts(index);
      if (now >= whole.nextOpen - 1) return whole;
      return finer?.sum(whole.openTime, whole.nextOpen, now + 1) ?? justOpened(whole);
    },
  };
}

/** Candles summed from a finer source. */
export function summedCandles(source: CandleSource, interval: CandleInterval, shiftMs: number): CandleTable {
  let known: Float64Array | undefined;
  const opens = (): Float64Array => {
    known ??= source.opens(interval, shiftMs);
    return known;
  };
  const openTimeOf = (index: number): number => opens()[index] as number;
  const nextOpenOf = (index: number): number => nextBucketOpen(interval, openTimeOf(index), shiftMs);
  const facts = (index: number, until: number): CandleFacts => {
    const sum = source.sum(openTimeOf(index), nextOpenOf(index), until);
    return sum ?? justOpened(source.sum(openTimeOf(index), nextOpenOf(index), Number.POSITIVE_INFINITY) as CandleFacts);
  };
  return {
    openTimeOf,
    nextOpenOf,
    indexFrom: (time) => firstAtOrAbove(opens(), opens().length, time),
    facts: (from, to) => range(from, Math.min(to, opens().length)).map((index) => facts(index, Number.POSITIVE_INFINITY)),
    asOf: (index, now) => facts(index, now + 1),
  };
}

/**
 * Longer candles out of shorter ones. A longer candle opens, and finds its high and low, in those with trades only: one without stands at the
 * close before, which nobody traded at.
 */
export function sourceOfCandles(table: RowTable): CandleSource {
  return {
    opens(interval, shiftMs) {
      const opens: number[] = [];
      for (let index = 0; index < table.length; index++) {
        const open = bucketOpen(interval, bucketNumber(interval, table.keys[index] as number, shiftMs), shiftMs);
        if (open !== opens.at(-1)) opens.push(open);
      }
      return Float64Array.from(opens);
    },
    sum(openTime, nextOpen, until) {
      const from = firstAtOrAbove(table.keys, table.length, openTime);
      const to = firstAtOrAbove(table.keys, table.length, nextOpen);
      const rows: CandleFacts[] = [];
      for (let index = from; index < to && (table.times[index] as number) <= until; index++) rows.push(readCandle(table, index));
      return rows.length === 0 ? undefined : sumCandles(rows, openTime, nextOpen);
    },
  };
}

function sumCandles(rows: readonly CandleFacts[], openTime: number, nextOpen: number): CandleFacts {
  const traded = rows.filter((row) => parseDecimal(row.volume)?.units !== 0n);
  const priced = traded.length > 0 ? traded : rows.slice(0, 1);
  return {
    openTime,
    nextOpen,
    open: (priced[0] as CandleFacts).open,
    high: outermost(priced, (row) => row.high, 1),
    low: outermost(priced, (row) => row.low, -1),
    close: (priced.at(-1) as CandleFacts).close,
    volume: total(rows, (row) => row.volume) ?? ZERO_PRINTED,
    quoteVolume: total(rows, (row) => row.quoteVolume),
    tradeCount: rows.reduce<number | null>((sum, row) => (sum === null || row.tradeCount === null ? null : sum + row.tradeCount), 0),
    takerBase: total(rows, (row) => row.takerBase),
    takerQuote: total(rows, (row) => row.takerQuote),
  };
}

function outermost(rows: readonly CandleFacts[], pick: (row: CandleFacts) => string, direction: 1 | -1): string {
  return rows.map(pick).reduce((best, text) => {
    const [a, b] = [parseDecimal(text), parseDecimal(best)];
    return a !== undefined && b !== undefined && compareDecimals(a, b) * direction > 0 ? text : best;
  });
}

function total(rows: readonly CandleFacts[], pick: (row: CandleFacts) => string | null): string | null {
  let sum = ZERO;
  for (const row of rows) {
    const text = pick(row);
    if (text === null) return null;
    sum = addDecimals(sum, parseDecimal(text) ?? ZERO);
  }
  return printDecimal(sum);
}

/**
 * Candles out of trades. A bucket without a trade is flat at the price before where the ids on both sides follow each other; where ids are
 * missing nobody knows, and there is no candle.
 */
export function sourceOfTape(tape: Tape): CandleSource {
  const { table } = tape;
  return {
    opens(interval, shiftMs) {
      const opens: number[] = [];
      for (let index = 0; index < table.length; index++) {
        const open = bucketOpen(interval, bucketNumber(interval, Math.floor((table.times[index] as number) / 1_000), shiftMs), shiftMs);
        const before = opens.at(-1);
        if (before !== undefined && open <= before) continue;
        if (before !== undefined && tape.ids(index)[0] === tape.ids(index - 1)[1] + 1) {
          for (let quiet = nextBucketOpen(interval, before, shiftMs); quiet < open; quiet = nextBucketOpen(interval, quiet, shiftMs))
            opens.push(quiet);
        }
        opens.push(open);
      }
      return Float64Array.from(opens);
    },
    sum(openTime, nextOpen, until) {
      const from = firstAtOrAbove(table.times, table.length, openTime * 1_000);
      const to = firstAtOrAbove(table.times, table.length, Math.min(nextOpen, until) * 1_000);
      if (from >= to) return from === 0 ? undefined : flat(openTime, nextOpen, printDecimal(tape.entry(from - 1).price));
      return sumTape(tape, from, to, openTime, nextOpen);
    },
  };
}

function sumTape(tape: Tape, from: number, to: number, openTime: number, nextOpen: number): CandleFacts {
  const first = tape.entry(from).price;
  let [high, low, close, trades] = [first, first, first, 0];
  let [volume, quote, takerBase, takerQuote] = [ZERO, ZERO, ZERO, ZERO];
  for (let index = from; index < to; index++) {
    const entry = tape.entry(index);
    if (compareDecimals(entry.price, high) > 0) high = entry.price;
    if (compareDecimals(entry.price, low) < 0) low = entry.price;
    close = entry.price;
    trades += entry.lastId - entry.firstId + 1;
    volume = addDecimals(volume, entry.quantity);
    quote = addDecimals(quote, entry.quote);
    if (entry.takerBuys) {
      takerBase = addDecimals(takerBase, entry.quantity);
      takerQuote = addDecimals(takerQuote, entry.quote);
    }
  }
  return {
    openTime,
    nextOpen,
    open: printDecimal(first),
    high: printDecimal(high),
    low: printDecimal(low),
    close: printDecimal(close),
    volume: printDecimal(volume),
    quoteVolume: printDecimal(quote),
    tradeCount: trades,
    takerBase: printDecimal(takerBase),
    takerQuote: printDecimal(takerQuote),
  };
}

function flat(openTime: number, nextOpen: number, price: string): CandleFacts {
  const none = ZERO_PRINTED;
  const volumes = { volume: none, quoteVolume: none, tradeCount: 0, takerBase: none, takerQuote: none };
  return { openTime, nextOpen, open: price, high: price, low: price, close: price, ...volumes };
}

/** All that is known of a candle that forms, where nothing finer was recorded: its open. */
function justOpened(whole: CandleFacts): CandleFacts {
  const bare = flat(whole.openTime, whole.nextOpen, whole.open);
  return {
    ...bare,
    quoteVolume: whole.quoteVolume === null ? null : bare.quoteVolume,
    tradeCount: whole.tradeCount === null ? null : 0,
    takerBase: whole.takerBase === null ? null : bare.takerBase,
    takerQuote: whole.takerQuote === null ? null : bare.takerQuote,
  };
}

function readCandle(table: RowTable, index: number): CandleFacts {
  const columns = table.columns(index);
  const count = known(columns[8]);
  const decimal = (place: number): string | null => {
    const text = known(columns[place]);
    return text === null ? null : printDecimalText(text);
  };
  return {
    openTime: table.keys[index] as number,
    nextOpen: table.times[index] as number,
    open: printDecimalText(columns[1] ?? ''),
    high: printDecimalText(columns[2] ?? ''),
    low: printDecimalText(columns[3] ?? ''),
    close: printDecimalText(columns[4] ?? ''),
    volume: printDecimalText(columns[5] ?? ''),
    quoteVolume: decimal(7),
    tradeCount: count === null ? null : Number(count),
    takerBase: decimal(9),
    takerQuote: decimal(10),
  };
}

function known(text: string | undefined): string | null {
  return text === undefined || text.trim() === '' || text === 'null' ? null : text.trim();
}

function range(from: number, to: number): number[] {
  return Array.from({ length: Math.max(0, to - from) }, (_, place) => from + place);
}
