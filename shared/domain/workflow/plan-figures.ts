import { countPlannedRows, countShards, type SeriesPlan } from '../plan.ts';

/** What a plan will cost, as the caller is told. Figures that depend on ids which nobody knows yet are null. */
export interface PlanFigures {
  readonly shards: number;
  readonly rows: number | null;
  /** Requests to the exchange. */
  readonly calls: number | null;
  readonly seconds: number | null;
}

/** Weight of one page of candles (Binance, `klines`, 2026-07-21). */
const CALL_WEIGHT = 2;
/** Weight that a minute gives to workflows: 6,000 less the fifth that is kept for repairs. */
const WEIGHT_PER_MINUTE = 4_800;
/** A request takes about this long, one after another; so a small plan is not said to take no time. */
const SECONDS_PER_CALL = 0.2;

/** The figures of what has to be fetched. */
export function planFigures(plan: readonly SeriesPlan[]): PlanFigures {
  const open = plan.filter(({ ranges }) => ranges.length > 0);
  const shards = countShards(open);
  const rows = countPlannedRows(open);
  if (rows === null) return { shards, rows, calls: null, seconds: null };
  const seconds = Math.max(shards * SECONDS_PER_CALL, (shards * CALL_WEIGHT * 60) / WEIGHT_PER_MINUTE);
  return { shards, rows, calls: shards, seconds: Math.ceil(seconds) };
}

/** The most ranges that one workflow plans from, beside one for each series: keeps its events and its state small. */
export const MAX_PLAN_RANGES = 1_000;

/**
 * The same plan in at most `most` ranges beside the first of each series: the nearest neighbours of a series are joined, and what lies between them is
 * fetched again, which changes nothing that is stored.
 */
export function boundPlan(plan: readonly SeriesPlan[], most = MAX_PLAN_RANGES): SeriesPlan[] {
  const gaps = plan.flatMap(({ ranges }, entry) =>
    ranges.slice(1).map((range, index) => ({ entry, index, length: range.from - (ranges[index]?.to ?? range.from) })),
  );
  if (gaps.length <= most) return [...plan];
  const closed = new Set(
    gaps
      .sort((a, b) => a.length - b.length)
      .slice(0, gaps.length - most)
      .map(({ entry, index }) => `${entry}:${index}`),
  );
  return plan.map(({ series, ranges }, entry) => {
    const joined: { from: number; to: number }[] = [];
    ranges.forEach((range, index) => {
      const last = joined.at(-1);
      if (last !== undefined && closed.has(`${entry}:${index - 1}`)) last.to = range.to;
      else joined.push({ from: range.from, to: range.to });
    });
    return { series, ranges: joined };
  });
}
