import { type CandleInterval, fixedLengthMs, intervalRank } from '../buckets.ts';
import { PRINTED_DECIMALS, printScaled } from '../decimal.ts';
import type { Book, CandleTable, Market, SymbolMarket } from '../market.ts';
import { splitSymbol } from './file-name.ts';
import { loadRecording, type RecordedSymbol } from './load.ts';
import { type CandleSource, recordedCandles, sourceOfCandles, sourceOfTape, summedCandles } from './recorded-candles.ts';
import { deriveAggregates, recordedAggregates, recordedTrades, type Tape, tapeOf } from './recorded-trades.ts';

/** The clock starts this long after the last row: late enough for its bucket to be over for everybody, and before the next one is. */
const AFTER_END_MS = 10_000;

const NO_BOOK: Book = { lastUpdateId: 0, bids: [], asks: [] };

/** A market with what was found in its folder and not used. */
export interface RecordedMarket extends Market {
  /** Files that were passed over, each with the reason. */
  readonly notes: readonly string[];
}

/** A market that is a folder of recordings, or one file of them. What was not recorded is not invented: there is no order book. */
export function createRecordedMarket(path: string): RecordedMarket {
  const { symbols, notes } = loadRecording(path);
  if (symbols.size === 0) throw new Error(`No recording was recognised in ${path}: ${notes.join('; ') || 'it is empty'}.`);
  const end = Math.max(...[...symbols.values()].map(endOf));
  return { symbols: [...symbols].map(([symbol, recorded]) => createSymbol(symbol, recorded)), defaultNow: end + AFTER_END_MS, notes };
}

function endOf(recorded: RecordedSymbol): number {
  const candleEnds = [...recorded.candles.values()].map((table) => table.times.at(-1) ?? 0);
  const tapeEnds = [recorded.trades, recorded.aggregates].map((table) => Math.floor((table?.times.at(-1) ?? 0) / 1_000) + 1);
  return Math.max(...candleEnds, ...tapeEnds);
}

function createSymbol(symbol: string, recorded: RecordedSymbol): SymbolMarket {
  const { base, quote } = splitSymbol(symbol);
  const tape = tapeOfSymbol(recorded);
  const intervals = [...recorded.candles.keys()].sort((a, b) => intervalRank(a) - intervalRank(b));
  const tables = new Map<string, CandleTable | undefined>();
  const sources = new Map<CandleInterval, CandleSource>(
    [...recorded.candles].map(([interval, table]) => [interval, sourceOfCandles(table)]),
  );
  const tapeSource = tape === undefined ? undefined : sourceOfTape(tape);
  const everyTable = [...recorded.candles.values(), recorded.trades, recorded.aggregates].filter((table) => table !== undefined);
  const step = (decimals: number): string => printScaled(1, Math.min(PRINTED_DECIMALS, decimals));

  /** The coarsest recorded interval whose candles fill those of `interval`, else the trades. */
  function finerSource(interval: CandleInterval, shiftMs: number): CandleSource | undefined {
    const length = fixedLengthMs(interval) ?? fixedLengthMs('1d') ?? 0;
    const fits = intervals.findLast((finer) => {
      const part = fixedLengthMs(finer);
      return part !== undefined && intervalRank(finer) < intervalRank(interval) && length % part === 0 && shiftMs % part === 0;
    });
    return fits === undefined ? tapeSource : sources.get(fits);
  }

  function makeTable(interval: CandleInterval, shiftMs: number): CandleTable | undefined {
    const exact = recorded.candles.get(interval);
    const length = fixedLengthMs(interval);
    const isUnmoved = shiftMs === 0 || (length !== undefined && length <= 86_400_000 && shiftMs % length === 0);
    const source = finerSource(interval, shiftMs);
    if (exact !== undefined && isUnmoved) return recordedCandles(exact, source);
    return source === undefined ? undefined : summedCandles(source, interval, shiftMs);
  }

  return {
    symbol,
    baseAsset: base,
    quoteAsset: quote,
    status: 'TRADING',
    tickSize: step(Math.max(...everyTable.map((table) => table.priceDecimals))),
    stepSize: step(Math.max(...everyTable.map((table) => table.quantityDecimals))),
    finestInterval: tape === undefined ? intervals[0] : '1s',
    trades: recorded.trades === undefined ? undefined : recordedTrades(recorded.trades),
    aggregates: aggregatesOf(recorded),
    candles(interval, shiftMs = 0) {
      const key = `${interval}${shiftMs}`;
      if (!tables.has(key)) tables.set(key, makeTable(interval, shiftMs));
      return tables.get(key);
    },
    book: () => NO_BOOK,
  };
}

function tapeOfSymbol(recorded: RecordedSymbol): Tape | undefined {
  if (recorded.trades !== undefined) return tapeOf(recorded.trades, false);
  return recorded.aggregates === undefined ? undefined : tapeOf(recorded.aggregates, true);
}

function aggregatesOf(recorded: RecordedSymbol): SymbolMarket['aggregates'] {
  if (recorded.aggregates !== undefined) return recordedAggregates(recorded.aggregates);
  return recorded.trades === undefined ? undefined : deriveAggregates(recorded.trades);
}
