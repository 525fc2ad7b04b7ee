import { DAY_MS, MINUTE_MS } from '../buckets.ts';
import { MINUTES_PER_DAY } from './moves.ts';
import type { DayCount, Schedule } from './schedule.ts';
import { CandleSums } from './sums.ts';
import { createColumns, type DayRecipe, makeTradeDay, priceBefore, type TradeColumns, type TradeDay } from './trade-day.ts';

/** Sums of one day's minutes, and of the day whole: what candles of a minute and longer are added up from. */
export interface MinuteSums {
  readonly open: Float64Array;
  readonly high: Float64Array;
  readonly low: Float64Array;
  readonly close: Float64Array;
  readonly volume: Float64Array;
  readonly quote: Float64Array;
  readonly trades: Float64Array;
  readonly takerBase: Float64Array;
  readonly takerQuote: Float64Array;
}

const MINUTE_US = MINUTE_MS * 1_000;
const DAY_US = DAY_MS * 1_000;

/** Days and minute sums of one symbol, made when asked for; the latest few are kept, and one line of sums for every day ever made. */
export class Days {
  readonly schedule: Schedule;
  readonly #recipe: DayRecipe;
  readonly #kept: number;
  readonly #days = new Map<number, TradeDay>();
  readonly #minutes = new Map<number, MinuteSums>();
  /** Where days are made of which only the sums are wanted. */
  #scratch: TradeColumns = createColumns(0);
  readonly #whole = new Map<number, MinuteSums>();
  /** What was asked for last is nearly always asked for next. */
  #latestTrades: { readonly day: number; readonly value: TradeDay } | undefined;
  #latestMinutes: { readonly day: number; readonly value: MinuteSums } | undefined;

  constructor(recipe: DayRecipe, schedule: Schedule, kept: number) {
    this.#recipe = recipe;
    this.schedule = schedule;
    this.#kept = kept;
  }

  get listing(): DayRecipe['listing'] {
    return this.#recipe.listing;
  }

  startOf(day: number): number {
    return this.schedule.begin + day * DAY_MS;
  }

  /** The day that `time` (epoch ms) lies in, held inside the days with trades. */
  dayAt(time: number): number {
    const day = Math.floor((time - this.schedule.begin) / DAY_MS);
    return Math.max(this.schedule.firstDay, Math.min(day, this.schedule.endDay - 1));
  }

  count(day: number): DayCount {
    return this.schedule.day(day);
  }

  /** Price of the last trade before the day. */
  priceBefore(day: number): number {
    return priceBefore(this.#recipe, day);
  }

  trades(day: number): TradeDay {
    if (this.#latestTrades?.day !== day) {
      this.#latestTrades = { day, value: keep(this.#days, day, this.#kept, () => makeTradeDay(this.#recipe, day, this.schedule.day(day))) };
    }
    return this.#latestTrades.value;
  }

  minutes(day: number): MinuteSums {
    if (this.#latestMinutes?.day !== day) {
      this.#latestMinutes = { day, value: keep(this.#minutes, day, this.#kept, () => this.#sumMinutes(day)) };
    }
    return this.#latestMinutes.value;
  }

  /** Adds what was traded in `[fromUs, toUs)` (epoch µs) to `sums`, which begin at the price before. Whole minutes and days are not walked. */
  collect(sums: CandleSums, fromUs: number, toUs: number): void {
    const begin = this.schedule.begin * 1_000;
    const last = Math.min(this.schedule.endDay - 1, Math.floor((toUs - 1 - begin) / DAY_US));
    const first = this.dayAt(fromUs / 1_000);
    let fresh = true;
    for (let day = first; day <= last; day++) {
      const [from, to] = [Math.max(0, fromUs - begin - day * DAY_US), Math.min(DAY_US, toUs - begin - day * DAY_US)];
      if (from >= to) continue;
      if (fresh) sums.begin(this.#priceBefore(day, from));
      fresh = false;
      if (from === 0 && to === DAY_US) addMinute(sums, this.#wholeDay(day), 0);
      else this.#collectOfDay(sums, day, from, to);
    }
    if (fresh) sums.begin(this.priceBefore(first + 1));
  }

  #collectOfDay(sums: CandleSums, day: number, from: number, to: number): void {
    const firstWhole = Math.ceil(from / MINUTE_US);
    const lastWhole = Math.floor(to / MINUTE_US);
    if (firstWhole > lastWhole) {
      this.#addTrades(sums, day, from, to);
      return;
    }
    if (from < firstWhole * MINUTE_US) this.#addTrades(sums, day, from, firstWhole * MINUTE_US);
    if (lastWhole > firstWhole) {
      const minutes = this.minutes(day);
      for (let minute = firstWhole; minute < lastWhole; minute++) addMinute(sums, minutes, minute);
    }
    if (to > lastWhole * MINUTE_US) this.#addTrades(sums, day, lastWhole * MINUTE_US, to);
  }

  #addTrades(sums: CandleSums, day: number, from: number, to: number): void {
    const trades = this.trades(day);
    for (let index = indexFromTime(trades, from); index < trades.count.aggregates && (trades.timeUs[index] as number) < to; index++) {
      addAggregate(sums, trades, index);
    }
  }

  #priceBefore(day: number, offsetUs: number): number {
    if (offsetUs > 0 && offsetUs % MINUTE_US === 0) return this.minutes(day).close[offsetUs / MINUTE_US - 1] as number;
    if (offsetUs === 0) return this.priceBefore(day);
    const trades = this.trades(day);
    const index = indexFromTime(trades, offsetUs);
    return index === 0 ? this.priceBefore(day) : (trades.price[index - 1] as number);
  }

