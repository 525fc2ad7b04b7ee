import { DAY_MS } from '../buckets.ts';
import { createDraw, gauss, hashText, hashWords } from './random.ts';

/** Minutes of a day. */
export const MINUTES_PER_DAY = 1_440;

/** How many minutes after the leader its moves come back in the others: one bar of five minutes. */
export const LEAD_MINUTES = 5;

const HOURS_PER_DAY = 24;
/** Part of a minute's variance that all symbols share. */
const COMMON_WEIGHT = 0.45;
const PATHS_KEPT = 48;
/** A sum of two uniforms has a variance of 1/6. */
const ROOT_SIX = Math.sqrt(6);
/** Pull of the price towards its level, a day. */
const REVERSION = 0.004;

/** What the paths of all symbols depend on. */
export interface MovesOptions {
  readonly seed: number;
  readonly begin: number;
  readonly leader: string;
  /** Correlation of a minute's move with the leader's move five minutes before, 0 to 0.8. */
  readonly leadStrength: number;
}

/**
 * Prices as paths: daily anchors walk around the symbol's level, and a day's minutes walk from one anchor to the next with volatility that
 * clusters. A day is made from the seed alone, whatever was asked before.
 */
export interface Moves {
  /** Log price at the start of a day (0 = the market's first day), relative to the symbol's level. */
  anchor(symbol: string, day: number, dailyVolatility: number): number;
  /** Log prices at the 1,441 minute borders of a day, relative to the symbol's level. */
  path(symbol: string, day: number, dailyVolatility: number): Float64Array;
  /** Volatility of each minute of a day, 1 on average or so. */
  volatility(symbol: string, day: number): Float64Array;
}

/** Makes the paths of one market. Nothing is computed before it is asked for. */
export function createMoves(options: MovesOptions): Moves {
  const key = (purpose: string): number => hashWords(options.seed, hashText(purpose));
  const common = key('common');
  const anchors = new Map<string, number[]>();
  const shocks = new Map<string, Float64Array>();
  /** A day is asked for its volatility twice in a row. */
  let latest: { readonly symbol: string; readonly day: number; readonly values: Float64Array } | undefined;

  function shocksOf(name: string, day: number): Float64Array {
    const id = `${name}:${day}`;
    const known = shocks.get(id);
    if (known !== undefined) return known;
    const draw = createDraw(hashWords(key(`shock:${name}`), day));
    const values = new Float64Array(MINUTES_PER_DAY);
    for (let minute = 0; minute < MINUTES_PER_DAY; minute++) values[minute] = (draw() + draw() - 1) * ROOT_SIX;
    if (shocks.size >= PATHS_KEPT) shocks.delete(shocks.keys().next().value as string);
    shocks.set(id, values);
    return values;
  }

  function volatility(symbol: string, day: number): Float64Array {
    if (latest?.symbol !== symbol || latest.day !== day) latest = { symbol, day, values: makeVolatility(symbol, day) };
    return latest.values;
  }

  function makeVolatility(symbol: string, day: number): Float64Array {
    const own = key(`volatility:${symbol}`);
    const knots: number[] = [];
    for (let hour = day * HOURS_PER_DAY; hour <= (day + 1) * HOURS_PER_DAY; hour++) {
      const ofDay = ((hour % HOURS_PER_DAY) / HOURS_PER_DAY) * 2 * Math.PI;
      const slow = 0.35 * between(common, hour, 48) + 0.3 * between(common, hour, 7) + 0.3 * between(own, hour, 5);
      knots.push(slow + 0.3 * gauss(hashWords(own, hour)) + 0.25 * Math.sin(ofDay - 1.9) - 0.15);
    }
    const values = new Float64Array(MINUTES_PER_DAY);
    for (let minute = 0; minute < MINUTES_PER_DAY; minute++) {
      const hour = Math.floor(minute / 60);
      const left = knots[hour] as number;
      values[minute] = Math.exp(left + ((knots[hour + 1] as number) - left) * ((minute % 60) / 60));
    }
    return values;
  }

  function anchor(symbol: string, day: number, dailyVolatility: number): number {
    let walk = anchors.get(symbol);
    if (walk === undefined) {
      walk = [0];
      anchors.set(symbol, walk);
    }
    const own = key(`day:${symbol}`);
    for (let next = walk.length; next <= day; next++) {
      const move = 0.6 * gauss(hashWords(common, next)) + 0.8 * gauss(hashWords(own, next));
      walk.push((walk[next - 1] as number) * (1 - REVERSION) + dailyVolatility * move);
    }
    return walk[day] as number;
  }

  return {
    anchor,
    volatility,
    path(symbol, day, dailyVolatility) {
      const follows = symbol === options.leader ? 0 : options.leadStrength;
      const own = Math.sqrt(Math.max(0, 1 - COMMON_WEIGHT ** 2 - follows ** 2));
      const sigma = dailyVolatility / Math.sqrt(MINUTES_PER_DAY);
      const [shared, alone, leading] = [shocksOf('common', day), shocksOf(symbol, day), shocksOf(options.leader, day)];
      const leadingBefore = shocksOf(options.leader, day - 1);
      const active = volatility(symbol, day);
      const path = new Float64Array(MINUTES_PER_DAY + 1);
      for (let minute = 0; minute < MINUTES_PER_DAY; minute++) {
        const before = minute - LEAD_MINUTES;
        const led = before >= 0 ? (leading[before] as number) : (leadingBefore[MINUTES_PER_DAY + before] as number);
        const move = COMMON_WEIGHT * (shared[minute] as number) + own * (alone[minute] as number) + follows * led;
        path[minute + 1] = (path[minute] as number) + sigma * (active[minute] as number) * move;
      }
      // The walk is bent, evenly and by little, to end where the next day starts.
      const start = anchor(symbol, day, dailyVolatility);
      const bend = (anchor(symbol, day + 1, dailyVolatility) - start - (path[MINUTES_PER_DAY] as number)) / MINUTES_PER_DAY;
      for (let minute = 0; minute <= MINUTES_PER_DAY; minute++) path[minute] = (path[minute] as number) + start + bend * minute;
      return path;
    },
  };

  /** Smooth noise between knots `every` hours apart. */
  function between(word: number, hour: number, every: number): number {
    const knot = Math.floor(hour / every);
    const left = gauss(hashWords(word, every, knot));
    return left + (gauss(hashWords(word, every, knot + 1)) - left) * (hour / every - knot);
  }
}

/** Number of the day (0 = the market's first) that `time` lies in. */
export function dayNumber(begin: number, time: number): number {
  return Math.floor((time - begin) / DAY_MS);
}
