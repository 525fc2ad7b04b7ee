import { MINUTE_MS } from '../buckets.ts';
import type { Listing } from './listing.ts';
import { MINUTES_PER_DAY, type Moves } from './moves.ts';
import { createDraw, hashWords, mix } from './random.ts';
import { type DayCount, FILL_STARTS, FILLS_PER_GROUP, GROUP } from './schedule.ts';

const MINUTE_US = MINUTE_MS * 1_000;
/** Part of the quarters of an hour in which a symbol is quiet throughout, per unit of `quietMinutes`. */
const QUIET_QUARTERS = 0.2;
/** Part of the aggregates that come in the same millisecond as the one before. */
const SAME_MILLISECOND = 0.35;
const NOON_MINUTE = 720;

/** Aggregate trades in order, at least as many places as there are. Prices and quantities are integers in units of the last decimal. */
export interface TradeColumns {
  /** µs after the day's start. */
  readonly timeUs: Float64Array;
  readonly price: Float64Array;
  readonly quantity: Float64Array;
  /** How many fills. */
  readonly fills: Uint8Array;
  /** 1 where the buyer is the maker. */
  readonly buyerIsMaker: Uint8Array;
}

/** Empty columns. */
export function createColumns(places: number): TradeColumns {
  return {
    timeUs: new Float64Array(places),
    price: new Float64Array(places),
    quantity: new Float64Array(places),
    fills: new Uint8Array(places),
    buyerIsMaker: new Uint8Array(places),
  };
}

/** One day of one symbol. */
export interface TradeDay extends TradeColumns {
  readonly count: DayCount;
  /** `[minute]`: index of the first aggregate of the minute; one more for the end. */
  readonly minuteStart: Uint32Array;
  /** Fill of the day (from 0) that an aggregate (from 0) begins with. */
  firstFill(aggregate: number): number;
  /** Aggregate of the day (from 0) that a fill (from 0) belongs to. */
  aggregateOfFill(fill: number): number;
  fillQuantity(fill: number): number;
}

/** What every day of one symbol is made of. */
export interface DayRecipe {
  readonly listing: Listing;
  readonly symbol: string;
  readonly moves: Moves;
  /** Word of the symbol, from the seed. */
  readonly word: number;
}

/** Price of the last trade before a day: each day's last trade is at the next day's anchor, so that days join without being made. */
export function priceBefore({ listing, symbol, moves }: DayRecipe, day: number): number {
  const logPrice = moves.anchor(symbol, day, listing.dailyVolatility);
  return toStep(listing.level * Math.exp(logPrice) * 10 ** listing.price.decimals, listing.price.step);
}

