import { type Coverage, OPEN_HOLE_KINDS } from '../../shared/domain/coverage.ts';
import { coverageOf } from '../../shared/domain/ledger.ts';
import type { TimeRange } from '../../shared/domain/range.ts';
import type { Series } from '../../shared/domain/series.ts';
import type { MarketStore, SeriesSummary } from '../../shared/store/market-store.ts';

/**
 * What the ledger says of a series between `range.from` and `range.to`; a bound that is not given is the first or the last moment that the rows or the
 * ledger know of. Undefined where a bound is needed and nothing is known.
 */
export async function readCoverage(
  market: MarketStore,
  series: Series,
  range: Partial<TimeRange>,
  summary?: SeriesSummary,
): Promise<Coverage | undefined> {
  const { from, to } = range;
  if (from !== undefined && to !== undefined) return coverageOf(series, await market.readLedger(series, { from, to }), from, to);
  const months = await market.readLedger(series);
  const rows = summary ?? (await market.describeSeries(series));
  const known = months.flatMap(({ covered, absent, open }) => [...covered, ...absent, ...open]);
  const begins = [...known.map((each) => each.from), ...(rows?.first === undefined ? [] : [rows.first.time])];
  const ends = [...known.map((each) => each.to), ...(rows?.last === undefined ? [] : [rows.last.time + 1])];
  if (begins.length === 0 || ends.length === 0) return undefined;
  const first = from ?? begins.reduce((a, b) => Math.min(a, b), to ?? Number.MAX_SAFE_INTEGER);
  const last = to ?? ends.reduce((a, b) => Math.max(a, b), first);
  return coverageOf(series, months, first, last);
}

/** How many holes of each kind there are. */
export function countHoles(coverage: Coverage): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { kind } of coverage.holes) counts[kind] = (counts[kind] ?? 0) + 1;
  return counts;
}

/** The holes that stay open: `missing`, `refused`, `unavailable`, `lost`. */
export function openHoles(coverage: Coverage): Coverage['holes'] {
  return coverage.holes.filter(({ kind }) => (OPEN_HOLE_KINDS as readonly string[]).includes(kind));
}
