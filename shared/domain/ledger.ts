import type { Absence, Coverage, CoveredRange, Hole, LedgerAddition, LedgerMonth, OpenHole } from './coverage.ts';
import { OPEN_HOLE_KINDS } from './coverage.ts';
import { subtractIds } from './proof.ts';
import { hasIds, type IdRange, mergeSeriesRanges, type SeriesRange, subtractRanges, type TimeRange } from './range.ts';
import { hasIntegerIds, type Series, seriesId } from './series.ts';

/** The UTC month of a time: `2024-08`. */
export function monthOf(time: number): string {
  return new Date(time).toISOString().slice(0, 7);
}

/** First millisecond of the month, and of the one after it. */
export function monthRange(month: string): TimeRange {
  const from = Date.parse(`${month}-01T00:00:00Z`);
  const date = new Date(from);
  return { from, to: Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + 1, 1) };
}

/** The months that a half-open range touches, oldest first; a range of no length touches the month it stands in. */
export function monthsOf(range: TimeRange): string[] {
  const months = [monthOf(range.from)];
  for (let next = monthRange(monthOf(range.from)).to; next < range.to; next = monthRange(monthOf(next)).to) months.push(monthOf(next));
  return months;
}

/** A month of the ledger that is not stored yet. */
export function emptyMonth(series: Series, month: string): LedgerMonth {
  return { series: seriesId(series), month, rev: 0, covered: [], absent: [], open: [] };
}

/** The part of an addition that belongs to each month. Ranges with ids stay whole (their ids at a month's edge are unknown) and stand in each month they touch. */
export function splitByMonth(addition: LedgerAddition): Map<string, LedgerAddition> {
  const months = new Map<string, { covered: CoveredRange[]; absent: Absence[]; open: OpenHole[] }>();
  const at = (month: string) => {
    const found = months.get(month) ?? { covered: [], absent: [], open: [] };
    months.set(month, found);
    return found;
  };
  for (const range of addition.covered) for (const month of monthsOf(range)) at(month).covered.push(clip(range, month));
  for (const range of addition.absent) for (const month of monthsOf(range)) at(month).absent.push(clip(range, month));
  for (const range of addition.open) for (const month of monthsOf(range)) at(month).open.push(clip(range, month));
  return months;
}

function clip<R extends SeriesRange>(range: R, month: string): R {
  if (hasIds(range)) return range;
  const bounds = monthRange(month);
  return { ...range, from: Math.max(range.from, bounds.from), to: Math.min(range.to, bounds.to) };
}

/**
 * The month with an addition joined in. Coverage only grows: what is covered stays covered; an absence or an open hole is kept once per range.
 * Origins do not keep ranges apart.
 */
export function extendMonth(month: LedgerMonth, addition: LedgerAddition): LedgerMonth {
  return {
    ...month,
    covered: mergeSeriesRanges([...month.covered, ...addition.covered]),
    absent: unionByRange(month.absent, addition.absent),
    open: unionByRange(month.open, addition.open),
  };
}

function unionByRange<R extends SeriesRange & { readonly kind: string }>(stored: readonly R[], added: readonly R[]): R[] {
  const keyOf = (range: R): string => `${range.from}:${range.to}:${range.from_id ?? ''}:${range.to_id ?? ''}:${range.kind}`;
  const union = new Map(stored.map((range) => [keyOf(range), range]));
  for (const range of added) if (!union.has(keyOf(range))) union.set(keyOf(range), range);
  return [...union.values()].sort((a, b) => a.from - b.from || a.to - b.to);
}

/** True where two states of a month hold the same ranges: nothing has to be written. */
export function sameMonth(a: LedgerMonth, b: LedgerMonth): boolean {
  return JSON.stringify([a.covered, a.absent, a.open]) === JSON.stringify([b.covered, b.absent, b.open]);
}

