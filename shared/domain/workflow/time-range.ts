import { hasUnverifiedPhase, openTimeAt } from '../interval.ts';
import type { TimeRange } from '../range.ts';
import type { Series } from '../series.ts';

const DAY_MS = 86_400_000;

/** A bucket counts as closed this long after its end by the exchange's clock: its last trades have been counted by then. */
export const CLOSED_AFTER_MS = 5_000;

/** The two forms of a `time_range`, for a caller who sent another one. */
export const ALLOWED_TIME_RANGES =
  'two UTC dates with the last one included ("2024-08-01:2024-08-31"), or two instants, half-open ("2024-08-01T00:00:00Z/2024-08-01T06:00:00Z")';

const DATES = /^(\d{4}-\d\d-\d\d):(\d{4}-\d\d-\d\d)$/;
const INSTANT = /^(\d{4}-\d\d-\d\d)T\d\d:\d\d(?::\d\d(?:\.\d{1,3})?)?(?:Z|[+-]\d\d:\d\d)$/;

/** Reads a `time_range`: the half-open range of epoch ms, or what is wrong with it. */
export function parseTimeRange(text: string): TimeRange | { readonly problem: string } {
  const range = readDates(text) ?? readInstants(text);
  if (range === undefined) return { problem: 'is not a time range' };
  if (Number.isNaN(range.from) || Number.isNaN(range.to)) return { problem: 'names a time that does not exist' };
  if (range.from < 0) return { problem: 'begins before 1970' };
  if (range.to <= range.from) return { problem: 'ends before it begins' };
  return range;
}

/** Reads one moment: a UTC date (its midnight), an instant, or epoch milliseconds. Undefined for anything else and for times before 1970. */
export function parseTimePoint(text: string): number | undefined {
  const time = /^\d{1,15}$/.test(text) ? Number(text) : /^\d{4}-\d\d-\d\d$/.test(text) ? readDate(text) : readInstant(text);
  return time === undefined || Number.isNaN(time) || time < 0 ? undefined : time;
}

function readDates(text: string): TimeRange | undefined {
  const [, first, last] = DATES.exec(text) ?? [];
  if (first === undefined || last === undefined) return undefined;
  return { from: readDate(first), to: readDate(last) + DAY_MS };
}

function readInstants(text: string): TimeRange | undefined {
  const [first, last, ...rest] = text.split('/');
  if (first === undefined || last === undefined || rest.length > 0) return undefined;
  const [from, to] = [readInstant(first), readInstant(last)];
  return from === undefined || to === undefined ? undefined : { from, to };
}

function readInstant(text: string): number | undefined {
  const date = INSTANT.exec(text)?.[1];
  if (date === undefined) return undefined;
  return Number.isNaN(readDate(date)) ? Number.NaN : Date.parse(text);
}

/** Midnight of a calendar date; NaN for one that no calendar has (`Date.parse` alone turns 30 February into 1 March). */
function readDate(date: string): number {
  const time = Date.parse(`${date}T00:00:00Z`);
  return !Number.isNaN(time) && new Date(time).toISOString().startsWith(date) ? time : Number.NaN;
}

/**
 * Where a series of a request ends: `to`, clipped to the last bucket that was closed when the exchange's clock said `asOf` (epoch ms). Rows without
 * buckets end at that moment.
 */
export function seriesEnd({ interval }: Pick<Series, 'interval'>, to: number, asOf: number): number {
  const closed = asOf - CLOSED_AFTER_MS;
  if (interval === undefined) return Math.min(to, closed);
  // Three days open at a midnight that only the rows tell: whichever it is, those that have closed, and no others, open before the midnight two days ago.
  if (hasUnverifiedPhase(interval)) return Math.min(to, openTimeAt('1d', closed) - 2 * DAY_MS);
  return Math.min(to, openTimeAt(interval, closed));
}
