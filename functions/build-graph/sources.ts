import { AppError } from '../../shared/domain/errors.ts';
import { type CandleTable, candleCount, candleTable } from '../../shared/domain/graph/candle-table.ts';
import { countBuckets, hasUnverifiedPhase } from '../../shared/domain/interval.ts';
import { coverageOf } from '../../shared/domain/ledger.ts';
import type { Candle } from '../../shared/domain/rows.ts';
import { type Series, seriesId } from '../../shared/domain/series.ts';
import type { BuildGraph } from '../../shared/events/build-graph.ts';
import type { MarketStore } from '../../shared/store/market-store.ts';

/** One series that goes into a graph, and how many of its candles the ledger proves. */
export interface Source {
  readonly series: Series;
  /** Undefined for `3d`, whose phase only the rows know. */
  readonly candles: number | undefined;
}

/**
 * The series of a graph, each proven whole by the ledger. Throws `rows_missing` with the first open hole where one is not, `invalid_request` for
 * symbols that are named twice.
 */
export async function provenSources(asked: BuildGraph, market: MarketStore): Promise<readonly Source[]> {
  const { exchange, interval, symbols, from, to } = asked;
  if (new Set(symbols).size !== symbols.length) {
    throw new AppError('invalid_request', `The symbols of a graph are named once each: ${symbols.join(', ')}.`, { symbols });
  }
  return Promise.all(
    symbols.map(async (symbol) => {
      const series: Series = { exchange, symbol, kind: 'candles', interval };
      const coverage = coverageOf(series, await market.readLedger(series, { from, to }), from, to);
      const [open] = coverage.holes.filter((hole) => !('evidence' in hole));
      if (open !== undefined) {
        const range = `${new Date(open.from).toISOString()} to ${new Date(open.to).toISOString()}`;
        throw new AppError('rows_missing', `${seriesId(series)} is not proven: ${range} is ${open.kind}. Load the range first.`, {
          series: seriesId(series),
          from: open.from,
          to: open.to,
        });
      }
      const absent = coverage.holes.reduce((sum, hole) => sum + countBuckets(interval, hole.from, hole.to), 0);
      return { series, candles: hasUnverifiedPhase(interval) ? undefined : countBuckets(interval, from, to) - absent };
    }),
  );
}

/**
 * The stored candles of a source as tables, page by page. Throws `rows_missing` at the end where the store has another number of them than the ledger
 * proves.
 */
export async function* tablesOf(
  source: Source,
  range: { readonly from: number; readonly to: number },
  market: MarketStore,
  signal: AbortSignal,
): AsyncGenerator<CandleTable, void, undefined> {
  let count = 0;
  for await (const rows of market.readRows(source.series, range, signal)) {
    const table = candleTable(rows as readonly Candle[]);
    count += candleCount(table);
    yield table;
  }
  if (source.candles !== undefined && count !== source.candles) {
    throw new AppError(
      'rows_missing',
      `The ledger proves ${source.candles} candles of ${seriesId(source.series)}, the store has ${count}. Load the range again.`,
      { series: seriesId(source.series), proven: source.candles, stored: count },
    );
  }
}