  /** The day's trades, good until the next sketch. */
  #sketch(day: number): TradeDay {
    const count = this.schedule.day(day);
    if (this.#scratch.fills.length < count.aggregates) this.#scratch = createColumns(count.aggregates * 2);
    return makeTradeDay(this.#recipe, day, count, this.#scratch);
  }

  #wholeDay(day: number): MinuteSums {
    const known = this.#whole.get(day);
    if (known !== undefined) return known;
    const minutes = this.minutes(day);
    const sums = new CandleSums();
    sums.begin(this.priceBefore(day));
    for (let minute = 0; minute < MINUTES_PER_DAY; minute++) addMinute(sums, minutes, minute);
    const whole = emptySums(1);
    storeSums(whole, 0, sums);
    this.#whole.set(day, whole);
    return whole;
  }

  #sumMinutes(day: number): MinuteSums {
    const trades = this.#days.get(day) ?? this.#sketch(day);
    const minutes = emptySums(MINUTES_PER_DAY);
    const sums = new CandleSums();
    sums.begin(this.priceBefore(day));
    for (let minute = 0; minute < MINUTES_PER_DAY; minute++) {
      sums.begin(sums.close);
      const end = trades.minuteStart[minute + 1] as number;
      for (let index = trades.minuteStart[minute] as number; index < end; index++) addAggregate(sums, trades, index);
      storeSums(minutes, minute, sums);
    }
    return minutes;
  }
}

/** Index of the first aggregate of the day at or after `offsetUs`. */
export function indexFromTime(trades: TradeDay, offsetUs: number): number {
  let [low, high] = [0, trades.count.aggregates];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((trades.timeUs[middle] as number) < offsetUs) low = middle + 1;
    else high = middle;
  }
  return low;
}

function addAggregate(sums: CandleSums, trades: TradeDay, index: number): void {
  const price = trades.price[index] as number;
  const quantity = trades.quantity[index] as number;
  sums.addPrices(price, price, price, price, trades.fills[index] as number);
  sums.volume.add(quantity);
  sums.quote.add(price * quantity);
  if (trades.buyerIsMaker[index] === 0) {
    sums.takerBase.add(quantity);
    sums.takerQuote.add(price * quantity);
  }
}

function addMinute(sums: CandleSums, minutes: MinuteSums, minute: number): void {
  const trades = minutes.trades[minute] as number;
  if (trades === 0) return;
  const { open, high, low, close } = minutes;
  sums.addPrices(open[minute] as number, high[minute] as number, low[minute] as number, close[minute] as number, trades);
  sums.volume.add(minutes.volume[minute] as number);
  sums.quote.add(minutes.quote[minute] as number);
  sums.takerBase.add(minutes.takerBase[minute] as number);
  sums.takerQuote.add(minutes.takerQuote[minute] as number);
}

function emptySums(length: number): MinuteSums {
  const column = (): Float64Array => new Float64Array(length);
  return {
    open: column(),
    high: column(),
    low: column(),
    close: column(),
    volume: column(),
    quote: column(),
    trades: column(),
    takerBase: column(),
    takerQuote: column(),
  };
}

/** Sums of a minute or a day stay below 2^52: `listing.ts` is chosen so, and a test holds it to that. */
function storeSums(target: MinuteSums, index: number, sums: CandleSums): void {
  target.open[index] = sums.open;
  target.high[index] = sums.high;
  target.low[index] = sums.low;
  target.close[index] = sums.close;
  target.volume[index] = sums.volume.low;
  target.quote[index] = sums.quote.low;
  target.trades[index] = sums.trades;
  target.takerBase[index] = sums.takerBase.low;
  target.takerQuote[index] = sums.takerQuote.low;
}

function keep<V>(map: Map<number, V>, key: number, most: number, make: () => V): V {
  const known = map.get(key);
  if (known !== undefined) {
    map.delete(key);
    map.set(key, known);
    return known;
  }
  const made = make();
  if (map.size >= most) map.delete(map.keys().next().value as number);
  map.set(key, made);
  return made;
}
