import type { AggTrade, Candle, Side, Trade } from '../../domain/rows.ts';
import { isCandleInterval } from './buckets.ts';
import type { AggregateFacts, CandleFacts, SymbolMarket, TradeFacts, TradeTable } from './market.ts';

/** Rows made at a time. */
const BATCH = 1_000;

/** Thrown for a series that has no truth here, with the reason. */
export class NoTruth extends Error {}

/**
 * Every row of a series that exists up to the clock, in the shape of the platform's contract, straight from the source: closed candles that open
 * in `[from, to)`, trades and aggregates that happened in it (epoch ms). What the exchange does not give over REST (a candle's trade ids) is
 * not in it. Yields NDJSON, a batch at a time.
 */
export function* tellTruth(
  symbols: ReadonlyMap<string, SymbolMarket>,
  series: string,
  range: { from: number; to: number; now: number },
): Generator<string> {
  const [exchange, name = '', kind, interval] = series.split(':');
  if (exchange !== 'binance') throw new NoTruth(`${JSON.stringify(series)} is not a series of this exchange: they begin with "binance:"`);
  const market = symbols.get(name);
  if (market === undefined)
    throw new NoTruth(`the symbol ${JSON.stringify(name)} is not here; there are ${[...symbols.keys()].join(', ')}`);
  if (kind === 'trades') yield* tellTape(market.trades, range, tradeRow);
  else if (kind === 'agg-trades') yield* tellTape(market.aggregates, range, aggregateRow);
  else if (kind === 'candles' && isCandleInterval(interval ?? '')) yield* tellCandles(market, interval ?? '', range);
  else throw new NoTruth(`${JSON.stringify(series)} is none of binance:<symbol>:candles:<interval>, :trades and :agg-trades`);
}

function* tellCandles(market: SymbolMarket, interval: string, range: { from: number; to: number; now: number }): Generator<string> {
  const table = isCandleInterval(interval) ? market.candles(interval) : undefined;
  if (table === undefined) return;
  const last = table.indexFrom(Math.min(range.to, range.now + 1));
  for (let index = table.indexFrom(range.from); index < last; index += BATCH) {
    const rows = table.facts(index, Math.min(last, index + BATCH)).filter((row) => row.nextOpen <= range.now);
    if (rows.length > 0) yield toLines(rows.map(candleRow));
  }
}

function* tellTape<F extends { readonly id: number; readonly timeUs: number }>(
  table: TradeTable<F> | undefined,
  range: { from: number; to: number; now: number },
  toRow: (facts: F) => unknown,
): Generator<string> {
  if (table === undefined) return;
  const nowUs = range.now * 1_000 + 999;
  const first = range.from > range.now ? 0 : table.countUntil(range.from * 1_000 - 1);
  const last = table.countUntil(Math.min(range.to * 1_000 - 1, nowUs));
  if (range.from > range.now) return;
  for (let index = first; index < last; index += BATCH) yield toLines(table.facts(index, Math.min(last, index + BATCH)).map(toRow));
}

function toLines(rows: readonly unknown[]): string {
  return `${rows.map((row) => JSON.stringify(row)).join('\n')}\n`;
}

function candleRow(facts: CandleFacts): Candle {
  return {
    open_time: facts.openTime,
    close_time: facts.nextOpen - 1,
    open: Number(facts.open),
    high: Number(facts.high),
    low: Number(facts.low),
    close: Number(facts.close),
    volume: Number(facts.volume),
    ...(facts.quoteVolume === null ? {} : { quote_volume: Number(facts.quoteVolume) }),
    ...(facts.tradeCount === null ? {} : { trade_count: facts.tradeCount }),
    ...(facts.takerBase === null ? {} : { taker_buy_volume: Number(facts.takerBase) }),
    ...(facts.takerQuote === null ? {} : { taker_buy_quote_volume: Number(facts.takerQuote) }),
    is_closed: true,
  };
}

/** The taker's side: where the buyer is the maker, the taker sold. */
function sideOf(buyerIsMaker: boolean): Side {
  return buyerIsMaker ? 'sell' : 'buy';
}

function timeOf(timeUs: number): { time: number; time_us?: number } {
  const below = timeUs % 1_000;
  const time = (timeUs - below) / 1_000;
  return below === 0 ? { time } : { time, time_us: below };
}

function tradeRow(facts: TradeFacts): Trade {
  return {
    id: facts.id,
    ...timeOf(facts.timeUs),
    price: Number(facts.price),
    quantity: Number(facts.quantity),
    ...(facts.quoteQuantity === null ? {} : { quote_quantity: Number(facts.quoteQuantity) }),
    side: sideOf(facts.buyerIsMaker),
    is_best_match: facts.isBestMatch,
  };
}

function aggregateRow(facts: AggregateFacts): AggTrade {
  return {
    id: facts.id,
    first_trade_id: facts.firstId,
    last_trade_id: facts.lastId,
    ...timeOf(facts.timeUs),
    price: Number(facts.price),
    quantity: Number(facts.quantity),
    side: sideOf(facts.buyerIsMaker),
  };
}
