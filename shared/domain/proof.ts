import type { Absence } from './coverage.ts';
import { AppError } from './errors.ts';
import { hasUnverifiedPhase, type Interval, nextOpenTime, openTimeAt, openTimeFrom } from './interval.ts';
import { hasIds, type IdRange, mergeSeriesRanges, type SeriesRange, subtractRanges } from './range.ts';
import type { Series } from './series.ts';

/** The range to prove; ids where the rows have integer ids. `absent` are holes already shown to be the exchange's own. */
export interface ProofClaim extends SeriesRange {
  readonly absent: readonly Absence[];
}

/** What the stored rows prove of a claim. */
export interface RangeProof {
  /** Rows inside the claim. */
  readonly counted: number;
  /** Ranges whose rows are all there (absences cut out), in order, merged. */
  readonly covered: readonly SeriesRange[];
  /** What is neither covered nor absent, in order. Empty = proven. */
  readonly missing: readonly SeriesRange[];
}

/** What a prover looks at: a candle's times, or a trade's id and time. */
export interface CandleMark {
  readonly open_time: number;
  readonly close_time: number;
  readonly is_closed: boolean;
}
export interface TradeMark {
  readonly id: number;
  readonly time: number;
}

/** Reads the rows of a claim once, in order, and holds nothing but the runs found. Rows outside the claim are ignored. */
export interface Prover<Mark> {
  add(row: Mark): void;
  finish(): RangeProof;
}

/**
 * Candles are proven where each closed candle's `close_time + 1` is the next `open_time` from `from` to `to`, but for absences.
 * Feed rows by rising `open_time`. `3d` takes its phase from the first row.
 */
export function createCandleProver(interval: Interval, claim: ProofClaim): Prover<CandleMark> {
  const covered: { from: number; to: number }[] = [];
  const gaps: { from: number; to: number }[] = [];
  const drifts = hasUnverifiedPhase(interval);
  let counted = 0;
  /** Everything before it is covered or a gap. */
  let reached = claim.from;
  /** Where the next bucket opens; undefined until the first row tells the phase. */
  let expected = drifts ? undefined : openTimeFrom(interval, claim.from);

  const cover = (to: number): void => {
    const last = covered.at(-1);
    if (last !== undefined && last.to === reached) last.to = to;
    else covered.push({ from: reached, to });
    reached = to;
  };

  return {
    add(row) {
      if (row.open_time < claim.from || row.open_time >= claim.to) return;
      counted += 1;
      const next = nextOpenTime(interval, row.open_time);
      const proves = row.is_closed && row.close_time === next - 1 && (drifts || openTimeAt(interval, row.open_time) === row.open_time);
      if (!proves || row.open_time < (expected ?? claim.from)) return;
      const follows = expected === undefined ? row.open_time < nextOpenTime(interval, claim.from) : row.open_time === expected;
      if (!follows) {
        gaps.push({ from: reached, to: row.open_time });
        reached = row.open_time;
      }
      cover(Math.min(next, claim.to));
      expected = next;
    },
    finish() {
      const noBucketLeft = expected !== undefined && expected >= claim.to;
      if (reached < claim.to && noBucketLeft) cover(claim.to);
      else if (reached < claim.to) gaps.push({ from: reached, to: claim.to });
      return { counted, covered, missing: subtractRanges(gaps, claim.absent) };
    },
  };
}

/**
 * Rows with integer ids are proven where ids are contiguous from the first to the last id of the claim, but for absences.
 * Feed rows by rising id. Throws `invalid_request` for a claim without ids.
 */
export function createIdProver(claim: ProofClaim): Prover<TradeMark> {
  if (!hasIds(claim))
    throw new AppError('invalid_request', 'A range of rows with integer ids is proven by its first and last id; the claim has none.', {
      from: claim.from,
      to: claim.to,
    });
  const { from_id, to_id } = claim;
  const covered: { from: number; to: number; from_id: number; to_id: number }[] = [];
  const gaps: IdRange[] = [];
  let counted = 0;
  let expected = from_id;
  let lastTime = claim.from;

  return {
    add(row) {
      if (row.id < expected || row.id > to_id) return;
      counted += 1;
      if (row.id > expected) gaps.push({ from: lastTime, to: row.time + 1, from_id: expected, to_id: row.id - 1 });
      const last = covered.at(-1);
      if (last !== undefined && row.id === expected) {
        last.to = Math.max(last.to, row.time + 1);
        last.to_id = row.id;
      } else
        covered.push({
          from: row.id === from_id ? Math.min(claim.from, row.time) : row.time,
          to: row.time + 1,
          from_id: row.id,
          to_id: row.id,
        });
      expected = row.id + 1;
      lastTime = row.time;
    },
    finish() {
      if (expected <= to_id) gaps.push({ from: lastTime, to: Math.max(claim.to, lastTime), from_id: expected, to_id });
      else if (covered.length > 0) {
        const last = covered[covered.length - 1];
        if (last !== undefined) last.to = Math.max(last.to, claim.to);
      } else if (claim.absent.length === 0) covered.push({ from: claim.from, to: claim.to, from_id, to_id });
      return { counted, covered, missing: gaps.flatMap((gap) => subtractIds(gap, claim.absent)) };
    },
  };
}

/** What is left of a gap in ids when absences with ids are taken away; the pieces keep the gap's times. */
export function subtractIds(gap: IdRange, absent: readonly SeriesRange[]): IdRange[] {
  const cuts = mergeSeriesRanges(absent.filter(hasIds).map(({ from, to, from_id, to_id }) => ({ from, to, from_id, to_id })));
  const left: IdRange[] = [];
  let next = gap.from_id;
  for (const cut of cuts) {
    if (cut.to_id < next || cut.from_id > gap.to_id) continue;
    if (cut.from_id > next) left.push({ ...gap, from_id: next, to_id: cut.from_id - 1 });
    next = cut.to_id + 1;
  }
  if (next <= gap.to_id) left.push({ ...gap, from_id: next });
  return left;
}

/** The prover for a series. Throws `not_yet_supported` where rows have neither buckets nor integer ids. */
export function createProver(series: Series, claim: ProofClaim): Prover<CandleMark & TradeMark> {
  if (series.interval !== undefined) return createCandleProver(series.interval, claim);
  if (series.exchange === 'binance' && (series.kind === 'trades' || series.kind === 'agg-trades')) return createIdProver(claim);
  throw new AppError('not_yet_supported', `Rows of ${series.exchange} ${series.kind} cannot be proven yet.`, { kind: series.kind });
}
