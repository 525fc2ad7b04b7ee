import { AppError } from '../../domain/errors.ts';
import type { Clock } from '../../runtime/context.ts';
import type { CallOptions, SymbolInfo } from '../exchange.ts';
import { SYMBOLS_AGAIN_MS, SYMBOLS_KEPT_MS } from './binance-options.ts';
import type { RestClient } from './rest-client.ts';
import { SharedRead } from './shared-read.ts';

/** Liquid markets come first where another symbol has to bear witness; the order of `exchangeInfo` after that. */
const WITNESSES: readonly string[] = ['BTCUSDT', 'ETHUSDT', 'BNBUSDT'];

interface Listing {
  readonly readAt: number;
  readonly symbols: readonly SymbolInfo[];
  readonly byName: ReadonlyMap<string, SymbolInfo>;
}

/** `exchangeInfo`, kept for an hour and read by one caller for all: the symbols, and the weight limit that it tells the limiter. */
export class SymbolDirectory {
  readonly #client: RestClient;
  readonly #clock: Clock;
  #listing: Listing | undefined;
  readonly #reading = new SharedRead();

  constructor(client: RestClient, clock: Clock) {
    this.#client = client;
    this.#clock = clock;
  }

  /** All symbols, at most an hour old. */
  async all(call: CallOptions): Promise<readonly SymbolInfo[]> {
    return (await this.#fresh(SYMBOLS_KEPT_MS, call)).symbols;
  }

  /** Throws `unknown_symbol`. A symbol that is not in the kept list may be new: it is looked for again, at most once a minute. */
  async find(symbol: string, call: CallOptions): Promise<SymbolInfo> {
    const found =
      (await this.#fresh(SYMBOLS_KEPT_MS, call)).byName.get(symbol) ?? (await this.#fresh(SYMBOLS_AGAIN_MS, call)).byName.get(symbol);
    if (found !== undefined) return found;
    throw new AppError('unknown_symbol', `Binance does not know the symbol ${symbol}.`, { symbol });
  }

  /** False where the exchange lists the symbol no longer, or as anything but `TRADING`. */
  async isTraded(symbol: string, call: CallOptions): Promise<boolean> {
    return (await this.#fresh(SYMBOLS_KEPT_MS, call)).byName.get(symbol)?.status === 'TRADING';
  }

  /** Traded symbols other than this one, the most liquid first. */
  async others(symbol: string, count: number, call: CallOptions): Promise<readonly string[]> {
    const { symbols } = await this.#fresh(SYMBOLS_KEPT_MS, call);
    const traded = symbols.filter((info) => info.status === 'TRADING' && info.symbol !== symbol).map((info) => info.symbol);
    const first = WITNESSES.filter((name) => traded.includes(name));
    return [...first, ...traded.filter((name) => !first.includes(name))].slice(0, count);
  }

  async #fresh(keptMs: number, call: CallOptions): Promise<Listing> {
    for (;;) {
      const age = this.#clock.now() - (this.#listing?.readAt ?? 0);
      if (this.#listing !== undefined && age >= 0 && age < keptMs) return this.#listing;
      await this.#reading.join(() => this.#read(call), call.signal);
    }
  }

  async #read(call: CallOptions): Promise<void> {
    const { value } = await this.#client.getObject(
      { path: '/api/v3/exchangeInfo', query: { showPermissionSets: 'false' }, weight: 20, urgent: true },
      call,
      // An exchange without a symbol is none: kept for an hour, such an answer would make every symbol unknown and every series ended.
      ({ symbols }) => Array.isArray(symbols) && symbols.length > 0,
    );
    const limit = readWeightLimit(value.rateLimits);
    if (limit !== undefined) this.#client.limiter.setLimit(limit);
    const symbols = (value.symbols as readonly unknown[]).flatMap(readSymbol);
    this.#listing = { readAt: this.#clock.now(), symbols, byName: new Map(symbols.map((info) => [info.symbol, info])) };
  }
}

/** The weight per minute: `{"rateLimitType":"REQUEST_WEIGHT","interval":"MINUTE","intervalNum":1,"limit":6000}`. */
function readWeightLimit(rateLimits: unknown): number | undefined {
  const limits: unknown[] = Array.isArray(rateLimits) ? rateLimits : [];
  for (const limit of limits as readonly Readonly<Record<string, unknown>>[]) {
    if (
      limit.rateLimitType === 'REQUEST_WEIGHT' &&
      limit.interval === 'MINUTE' &&
      limit.intervalNum === 1 &&
      typeof limit.limit === 'number'
    )
      return limit.limit;
  }
  return undefined;
}

function readSymbol(raw: unknown): SymbolInfo[] {
  const { symbol, baseAsset, quoteAsset, status, filters } = raw as Readonly<Record<string, unknown>>;
  if (typeof symbol !== 'string') return [];
  const price_step = readStep(filters, 'PRICE_FILTER', 'tickSize');
  const quantity_step = readStep(filters, 'LOT_SIZE', 'stepSize');
  return [
    {
      symbol,
      base_asset: String(baseAsset),
      quote_asset: String(quoteAsset),
      status: String(status),
      ...(price_step === undefined ? {} : { price_step }),
      ...(quantity_step === undefined ? {} : { quantity_step }),
    },
  ];
}

/** A filter's step as the exchange writes it; a step of zero disables the rule. */
function readStep(filters: unknown, filterType: string, field: string): string | undefined {
  const list = (Array.isArray(filters) ? filters : []) as readonly Readonly<Record<string, unknown>>[];
  const step = list.find((filter) => filter.filterType === filterType)?.[field];
  return typeof step === 'string' && Number(step) > 0 ? step : undefined;
}
