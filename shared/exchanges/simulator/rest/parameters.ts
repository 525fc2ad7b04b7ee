import { type CandleInterval, isCandleInterval, MINUTE_MS } from '../buckets.ts';
import type { SymbolMarket } from '../market.ts';
import {
  duplicateParameter,
  emptyParameter,
  illegalCharacters,
  invalidInterval,
  invalidSymbol,
  invalidSymbolStatus,
  invalidValue,
  missingParameter,
  statusMismatch,
  tooManyParameters,
  unreadParameters,
} from './api-error.ts';

const SYMBOL_RANGE = '^[A-Z0-9-_.]{1,20}$';
const SYMBOL = /^[A-Z0-9-_.]{1,20}$/;
const SYMBOLS_RANGE = '^\\[("[A-Z0-9-_.]{1,20}"(,"[A-Z0-9-_.]{1,20}"){0,}){0,1}\\]$';
const SYMBOLS = /^\[("[A-Z0-9-_.]{1,20}"(,"[A-Z0-9-_.]{1,20}")*)?\]$/;
const WHOLE_RANGE = '^[0-9]{1,20}$';
const WHOLE = /^[0-9]{1,20}$/;
const TIME_ZONE = /^([+-]?)(\d{1,2})(?::([0-5]\d))?$/;
/** Times above this are microseconds: as milliseconds they would lie after the year 5100. */
const MICROSECONDS_ABOVE = 1e14;
const STATUSES = ['TRADING', 'HALT', 'BREAK'];

/** A moment as a caller sent it, in epoch µs: `first` and `last` are the ends of the millisecond (or the microsecond) named. */
export interface SentTime {
  readonly firstUs: number;
  readonly lastUs: number;
}

/** Query parameters of one call, read by name and checked as the exchange checks them; throws `ApiError`. */
export class Parameters {
  readonly #values = new Map<string, string>();
  readonly #symbols: ReadonlyMap<string, SymbolMarket>;

  /** `known` are all the names that the endpoint reads. */
  constructor(query: URLSearchParams, known: readonly string[], symbols: ReadonlyMap<string, SymbolMarket>) {
    this.#symbols = symbols;
    let sent = 0;
    for (const [name, value] of query) {
      sent += 1;
      if (this.#values.has(name)) throw duplicateParameter();
      this.#values.set(name, value);
    }
    const read = known.filter((name) => this.#values.has(name)).length;
    if (read < sent) throw known.length === 0 ? tooManyParameters(0, sent) : unreadParameters(read, sent);
    for (const [name, value] of this.#values) if (value === '') throw emptyParameter(name);
  }

  has(name: string): boolean {
    return this.#values.has(name);
  }

  text(name: string): string | undefined {
    return this.#values.get(name);
  }

  symbol(): SymbolMarket {
    const name = this.#values.get('symbol');
    if (name === undefined) throw missingParameter('symbol');
    if (!SYMBOL.test(name)) throw illegalCharacters('symbol', SYMBOL_RANGE);
    const market = this.#symbols.get(name);
    if (market === undefined) throw invalidSymbol();
    this.#checkStatus(market);
    return market;
  }

  /** `symbols=["BTCUSDT","BNBUSDT"]`; undefined where it was not sent. One unknown symbol fails the whole call. */
  symbols(): SymbolMarket[] | undefined {
    const list = this.#values.get('symbols');
    if (list === undefined) return undefined;
    if (!SYMBOLS.test(list)) throw illegalCharacters('symbols', SYMBOLS_RANGE);
    const names = JSON.parse(list) as string[];
    if (new Set(names).size < names.length) throw duplicateParameter();
    return names.map((name) => {
      const market = this.#symbols.get(name);
      if (market === undefined) throw invalidSymbol();
      this.#checkStatus(market);
      return market;
    });
  }

  /** Of all symbols those with the `symbolStatus` asked for; all where it was not sent. */
  everySymbol(): SymbolMarket[] {
    const status = this.#status();
    return [...this.#symbols.values()].filter((market) => status === undefined || market.status === status);
  }

  interval(): CandleInterval {
    const text = this.#values.get('interval');
    if (text === undefined) throw missingParameter('interval');
    if (!isCandleInterval(text)) throw invalidInterval();
    return text;
  }

  /** Clamped to `most`; 0 is refused. */
  limit(fallback: number, most: number): number {
    const value = this.whole('limit');
    if (value === 0) throw invalidValue('limit');
    return Math.min(value ?? fallback, most);
  }

  whole(name: string): number | undefined {
    const text = this.#values.get(name);
    if (text === undefined) return undefined;
    if (!WHOLE.test(text)) throw illegalCharacters(name, WHOLE_RANGE);
    return Number(text);
  }

  time(name: string): SentTime | undefined {
    const value = this.whole(name);
    if (value === undefined) return undefined;
    if (value > MICROSECONDS_ABOVE) return { firstUs: value, lastUs: value };
    return { firstUs: value * 1_000, lastUs: value * 1_000 + 999 };
  }

  /** `0`, `8`, `-1:00`, `05:45`: milliseconds ahead of UTC, from -12:00 to +14:00. */
  timeZoneMs(): number {
    const text = this.#values.get('timeZone');
    if (text === undefined) return 0;
    const match = TIME_ZONE.exec(text.trim());
    if (match === null) throw invalidValue('timeZone');
    const minutes = (Number(match[2]) * 60 + Number(match[3] ?? 0)) * (match[1] === '-' ? -1 : 1);
    if (minutes < -12 * 60 || minutes > 14 * 60) throw invalidValue('timeZone');
    return minutes * MINUTE_MS;
  }

  #status(): string | undefined {
    const status = this.#values.get('symbolStatus');
    if (status !== undefined && !STATUSES.includes(status)) throw invalidSymbolStatus();
    return status;
  }

  #checkStatus(market: SymbolMarket): void {
    const status = this.#status();
    if (status !== undefined && market.status !== status) throw statusMismatch();
  }
}