/** Makes a day whole, from the seed alone, into `columns` that have room for it. */
export function makeTradeDay(recipe: DayRecipe, day: number, count: DayCount, columns = createColumns(count.aggregates)): TradeDay {
  const { listing, symbol, moves } = recipe;
  const word = hashWords(recipe.word, day);
  const draw = createDraw(word);
  const scale = 10 ** listing.price.decimals;
  const minuteStart = spreadOverMinutes(count, moves.volatility(symbol, day), listing.quietMinutes, draw);
  const path = moves.path(symbol, day, listing.dailyVolatility);
  for (let border = 0; border <= MINUTES_PER_DAY; border++) path[border] = listing.level * Math.exp(path[border] as number) * scale;
  const { timeUs, price, quantity, fills, buyerIsMaker } = columns;
  const rotation = (group: number): number => mix(word ^ group) & 7;
  const largest = listing.meanFill * 4;
  const fillQuantity = (fill: number): number => {
    const u = mix(word + Math.imul(fill + 1, 0x9e3779b9)) / 4_294_967_296;
    return (1 + Math.floor(largest * u * u * u)) * listing.quantity.step;
  };

  let fill = 0;
  for (let minute = 0; minute < MINUTES_PER_DAY; minute++) {
    const [from, to] = [minuteStart[minute] as number, minuteStart[minute + 1] as number];
    if (to === from) continue;
    const burst = minute === NOON_MINUTE ? count.burst : 0;
    const begin = path[minute] as number;
    const move = (path[minute + 1] as number) - begin;
    const regular = to - from - burst;
    let last = minute * MINUTE_US;
    for (let index = from; index < to; index++) {
      const place = index - from - burst;
      if (place >= 0) last = nextTime(minute * MINUTE_US, place, regular, last, draw);
      timeUs[index] = last;
      const done = place < 0 ? 0 : (place + 1) / regular;
      const maker = draw() < 0.5 - (move > 0 ? 0.08 : -0.08);
      const around = done === 1 ? 0 : (draw() - 0.5) * 0.6 * move;
      price[index] = toStep(begin + move * done + around + (maker ? -0.5 : 0.5) * listing.price.step, listing.price.step);
      buyerIsMaker[index] = maker ? 1 : 0;
      const starts = FILL_STARTS[rotation(index >> 3)] as readonly number[];
      const own = (starts[(index & 7) + 1] as number) - (starts[index & 7] as number);
      fills[index] = own;
      let sum = 0;
      for (let more = 0; more < own; more++) sum += fillQuantity(fill++);
      quantity[index] = sum;
    }
  }
  if (count.aggregates > 0) price[count.aggregates - 1] = priceBefore(recipe, day + 1);

  return {
    ...columns,
    count,
    minuteStart,
    fillQuantity,
    firstFill: (aggregate) =>
      Math.floor(aggregate / GROUP) * FILLS_PER_GROUP +
      ((FILL_STARTS[rotation(aggregate >> 3)] as readonly number[])[aggregate & 7] as number),
    aggregateOfFill(fillOfDay) {
      const group = Math.floor(fillOfDay / FILLS_PER_GROUP);
      const starts = FILL_STARTS[rotation(group)] as readonly number[];
      let place = 0;
      while ((starts[place + 1] as number) <= fillOfDay % FILLS_PER_GROUP) place += 1;
      return group * GROUP + place;
    },
  };
}

function toStep(value: number, step: number): number {
  return Math.max(step, Math.round(value / step) * step);
}

/** Times rise through the minute; some share the millisecond of the one before. */
function nextTime(minuteUs: number, place: number, places: number, last: number, draw: () => number): number {
  if (place > 0 && draw() < SAME_MILLISECOND) return last + Math.floor((999 - (last % 1_000)) * draw() * 0.5);
  return Math.max(last, minuteUs + Math.floor(((place + draw()) / places) * MINUTE_US));
}

/** Shares the day's aggregates among its minutes by how lively each is; quiet minutes and quarters get none. Ends are cumulative. */
function spreadOverMinutes(count: DayCount, volatility: Float64Array, quiet: number, draw: () => number): Uint32Array {
  const sums = new Float64Array(MINUTES_PER_DAY + 1);
  const [opens, ends] = [Math.ceil(count.opensMs / MINUTE_MS), Math.floor(count.endsMs / MINUTE_MS)];
  let quietQuarter = false;
  for (let minute = 0; minute < MINUTES_PER_DAY; minute++) {
    if (minute % 15 === 0) quietQuarter = draw() < quiet * QUIET_QUARTERS;
    const isQuiet = draw() < quiet || quietQuarter;
    const lively = 0.4 + 0.6 * (volatility[minute] as number) * (0.5 + draw());
    const isFirst = minute === opens;
    const weight = minute < opens || minute >= ends ? 0 : isFirst ? 2 : isQuiet ? 0 : lively;
    sums[minute + 1] = (sums[minute] as number) + weight;
  }
  const regular = count.aggregates - count.burst;
  const all = sums[MINUTES_PER_DAY] as number;
  const starts = new Uint32Array(MINUTES_PER_DAY + 1);
  for (let minute = 1; minute <= MINUTES_PER_DAY; minute++) {
    const share = all === 0 ? 0 : Math.ceil((regular * (sums[minute] as number)) / all);
    starts[minute] = Math.min(regular, share) + (minute > NOON_MINUTE ? count.burst : 0);
  }
  return starts;
}