/** What the ledger says of `[from, to)`: merged ranges, holes with their kinds, and whether it is complete. `months` in any order. */
export function coverageOf(series: Series, months: readonly LedgerMonth[], from: number, to: number): Coverage {
  const inside = (range: SeriesRange): boolean => range.from < to && range.to > from;
  const covered = mergeSeriesRanges(months.flatMap((month) => month.covered)).filter(inside);
  const absent = unionByRange(
    [],
    months.flatMap((month) => month.absent),
  ).filter(inside);
  const open = unionByRange(
    [],
    months.flatMap((month) => month.open),
  ).filter(inside);
  const holes: Hole[] = [];
  for (const hole of complement(covered, { from, to }, hasIntegerIds(series))) {
    const { labelled, left } = label(hole, absent);
    holes.push(...labelled);
    for (const rest of left) {
      const known = label(rest, open);
      holes.push(...known.labelled, ...known.left.map((range): OpenHole => ({ ...range, kind: 'missing' })));
    }
  }
  holes.sort((a, b) => a.from - b.from || (a.from_id ?? 0) - (b.from_id ?? 0) || a.to - b.to);
  const complete = holes.every((hole) => !(OPEN_HOLE_KINDS as readonly string[]).includes(hole.kind));
  return { series: seriesId(series), from, to, ranges: covered.map((range) => clipTo(range, { from, to })), holes, complete };
}

/** What must be fetched for `[from, to)` to become complete: its open holes, as ranges of time, merged. A hole of ids inside one millisecond is that millisecond. */
export function lackingRanges(coverage: Coverage): TimeRange[] {
  const open = coverage.holes.filter((hole) => (OPEN_HOLE_KINDS as readonly string[]).includes(hole.kind));
  return subtractRanges(
    open.map((hole) => ({ from: hole.from, to: Math.max(hole.to, hole.from + 1) })),
    [],
  );
}

function clipTo<R extends SeriesRange>(range: R, bounds: TimeRange): R {
  if (range.from >= bounds.from && range.to <= bounds.to) return range;
  const { from_id: _from, to_id: _to, ...rest } = range;
  return { ...rest, from: Math.max(range.from, bounds.from), to: Math.min(range.to, bounds.to) } as R;
}

/** The holes between covered ranges inside the bounds; between ranges with ids also those that have no length in time. */
function complement(covered: readonly CoveredRange[], bounds: TimeRange, ids: boolean): SeriesRange[] {
  const holes: SeriesRange[] = [];
  let before: CoveredRange | undefined;
  let reached = bounds.from;
  for (const range of covered) {
    const skipped = ids && before?.to_id !== undefined && range.from_id !== undefined && range.from_id > before.to_id + 1;
    if (range.from > reached || skipped) {
      holes.push({
        from: Math.min(reached, range.from),
        to: Math.max(reached, range.from),
        ...(before?.to_id === undefined ? {} : { from_id: before.to_id + 1 }),
        ...(range.from_id === undefined ? {} : { to_id: range.from_id - 1 }),
      });
    }
    reached = Math.max(reached, range.to);
    before = range;
  }
  if (reached < bounds.to)
    holes.push({ from: reached, to: bounds.to, ...(before?.to_id === undefined ? {} : { from_id: before.to_id + 1 }) });
  return holes;
}

/** Splits a hole by labelled ranges: by ids where both sides have them, by time otherwise. */
function label<L extends Hole>(hole: SeriesRange, labels: readonly L[]): { labelled: L[]; left: SeriesRange[] } {
  const labelled: L[] = [];
  if (hasIds(hole)) {
    let left: IdRange[] = [hole];
    for (const candidate of labels.filter(hasIds)) {
      const cut = left.flatMap((range) => subtractIds(range, [candidate]));
      if (
        cut.length !== left.length ||
        cut.some((range, index) => range.from_id !== left[index]?.from_id || range.to_id !== left[index]?.to_id)
      )
        labelled.push(candidate);
      left = cut;
    }
    return { labelled, left };
  }
  let left: SeriesRange[] = [hole];
  for (const candidate of labels) {
    const from = Math.max(candidate.from, hole.from);
    const to = Math.min(candidate.to, hole.to);
    const cut = subtractRanges(left, [candidate]);
    if (from < to && JSON.stringify(cut) !== JSON.stringify(subtractRanges(left, []))) {
      labelled.push({ ...candidate, from, to });
      left = cut;
    }
  }
  return { labelled, left };
}
