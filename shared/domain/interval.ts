/** The candle intervals of Binance Spot, case-sensitive (binance-spot-api-docs, 2026-07-21). */
export const INTERVALS = ['1s', '1m', '3m', '5m', '15m', '30m', '1h', '2h', '4h', '6h', '8h', '12h', '1d', '3d', '1w', '1M'] as const;
export type Interval = (typeof INTERVALS)[number];

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** Fixed lengths in milliseconds; a month has none. */
const LENGTH_MS: Record<Exclude<Interval, '1M'>, number> = {
  '1s': SECOND,
  '1m': MINUTE,
  '3m': 3 * MINUTE,
  '5m': 5 * MINUTE,
  '15m': 15 * MINUTE,
  '30m': 30 * MINUTE,
  '1h': HOUR,
  '2h': 2 * HOUR,
  '4h': 4 * HOUR,
  '6h': 6 * HOUR,
  '8h': 8 * HOUR,
  '12h': 12 * HOUR,
  '1d': DAY,
  '3d': 3 * DAY,
  '1w': 7 * DAY,
};

/** 1970-01-05 was the first Monday of the epoch: weeks open on Mondays at 00:00 UTC. */
const WEEK_PHASE_MS = 4 * DAY;

export function isInterval(text: string): text is Interval {
  return (INTERVALS as readonly string[]).includes(text);
}

/** The bucket's opening time at or before `time` (epoch ms, UTC). Months and weeks follow the calendar; `3d` is counted from the epoch. */
export function openTimeAt(interval: Interval, time: number): number {
  if (interval === '1M') {
    const date = new Date(time);
    return Date.UTC(date.getUTCFullYear(), date.getUTCMonth(), 1);
  }
  const length = LENGTH_MS[interval];
  const phase = interval === '1w' ? WEEK_PHASE_MS : 0;
  return Math.floor((time - phase) / length) * length + phase;
}

/** The opening time that follows the bucket opened at `openTime`, in epoch ms. */
export function nextOpenTime(interval: Interval, openTime: number): number {
  if (interval !== '1M') return openTime + LENGTH_MS[interval];
  const date = new Date(openTime);
  return Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + 1, 1);
}

/** The first opening time at or after `time`. */
export function openTimeFrom(interval: Interval, time: number): number {
  const open = openTimeAt(interval, time);
  return open === time ? open : nextOpenTime(interval, open);
}

/** `count` buckets after the bucket opened at `openTime` (`count` ≥ 0). */
export function addBuckets(interval: Interval, openTime: number, count: number): number {
  if (interval !== '1M') return openTime + count * LENGTH_MS[interval];
  const date = new Date(openTime);
  return Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + count, 1);
}

/** How many buckets open inside the half-open range `[from, to)`. */
export function countBuckets(interval: Interval, from: number, to: number): number {
  if (to <= from) return 0;
  const first = openTimeFrom(interval, from);
  if (first >= to) return 0;
  if (interval !== '1M') return Math.ceil((to - first) / LENGTH_MS[interval]);
  const a = new Date(first);
  const b = new Date(openTimeFrom('1M', to));
  return (b.getUTCFullYear() - a.getUTCFullYear()) * 12 + b.getUTCMonth() - a.getUTCMonth();
}

/** Length of the bucket opened at `openTime`, in milliseconds. */
export function bucketLengthMs(interval: Interval, openTime: number): number {
  return interval === '1M' ? nextOpenTime('1M', openTime) - openTime : LENGTH_MS[interval];
}

/** `3d` buckets have a phase that Binance does not document: it is taken from the rows, never assumed. */
export function hasUnverifiedPhase(interval: Interval): boolean {
  return interval === '3d';
}
