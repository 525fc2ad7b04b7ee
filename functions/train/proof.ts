import type { OpenHole } from '../../shared/domain/coverage.ts';
import { isInterval } from '../../shared/domain/interval.ts';
import { coverageOf } from '../../shared/domain/ledger.ts';
import { EXCHANGES, type Series, seriesId } from '../../shared/domain/series.ts';
import type { GraphDocument } from '../../shared/store/graph-store.ts';
import type { MarketStore } from '../../shared/store/market-store.ts';

/** What the ledger says of one series of a graph, as the card carries it. Times are epoch ms, half-open. */
export interface SeriesProof {
  readonly series: string;
  readonly complete: boolean;
  readonly ranges: readonly { readonly from: number; readonly to: number }[];
  /** Holes that the exchange itself has. */
  readonly absent: readonly { readonly from: number; readonly to: number; readonly kind: string; readonly grade: string }[];
  /** Holes that are open: a graph is never built over one, but its rows may be asked for anew since. */
  readonly open: readonly { readonly from: number; readonly to: number; readonly kind: string }[];
}

/** Reads the ledger of every series that a graph was built from. */
export async function proofsOf(graph: GraphDocument, market: MarketStore): Promise<readonly SeriesProof[]> {
  const { from, to, interval } = graph;
  const exchange = EXCHANGES.find((name) => name === graph.exchange);
  if (exchange === undefined || !isInterval(interval)) return [];
  return Promise.all(
    graph.symbols.map(async (symbol): Promise<SeriesProof> => {
      const series: Series = { exchange, symbol, kind: 'candles', interval };
      const coverage = coverageOf(series, await market.readLedger(series, { from, to }), from, to);
      return {
        series: seriesId(series),
        complete: coverage.complete,
        ranges: coverage.ranges.map((range) => ({ from: range.from, to: range.to })),
        absent: coverage.holes.flatMap((hole) =>
          'evidence' in hole ? [{ from: hole.from, to: hole.to, kind: hole.kind, grade: hole.evidence.grade }] : [],
        ),
        open: coverage.holes
          .filter((hole): hole is OpenHole => !('evidence' in hole))
          .map(({ from: a, to: b, kind }) => ({ from: a, to: b, kind })),
      };
    }),
  );
}
