import type { CandleInterval } from './buckets.ts';

/** A candle as the source has it: decimals as printed, `null` where the source does not say. Times in epoch ms. */
export interface CandleFacts {
  readonly openTime: number;
  /** Opening time of the next bucket: the candle is closed when the clock has reached it. */
  readonly nextOpen: number;
  readonly open: string;
  readonly high: string;
  readonly low: string;
  readonly close: string;
  readonly volume: string;
  readonly quoteVolume: string | null;
  readonly tradeCount: number | null;
  readonly takerBase: string | null;
  readonly takerQuote: string | null;
}

/** One fill. `timeUs` is epoch microseconds. */
export interface TradeFacts {
  readonly id: number;
  readonly timeUs: number;
  readonly price: string;
  readonly quantity: string;
  readonly quoteQuantity: string | null;
  readonly buyerIsMaker: boolean;
  readonly isBestMatch: boolean;
}

/** One aggregate trade: the fills `firstId` to `lastId`, of one taker at one price. */
export interface AggregateFacts {
  readonly id: number;
  readonly firstId: number;
  readonly lastId: number;
  readonly timeUs: number;
  readonly price: string;
  readonly quantity: string;
  readonly buyerIsMaker: boolean;
  readonly isBestMatch: boolean;
}

/** The candles of one symbol and interval, counted from 0 in order of opening time. Nothing here depends on the clock but `asOf`. */
export interface CandleTable {
  /** Index of the first candle that opens at or after `time` (epoch ms); the count where there is none. A future without end counts on. */
  indexFrom(time: number): number;
  openTimeOf(index: number): number;
  nextOpenOf(index: number): number;
  /** Candles `[from, to)` as they stand once closed. */
  facts(from: number, to: number): CandleFacts[];
  /** The candle as it stood at `now`, while it was forming. */
  asOf(index: number, now: number): CandleFacts;
  /** The same rows as `facts`, rendered; faster, where the table has a way that is. */
  render?(from: number, to: number, inMicroseconds: boolean): RenderedRows;
}

/** Rows of an answer: parted by commas, without brackets around them. `starts[i]` is where row i begins, with one more for the end behind a last comma. */
export interface RenderedRows {
  readonly bytes: Buffer;
  readonly starts: Uint32Array;
}

/** The trades or aggregate trades of one symbol, counted from 0 in order of id. */
export interface TradeTable<Facts extends { readonly id: number; readonly timeUs: number }> {
  /** How many happened at or before `timeUs`. */
  countUntil(timeUs: number): number;
  /** Index of the first with this id or a greater one. */
  indexOfId(id: number): number;
  facts(from: number, to: number): Facts[];
}

/** `[price, quantity]`, as printed. */
export type BookLevel = readonly [price: string, quantity: string];

/** An order book at one moment. */
export interface Book {
  readonly lastUpdateId: number;
  /** Best first: bids descend, asks ascend. */
  readonly bids: readonly BookLevel[];
  readonly asks: readonly BookLevel[];
}

/** One symbol of a market, synthetic or recorded. */
export interface SymbolMarket {
  readonly symbol: string;
  readonly baseAsset: string;
  readonly quoteAsset: string;
  readonly status: 'TRADING' | 'BREAK';
  readonly tickSize: string;
  readonly stepSize: string;
  /** Candles with the day's border moved by `shiftMs`; `undefined` where the source cannot give them. */
  candles(interval: CandleInterval, shiftMs?: number): CandleTable | undefined;
  readonly trades: TradeTable<TradeFacts> | undefined;
  readonly aggregates: TradeTable<AggregateFacts> | undefined;
  /** The finest interval that `candles` can give without inventing. */
  readonly finestInterval: CandleInterval | undefined;
  book(now: number, levels: number): Book;
}

/** What the simulator serves: its symbols, and when its own history ends. */
export interface Market {
  readonly symbols: readonly SymbolMarket[];
  /** Where the clock starts unless told otherwise, epoch ms. */
  readonly defaultNow: number;
}
