import type { Coverage } from '../../shared/domain/coverage.ts';
import { coverageOf, lackingRanges } from '../../shared/domain/ledger.ts';
import type { SeriesPlan } from '../../shared/domain/plan.ts';
import { intersectRange } from '../../shared/domain/range.ts';
import { parseSeriesId } from '../../shared/domain/series.ts';
import { boundPlan } from '../../shared/domain/workflow/plan-figures.ts';
import type { Selection } from '../../shared/domain/workflow/request.ts';
import type { MarketStore } from '../../shared/store/market-store.ts';

/** Ledgers that are read at once. */
const CONCURRENCY = 16;

/** What the ledger says of each selection, in their order. */
export async function readCoverages(market: MarketStore, selections: readonly Selection[]): Promise<Coverage[]> {
  const coverages: Coverage[] = [];
  for (let at = 0; at < selections.length; at += CONCURRENCY) {
    const read = selections.slice(at, at + CONCURRENCY).map(async ({ series, from, to }) => {
      const parsed = parseSeriesId(series);
      return coverageOf(parsed, await market.readLedger(parsed, { from, to }), from, to);
    });
    coverages.push(...(await Promise.all(read)));
  }
  return coverages;
}

/** What has to be fetched of the selections: one entry for each, with no more ranges than a plan may be made from. */
export async function readLacking(market: MarketStore, selections: readonly Selection[]): Promise<SeriesPlan[]> {
  const coverages = await readCoverages(market, selections);
  return boundPlan(
    coverages.map((coverage) => ({
      series: coverage.series,
      // A hole that is known by its ids may reach beyond what was asked.
      ranges: lackingRanges(coverage).flatMap((range) => intersectRange(range, coverage) ?? []),
    })),
  );
}
