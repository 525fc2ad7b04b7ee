/**
 * Candle buckets as the exchange cuts them (binance-spot-api-docs, 2026-07-21): fixed lengths aligned to UTC, weeks from Monday, calendar months.
 * A `shiftMs` moves the day's border for the `timeZone` parameter: buckets are those of a clock that far ahead of UTC.
 * Written apart from the platform's own arithmetic on purpose: the two must agree without sharing a line.
 */
export const CANDLE_INTERVALS = [
  '1s',
  '1m',
  '3m',
  '5m',
  '15m',
  '30m',
  '1h',
  '2h',
  '4h',
  '6h',
  '8h',
  '12h',
  '1d',
  '3d',
  '1w',
  '1M',
] as const;
/** One of `CANDLE_INTERVALS`. */
export type CandleInterval = (typeof CANDLE_INTERVALS)[number];

/** A minute, ms. */
export const MINUTE_MS = 60_000;
/** A day, ms. */
export const DAY_MS = 86_400_000;

const UNIT_MS: Readonly<Record<string, number>> = { s: 1_000, m: MINUTE_MS, h: 3_600_000, d: DAY_MS, w: 7 * DAY_MS };
const LENGTHS_MS: ReadonlyMap<CandleInterval, number> = new Map(
  CANDLE_INTERVALS.filter((interval) => interval !== '1M').map((interval) => [
    interval,
    Number.parseInt(interval, 10) * (UNIT_MS[interval.slice(-1)] ?? 0),
  ]),
);

/** Thursday was the first day of the epoch: weeks open on the fourth day after it. */
const WEEK_OFFSET_MS = 4 * DAY_MS;

/** The exchange does not document where `3d` buckets begin; this one begins them a day after the epoch, so that nobody may assume. */
const THREE_DAY_OFFSET_MS = DAY_MS;

/** True for an interval exactly as the exchange spells it (case matters: `1m` is a minute, `1M` a month). */
export function isCandleInterval(text: string): text is CandleInterval {
  return (CANDLE_INTERVALS as readonly string[]).includes(text);
}

/** Length in ms of every interval but `1M`, which has none (`undefined`). */
export function fixedLengthMs(interval: CandleInterval): number | undefined {
  return LENGTHS_MS.get(interval);
}

function offsetMs(interval: CandleInterval): number {
  if (interval === '1w') return WEEK_OFFSET_MS;
  return interval === '3d' ? THREE_DAY_OFFSET_MS : 0;
}

/** Number of the bucket that `time` (epoch ms) lies in; consecutive buckets have consecutive numbers. */
export function bucketNumber(interval: CandleInterval, time: number, shiftMs = 0): number {
  const length = fixedLengthMs(interval);
  if (length !== undefined) return Math.floor((time + shiftMs - offsetMs(interval)) / length);
  const local = new Date(time + shiftMs);
  return local.getUTCFullYear() * 12 + local.getUTCMonth();
}

/** Opening time (epoch ms) of the bucket with this number. */
export function bucketOpen(interval: CandleInterval, number: number, shiftMs = 0): number {
  const length = fixedLengthMs(interval);
  if (length !== undefined) return number * length + offsetMs(interval) - shiftMs;
  return Date.UTC(Math.floor(number / 12), ((number % 12) + 12) % 12, 1) - shiftMs;
}

/** Opening time (epoch ms) of the bucket after the one opened at `open`. */
export function nextBucketOpen(interval: CandleInterval, open: number, shiftMs = 0): number {
  const length = fixedLengthMs(interval);
  return length === undefined ? bucketOpen(interval, bucketNumber(interval, open, shiftMs) + 1, shiftMs) : open + length;
}

/** Order from the finest to the coarsest, for choosing what a longer candle is summed from. */
export function intervalRank(interval: CandleInterval): number {
  return CANDLE_INTERVALS.indexOf(interval);
}
