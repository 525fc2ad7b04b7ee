/** Half-open range of time `[from, to)` in epoch milliseconds, UTC. */
export interface TimeRange {
  readonly from: number;
  readonly to: number;
}

/**
 * A range of one series. Where rows have integer ids, `from_id` and `to_id` are the first and the last id inside, both inclusive;
 * a range without a row in it has `to_id = from_id - 1`.
 */
export interface SeriesRange extends TimeRange {
  readonly from_id?: number;
  readonly to_id?: number;
}

/** A range whose ids are known at both ends. */
export type IdRange = SeriesRange & { readonly from_id: number; readonly to_id: number };

export function hasIds(range: SeriesRange): range is IdRange {
  return range.from_id !== undefined && range.to_id !== undefined;
}

/** The union of time ranges: sorted, disjoint, touching ones joined, empty ones dropped. */
export function mergeRanges(ranges: readonly TimeRange[]): TimeRange[] {
  const sorted = ranges.filter((range) => range.to > range.from).sort((a, b) => a.from - b.from);
  const merged: { from: number; to: number }[] = [];
  for (const range of sorted) {
    const last = merged.at(-1);
    if (last !== undefined && range.from <= last.to) last.to = Math.max(last.to, range.to);
    else merged.push({ from: range.from, to: range.to });
  }
  return merged;
}

/** What of `ranges` is left when everything in `minus` is taken away; merged. */
export function subtractRanges(ranges: readonly TimeRange[], minus: readonly TimeRange[]): TimeRange[] {
  const cuts = mergeRanges(minus);
  const left: TimeRange[] = [];
  for (const range of mergeRanges(ranges)) {
    let from = range.from;
    for (const cut of cuts) {
      if (cut.to <= from) continue;
      if (cut.from >= range.to) break;
      if (cut.from > from) left.push({ from, to: cut.from });
      from = cut.to;
    }
    if (from < range.to) left.push({ from, to: range.to });
  }
  return left;
}

/** The part of `range` inside `bounds`, or undefined where they do not meet. */
export function intersectRange(range: TimeRange, bounds: TimeRange): TimeRange | undefined {
  const from = Math.max(range.from, bounds.from);
  const to = Math.min(range.to, bounds.to);
  return to > from ? { from, to } : undefined;
}

/** The smallest range that holds all of them; ids only where every range has them. Throws `RangeError` for none. */
export function hullOf(ranges: readonly SeriesRange[]): SeriesRange {
  if (ranges.length === 0) throw new RangeError('the hull of no ranges');
  const times = { from: Math.min(...ranges.map((range) => range.from)), to: Math.max(...ranges.map((range) => range.to)) };
  if (!ranges.every(hasIds)) return times;
  return { ...times, from_id: Math.min(...ranges.map((range) => range.from_id)), to_id: Math.max(...ranges.map((range) => range.to_id)) };
}

/**
 * The union of ranges of one series. Without ids: as `mergeRanges`. With ids, two ranges are one where the first's last id + 1 is the second's first
 * (or they overlap in ids): time between them held no row. Ranges that touch in time only stay apart.
 */
export function mergeSeriesRanges<R extends SeriesRange>(ranges: readonly R[]): R[] {
  const compare = (a: R, b: R): number =>
    (hasIds(a) && hasIds(b) ? a.from_id - b.from_id || a.to_id - b.to_id : 0) || a.from - b.from || a.to - b.to;
  const merged: R[] = [];
  for (const range of [...ranges].sort(compare)) {
    const last = merged.at(-1);
    const joined = last === undefined ? undefined : join(last, range);
    if (joined === undefined) {
      if (range.to > range.from || hasIds(range)) merged.push(range);
    } else merged[merged.length - 1] = joined;
  }
  return merged;
}

function join<R extends SeriesRange>(a: R, b: R): R | undefined {
  const times = { from: Math.min(a.from, b.from), to: Math.max(a.to, b.to) };
  if (!hasIds(a) || !hasIds(b)) return b.from <= a.to ? { ...a, ...times } : undefined;
  if (b.from_id > a.to_id + 1) return undefined;
  return { ...a, ...times, from_id: Math.min(a.from_id, b.from_id), to_id: Math.max(a.to_id, b.to_id) };
}
