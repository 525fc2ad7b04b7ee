import { AppError } from '../../domain/errors.ts';
import type { Depth } from '../../domain/rows.ts';
import { hasIntegerIds, type Series, seriesId } from '../../domain/series.ts';
import type { CallOptions, Exchange, HistoryPage, HistoryRequest, HistorySummary, SymbolInfo } from '../exchange.ts';
import type { BinanceOptions } from './binance-options.ts';
import { readCandleHistory } from './candle-history.ts';
import { readDepthSnapshot } from './depth-snapshot.ts';
import { firstCandleTime } from './first-candle.ts';
import { IdSpace } from './id-space.ts';
import type { CandleSeries } from './map-candles.ts';
import { RestClient } from './rest-client.ts';
import { SymbolDirectory } from './symbol-directory.ts';
import { readTradeHistory } from './trade-history.ts';

/**
 * Binance Spot over REST (binance-spot-api-docs, 2026-07-21). One instance is one address: its callers share weight, freezes and connections.
 * Throws `invalid_setting` for a base URL that is none.
 */
export class BinanceExchange implements Exchange {
  readonly name = 'binance' as const;
  readonly #client: RestClient;
  readonly #symbols: SymbolDirectory;

  constructor(options: BinanceOptions) {
    this.#client = new RestClient(options);
    this.#symbols = new SymbolDirectory(this.#client, options.clock);
  }

  async time(options: CallOptions = {}): Promise<number> {
    return this.#client.readTime(options);
  }

  async symbol(symbol: string, options: CallOptions = {}): Promise<SymbolInfo> {
    return this.#symbols.find(symbol, options);
  }

  async symbols(options: CallOptions = {}): Promise<readonly SymbolInfo[]> {
    return this.#symbols.all(options);
  }

  async *readHistory(request: HistoryRequest, options: CallOptions = {}): AsyncGenerator<HistoryPage, HistorySummary, undefined> {
    const { series } = request;
    const reader = { client: this.#client, symbols: this.#symbols };
    // The first answer of `exchangeInfo` tells the weight limit: nothing is read in bulk before it is known.
    await this.#symbols.find(series.symbol, options);
    if (hasIntegerIds(series)) return yield* readTradeHistory(reader, request, options);
    if (isCandleSeries(series)) return yield* readCandleHistory(reader, { ...request, series }, options);
    throw hasNoHistory(series);
  }

  async depthSnapshot(symbol: string, limit: number, options: CallOptions = {}): Promise<Depth> {
    return readDepthSnapshot(this.#client, symbol, limit, options);
  }

  async firstRowTime(series: Series, options: CallOptions = {}): Promise<number | undefined> {
    if (isCandleSeries(series)) return firstCandleTime(this.#client, series.symbol, series.interval, options);
    if (!hasIntegerIds(series)) throw hasNoHistory(series);
    return (await new IdSpace(this.#client, series, false).byId(0, 1, options)).entries[0]?.time;
  }

  frozenUntil(): number | undefined {
    return this.#client.limiter.frozenUntil;
  }

  async close(): Promise<void> {
    await this.#client.close();
  }
}

function isCandleSeries(series: Series): series is CandleSeries {
  return series.kind === 'candles' && series.interval !== undefined;
}

function hasNoHistory(series: Series): AppError {
  return new AppError('not_yet_supported', `Binance gives no history of ${seriesId(series)} over REST.`, { series: seriesId(series) });
}
