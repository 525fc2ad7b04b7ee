import { printScaled } from '../decimal.ts';
import type { Book, BookLevel } from '../market.ts';
import type { Listing } from './listing.ts';
import { hashWords, mix, unit } from './random.ts';

/** An order of the book changes its size about this often, each at its own moment. */
const LEVEL_LIFE_MS = 4_000;
/** Part of the price steps, at any moment, on which nobody waits. */
const EMPTY_LEVELS = 0.3;
/** Steps that a book reaches away from its middle. */
const DEEPEST_STEP = 20_000;
/** The book changes at most ten times a second, and each change has a number. */
const UPDATE_MS = 100;
const FIRST_UPDATE_ID = 1_000;

/**
 * The order book as a function of time: the size at a price depends on the seed, the price and when it last changed, so any two moments differ by
 * a well-defined set of changes. The best two levels stand around the last trade, and there is always somebody there.
 */
export function syntheticBook(
  listing: Listing,
  word: number,
  begin: number,
  state: { now: number; price: number; maker: boolean },
  levels: number,
): Book {
  const { step, decimals } = listing.price;
  const bestBid = state.maker ? state.price : Math.max(step, state.price - step);
  const side = (from: number, direction: number): BookLevel[] => {
    const rows: BookLevel[] = [];
    for (let away = 0; away < DEEPEST_STEP && rows.length < levels; away++) {
      const price = from + direction * away * step;
      if (price <= 0) break;
      const quantity = quantityAt(price, away === 0);
      if (quantity > 0) rows.push([printScaled(price, decimals), printScaled(quantity, listing.quantity.decimals)]);
    }
    return rows;
  };
  const quantityAt = (price: number, isBest: boolean): number => {
    const place = mix(word ^ price);
    const change = Math.floor((state.now + (place % LEVEL_LIFE_MS)) / LEVEL_LIFE_MS);
    const size = hashWords(word, price, change);
    if (!isBest && unit(mix(size ^ 1)) < EMPTY_LEVELS) return 0;
    const share = unit(size);
    return (1 + Math.floor(listing.meanFill * 12 * share * share)) * listing.quantity.step;
  };
  return {
    lastUpdateId: FIRST_UPDATE_ID + Math.floor((state.now - begin) / UPDATE_MS),
    bids: side(bestBid, -1),
    asks: side(bestBid + step, 1),
  };
}
