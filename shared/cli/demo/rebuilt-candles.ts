import { CandleBuilder } from '../../domain/candle-builder.ts';
import type { AggTrade, Candle } from '../../domain/rows.ts';
import { parseSeriesId, type Series } from '../../domain/series.ts';
import type { MarketStore } from '../../store/market-store.ts';

/** Candles built from stored trades, held against the exchange's own. */
export interface Comparison {
  readonly trades: number;
  /** Candles of the exchange with at least one trade. */
  readonly compared: number;
  readonly equal: number;
  /** Candles of the exchange without a trade: no trade may lie in them. */
  readonly quiet: number;
}

const FIELDS = [
  'open',
  'high',
  'low',
  'close',
  'volume',
  'quote_volume',
  'trade_count',
  'taker_buy_volume',
  'taker_buy_quote_volume',
] as const;

/** Builds candles from the agg-trades of a series' symbol and compares all nine numbers with the loaded candles, one at a time. */
export async function compareRebuilt(market: MarketStore, candleSeries: Series, from: number, to: number): Promise<Comparison> {
  const { interval } = candleSeries;
  if (interval === undefined) throw new TypeError('candles have an interval');
  const result = { trades: 0, compared: 0, equal: 0, quiet: 0 };
  const loaded = candlesOf(market, candleSeries, from, to);
  const check = async (built: Candle): Promise<void> => {
    for (;;) {
      const { value: own } = await loaded.next();
      if (own === undefined) return;
      if (own.open_time < built.open_time && own.trade_count === 0) {
        result.quiet += 1;
        continue;
      }
      result.compared += 1;
      if (own.open_time === built.open_time && FIELDS.every((field) => own[field] === built[field])) result.equal += 1;
      return;
    }
  };
  const builder = new CandleBuilder(interval);
  for await (const page of market.readRows(parseSeriesId(`${candleSeries.exchange}:${candleSeries.symbol}:agg-trades`), { from, to })) {
    for (const trade of page as readonly AggTrade[]) {
      result.trades += 1;
      const built = builder.add(trade);
      if (built !== undefined) await check(built);
    }
  }
  const last = builder.finish();
  if (last !== undefined) await check(last);
  for await (const own of loaded) {
    if (own.trade_count === 0) result.quiet += 1;
    else result.compared += 1;
  }
  return result;
}

async function* candlesOf(market: MarketStore, series: Series, from: number, to: number): AsyncGenerator<Candle, undefined, undefined> {
  for await (const page of market.readRows(series, { from, to })) yield* page as readonly Candle[];
  return undefined;
}
