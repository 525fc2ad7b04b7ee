import type { CandleInterval } from '../buckets.ts';
import { printScaled } from '../decimal.ts';
import type { CandleTable, Market, SymbolMarket } from '../market.ts';
import { syntheticBook } from './book.ts';
import { Days, indexFromTime } from './days.ts';
import { LEADER, LISTINGS, type Listing, MARKET_BEGIN, MARKET_NOW } from './listing.ts';
import { createMoves, type Moves } from './moves.ts';
import { hashText, hashWords } from './random.ts';
import { Schedule } from './schedule.ts';
import { syntheticCandles, syntheticTrades } from './tables.ts';

/** What a synthetic market is made of. */
export interface SyntheticOptions {
  readonly seed: number;
  /** Correlation of each symbol's minute with BTCUSDT's five minutes before, 0 (none) to 0.8. */
  readonly leadStrength: number;
  /** Aggregate trades that XRPUSDT makes in one millisecond, on the 15th of each month at 12:00 UTC; rounded up to a multiple of eight. */
  readonly burst: number;
}

/** Days kept whole for each symbol: about 350 KB each for the liveliest. */
const DAYS_KEPT = 16;

/**
 * A seeded market of nine symbols from 2022 on, without an end: candles are the sums of its own trades, aggregates those of its own fills, one
 * symbol leads the others, one is listed in 2023, one in 2024, and one ends in 2024. Any day is made on demand, and few are kept.
 */
export function createSyntheticMarket(options: SyntheticOptions): Market {
  const moves = createMoves({ seed: options.seed, begin: MARKET_BEGIN, leader: LEADER, leadStrength: options.leadStrength });
  return { symbols: LISTINGS.map((listing) => createSymbol(listing, moves, options)), defaultNow: MARKET_NOW };
}

function createSymbol(listing: Listing, moves: Moves, options: SyntheticOptions): SymbolMarket {
  const symbol = listing.baseAsset + listing.quoteAsset;
  const word = hashWords(options.seed, hashText(symbol));
  const schedule = new Schedule(listing, { begin: MARKET_BEGIN, word, burst: options.burst });
  const days = new Days({ listing, symbol, moves, word }, schedule, DAYS_KEPT);
  const tables = new Map<string, CandleTable>();
  const { trades, aggregates } = syntheticTrades(days);
  return {
    symbol,
    baseAsset: listing.baseAsset,
    quoteAsset: listing.quoteAsset,
    status: listing.endedAt === undefined ? 'TRADING' : 'BREAK',
    tickSize: printScaled(listing.price.step, listing.price.decimals),
    stepSize: printScaled(listing.quantity.step, listing.quantity.decimals),
    finestInterval: '1s',
    trades,
    aggregates,
    candles(interval: CandleInterval, shiftMs = 0) {
      const key = `${interval}${shiftMs}`;
      let table = tables.get(key);
      if (table === undefined) {
        table = syntheticCandles(days, interval, shiftMs);
        if (shiftMs === 0) tables.set(key, table);
      }
      return table;
    },
    book(now, levels) {
      const isOver = listing.endedAt !== undefined && now >= listing.endedAt;
      if (isOver || now < (listing.listedAt ?? MARKET_BEGIN)) return { lastUpdateId: 0, bids: [], asks: [] };
      const day = days.dayAt(now);
      const made = days.trades(day);
      const next = indexFromTime(made, (now - days.startOf(day)) * 1_000 + 1_000);
      const price = next === 0 ? days.priceBefore(day) : (made.price[next - 1] as number);
      const maker = next > 0 && made.buyerIsMaker[next - 1] === 1;
      return syntheticBook(listing, word, MARKET_BEGIN, { now, price, maker }, levels);
    },
  };
}
