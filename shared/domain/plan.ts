import { addBuckets, countBuckets, openTimeFrom } from './interval.ts';
import type { TimeRange } from './range.ts';
import { parseSeriesId, type Series, seriesId } from './series.ts';

/** Buckets of a candle shard: one page of the exchange. */
export const CANDLES_PER_SHARD = 1_000;
/** Length of a shard of trades: about 30 seconds of work for the busiest symbols. */
export const TRADES_SHARD_MS = 3_600_000;

/** What has to be fetched of one series. */
export interface SeriesPlan {
  readonly series: string;
  readonly ranges: readonly TimeRange[];
}

/** One piece of work. `shard` is `<series id>:<from>-<to>`. */
export interface Shard extends TimeRange {
  readonly shard: string;
  readonly series: string;
}

export function shardId(series: string, from: number, to: number): string {
  return `${series}:${from}-${to}`;
}

/** Reads a shard id back. Throws `invalid_request` where its series is none. */
export function parseShardId(shard: string): Shard & { readonly parsed: Series } {
  const cut = shard.lastIndexOf(':');
  const [from, to] = shard
    .slice(cut + 1)
    .split('-')
    .map(Number);
  const parsed = parseSeriesId(shard.slice(0, cut));
  return { shard, series: seriesId(parsed), parsed, from: from ?? Number.NaN, to: to ?? Number.NaN };
}

/** How many shards a range of a series has. One in which no bucket opens has one too: the ledger has to learn that nothing is missing there. */
function countRangeShards({ interval }: Series, range: TimeRange): number {
  if (range.to <= range.from) return 0;
  if (interval !== undefined) return Math.max(1, Math.ceil(countBuckets(interval, range.from, range.to) / CANDLES_PER_SHARD));
  return Math.ceil(range.to / TRADES_SHARD_MS) - Math.floor(range.from / TRADES_SHARD_MS);
}

/** The shards of one series, in order. */
interface SeriesShards {
  readonly series: Series;
  readonly ranges: readonly { readonly range: TimeRange; readonly count: number }[];
  readonly count: number;
}

/** Plans never change, and are asked for one shard at a time: counting the thousands of series of a large one takes longer than what is done with a shard. */
const counted = new WeakMap<readonly SeriesPlan[], readonly SeriesShards[]>();

function shardsOf(plan: readonly SeriesPlan[]): readonly SeriesShards[] {
  const known = counted.get(plan) ?? plan.map(countSeries);
  counted.set(plan, known);
  return known;
}

function countSeries({ series, ranges }: SeriesPlan): SeriesShards {
  const parsed = parseSeriesId(series);
  const counts = ranges.map((range) => ({ range, count: countRangeShards(parsed, range) }));
  return { series: parsed, ranges: counts, count: counts.reduce((sum, { count }) => sum + count, 0) };
}

/** Shards of a whole plan. */
export function countShards(plan: readonly SeriesPlan[]): number {
  return shardsOf(plan).reduce((sum, { count }) => sum + count, 0);
}

/** Candle rows that a plan asks for, or null where it holds series whose rows cannot be counted beforehand. */
export function countPlannedRows(plan: readonly SeriesPlan[]): number | null {
  let rows = 0;
  for (const { series, ranges } of plan) {
    const { interval } = parseSeriesId(series);
    if (interval === undefined) return null;
    for (const range of ranges) rows += countBuckets(interval, range.from, range.to);
  }
  return rows;
}

/**
 * The shard with this number (from 0) of a plan; undefined behind the last. The series take turns, a shard each, until they have no more: whatever is in
 * flight is spread over as many keys as there are. Nothing is laid out beforehand.
 */
export function shardAt(plan: readonly SeriesPlan[], index: number): Shard | undefined {
  let left = index;
  let round = 0;
  let open = shardsOf(plan);
  while (open.length > 0) {
    const until = Math.min(...open.map(({ count }) => count));
    const shards = (until - round) * open.length;
    if (left < shards) return nthShard(open[left % open.length] as SeriesShards, round + Math.floor(left / open.length));
    left -= shards;
    round = until;
    open = open.filter(({ count }) => count > until);
  }
  return undefined;
}

function nthShard({ series, ranges }: SeriesShards, index: number): Shard | undefined {
  let left = index;
  for (const { range, count } of ranges) {
    if (left < count) return makeShard(series, range, left, count);
    left -= count;
  }
  return undefined;
}

function makeShard(series: Series, range: TimeRange, index: number, count: number): Shard {
  const id = seriesId(series);
  const isLast = index === count - 1;
  let from: number;
  let to: number;
  if (series.interval === undefined) {
    const hour = Math.floor(range.from / TRADES_SHARD_MS) + index;
    from = index === 0 ? range.from : hour * TRADES_SHARD_MS;
    to = isLast ? range.to : (hour + 1) * TRADES_SHARD_MS;
  } else {
    const first = openTimeFrom(series.interval, range.from);
    from = index === 0 ? range.from : addBuckets(series.interval, first, index * CANDLES_PER_SHARD);
    to = isLast ? range.to : addBuckets(series.interval, first, (index + 1) * CANDLES_PER_SHARD);
  }
  return { shard: shardId(id, from, to), series: id, from, to };
}
