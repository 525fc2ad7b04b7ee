import type { AbsenceEvidence } from '../../domain/coverage.ts';
import type { TimeRange } from '../../domain/range.ts';
import type { AggTrade, Candle } from '../../domain/rows.ts';
import type { CallOptions } from '../exchange.ts';
import { candlesSpanning } from './candle-pages.ts';
import { IdSpace } from './id-space.ts';
import type { CandleSeries } from './map-candles.ts';
import type { Reader } from './reader.ts';

/** How many other symbols are asked at most until one bears witness. */
const MOST_WITNESSES = 3;

/** Why candles are not there, or `trades-inside`: there were trades, so candles should be there. */
export type HoleCause =
  | 'trades-inside'
  | { readonly kind: 'exchange-outage' | 'exchange-has-none'; readonly method: string; readonly grade: AbsenceEvidence['grade'] };

/**
 * Finds why both reads of a hole were empty. Trade ids that are contiguous across it, or another traded symbol that is silent in the same range, show an
 * outage; anything else only that the exchange has none.
 */
export async function findCause(
  reader: Reader,
  series: CandleSeries,
  hole: TimeRange,
  neighbours: { readonly before: Candle; readonly after: Candle },
  call: CallOptions,
): Promise<HoleCause> {
  const trades = await tradesAcross(reader, series.symbol, hole, call);
  if (trades === 'inside') return 'trades-inside';
  if (trades === 'contiguous') return { kind: 'exchange-outage', method: 'agg-trade ids are contiguous across the hole', grade: 'ids' };
  const witness = await silentWitness(reader, series, hole, neighbours, call);
  if (witness !== undefined) return { kind: 'exchange-outage', method: `${witness} is silent in the same range`, grade: 'two-reads' };
  return { kind: 'exchange-has-none', method: 'two empty reads between two neighbours', grade: 'two-reads' };
}

async function tradesAcross(
  { client }: Reader,
  symbol: string,
  hole: TimeRange,
  call: CallOptions,
): Promise<'inside' | 'contiguous' | 'unknown'> {
  const space = new IdSpace(client, { exchange: 'binance', symbol, kind: 'agg-trades' }, false);
  const first = await space.firstFrom(hole.from, call);
  if (first === undefined) return 'unknown';
  if (first.time < hole.to) return 'inside';
  if (first.id === 0) return 'unknown';
  const [before, after] = (await space.byId(first.id - 1, 2, call)).entries;
  if (before === undefined || before.id !== first.id - 1 || before.time >= hole.from || after?.id !== first.id) return 'unknown';
  const [left, right] = [before.row, after.row] as readonly (AggTrade | undefined)[];
  return left !== undefined && right !== undefined && left.last_trade_id + 1 === right.first_trade_id ? 'contiguous' : 'unknown';
}

/** The name of a traded symbol that has rows on both sides of the hole and none in it; undefined where the first that can tell was alive, or none can tell. */
async function silentWitness(
  { client, symbols }: Reader,
  series: CandleSeries,
  hole: TimeRange,
  { before, after }: { readonly before: Candle; readonly after: Candle },
  call: CallOptions,
): Promise<string | undefined> {
  for (const symbol of await symbols.others(series.symbol, MOST_WITNESSES, call)) {
    const { rows } = await candlesSpanning(client, { ...series, symbol }, before.open_time, after.open_time, call);
    if (rows.some((row) => row.open_time >= hole.from && row.open_time < hole.to)) return undefined;
    if (rows.some((row) => row.open_time < hole.from) && rows.some((row) => row.open_time >= hole.to)) return symbol;
  }
  return undefined;
}
