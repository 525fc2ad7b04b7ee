import type { Market, SymbolMarket } from '../market.ts';
import type { PageCache } from './page-cache.ts';
import type { Parameters } from './parameters.ts';

/** Everything that answering one call needs. `now` is one reading of the simulator's clock, the same for the whole answer. */
export interface Call {
  readonly parameters: Parameters;
  readonly market: Market;
  readonly symbols: ReadonlyMap<string, SymbolMarket>;
  readonly now: number;
  /** `X-MBX-TIME-UNIT: MICROSECOND` was sent: every time of the answer is in µs. */
  readonly inMicroseconds: boolean;
  readonly weightLimit: number;
  readonly pages: PageCache;
}

/** One endpoint of the market data API. */
export interface Endpoint {
  /** Parameters it reads; any other is refused. */
  readonly parameters: readonly string[];
  /** Its weight, which may depend on what was sent. Never throws: a call that is refused weighs too. */
  weight(query: URLSearchParams): number;
  /** JSON text, or its bytes in parts. Throws `ApiError`. */
  answer(call: Call): string | readonly Buffer[];
  /** The answer is an array of rows in order, so that rows can be left out of it or come twice. */
  readonly isPage?: boolean;
}

/** A time of the answer in the unit that was asked for. */
export function printTime(call: Call, timeMs: number): number {
  return call.inMicroseconds ? timeMs * 1_000 : timeMs;
}

/** The clock's present as µs: everything up to the end of its millisecond has happened. */
export function nowUs(call: Call): number {
  return call.now * 1_000 + 999;
}
