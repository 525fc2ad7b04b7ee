import { DAY_MS } from '../buckets.ts';
import { BURST_SYMBOL, type Listing } from './listing.ts';
import { hashWords, unit } from './random.ts';

/**
 * Aggregates come in groups of eight that hold sixteen fills between them, in one of eight rotations of this pattern: so the id of any fill
 * follows from the id of its aggregate, and back, without counting.
 */
const FILLS_OF_GROUP = [1, 3, 1, 1, 5, 2, 1, 2] as const;
/** Aggregates of a group. */
export const GROUP = FILLS_OF_GROUP.length;
/** Fills of a group. */
export const FILLS_PER_GROUP = 16;

/** `FILL_STARTS[rotation][place]`: fills of the group before the aggregate at this place; the ninth place is the end. */
export const FILL_STARTS: readonly (readonly number[])[] = Array.from({ length: GROUP }, (_, rotation) => {
  const starts = [0];
  for (let place = 0; place < GROUP; place++)
    starts.push((starts[place] as number) + (FILLS_OF_GROUP[(place + rotation) % GROUP] as number));
  return starts;
});

/** How much one symbol trades on one day, and under which ids. */
export interface DayCount {
  /** Ids of the first aggregate and the first fill of the day; both spaces start at 1. */
  readonly firstAggregate: number;
  readonly firstTrade: number;
  /** A multiple of eight; 0 on a day without trading. */
  readonly aggregates: number;
  /** How many of them share the first millisecond after 12:00 UTC. */
  readonly burst: number;
  /** Trading time of the day, ms after its start. */
  readonly opensMs: number;
  readonly endsMs: number;
}

/** How much is traded on each day of one symbol, and so which ids a day has. Days are counted from the market's first. */
export class Schedule {
  readonly begin: number;
  readonly firstDay: number;
  /** The day after the last with trades; infinite for a market that goes on. */
  readonly endDay: number;
  readonly #listing: Listing;
  readonly #word: number;
  readonly #burst: number;
  readonly #days: DayCount[] = [];

  constructor(listing: Listing, options: { readonly begin: number; readonly word: number; readonly burst: number }) {
    this.#listing = listing;
    this.#word = options.word;
    this.#burst = `${listing.baseAsset}${listing.quoteAsset}` === BURST_SYMBOL ? Math.ceil(options.burst / GROUP) * GROUP : 0;
    this.begin = options.begin;
    this.firstDay = Math.floor(((listing.listedAt ?? options.begin) - options.begin) / DAY_MS);
    this.endDay = listing.endedAt === undefined ? Number.POSITIVE_INFINITY : Math.ceil((listing.endedAt - options.begin) / DAY_MS);
  }

  /** Counts of a day in `[firstDay, endDay)`. */
  day(number: number): DayCount {
    while (this.#days.length <= number - this.firstDay) this.#days.push(this.#next());
    return this.#days[number - this.firstDay] as DayCount;
  }

  /** The last day, of those counted so far, whose first id (by `idOf`) is not above `id`: an id is only asked for once it was counted. */
  dayOfId(id: number, idOf: (day: DayCount) => number): number {
    let [low, high] = [this.firstDay, this.firstDay + Math.max(0, this.#days.length - 1)];
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (idOf(this.day(middle)) <= id) low = middle;
      else high = middle - 1;
    }
    return low;
  }

  #next(): DayCount {
    const number = this.firstDay + this.#days.length;
    const before = this.#days.at(-1);
    const start = this.begin + number * DAY_MS;
    const opensMs = Math.max(0, (this.#listing.listedAt ?? start) - start);
    const endsMs = Math.min(DAY_MS, (this.#listing.endedAt ?? start + DAY_MS) - start);
    const [least, most] = this.#listing.aggregatesPerDay;
    const wanted = (least + (most - least) * unit(hashWords(this.#word, number))) * ((endsMs - opensMs) / DAY_MS);
    const burst = new Date(start).getUTCDate() === 15 && opensMs === 0 && endsMs === DAY_MS ? this.#burst : 0;
    const aggregates = Math.ceil(wanted / GROUP) * GROUP + burst;
    const groupsBefore = before === undefined ? 0 : (before.firstAggregate - 1 + before.aggregates) / GROUP;
    return { firstAggregate: groupsBefore * GROUP + 1, firstTrade: groupsBefore * FILLS_PER_GROUP + 1, aggregates, burst, opensMs, endsMs };
  }
}
