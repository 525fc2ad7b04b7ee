import { AppError } from '../../domain/errors.ts';
import type { AggTrade } from '../../domain/rows.ts';
import type { Series } from '../../domain/series.ts';
import type { CallOptions } from '../exchange.ts';
import { PAGE_ROWS } from './binance-options.ts';
import { type IdEntry, mapIdRows } from './map-trades.ts';
import type { RestClient } from './rest-client.ts';

/** Where a row stands: its id and its time in epoch ms. */
export interface Mark {
  readonly id: number;
  readonly time: number;
}

/** One answer by id: entries by rising id, none below the id asked for. */
export interface IdPage {
  readonly entries: readonly IdEntry[];
  readonly asked_at: number;
  readonly received_at: number;
}

const AGG_TRADES = { path: '/api/v3/aggTrades', weight: 4 } as const;
const HISTORICAL_TRADES = { path: '/api/v3/historicalTrades', weight: 25 } as const;

/**
 * The ids of one series, trades or agg-trades. Pages are read by id alone; times are only used to find ids, through aggTrades, which knows both spaces
 * (`a`, and `f` to `l` of the trades inside). Times are asked for in microseconds, so that nothing below the millisecond is lost.
 */
export class IdSpace {
  readonly series: Series;
  readonly #client: RestClient;
  readonly #urgent: boolean;

  constructor(client: RestClient, series: Series, urgent: boolean) {
    this.#client = client;
    this.series = series;
    this.#urgent = urgent;
  }

  /**
   * Rows from `fromId` on. What the answer holds below it is dropped; one that holds nothing else is no answer. `since` stands for times that cannot be
   * read.
   */
  async byId(fromId: number, limit: number, call: CallOptions, since = 0): Promise<IdPage> {
    return this.#ask({ fromId: Math.max(0, fromId) }, limit, call, since);
  }

  async #ask(bounds: { readonly fromId?: number }, limit: number, call: CallOptions, since: number): Promise<IdPage> {
    const endpoint = this.series.kind === 'trades' ? HISTORICAL_TRADES : AGG_TRADES;
    const query = { symbol: this.series.symbol, ...bounds, limit: Math.min(limit, PAGE_ROWS) };
    let entries: readonly IdEntry[] = [];
    const { asked_at, received_at } = await this.#client.getArray(
      { ...endpoint, query, microseconds: true, urgent: this.#urgent },
      call,
      (rows) => {
        entries = mapIdRows(this.series, rows, bounds.fromId ?? 0, since);
        return rows.length === 0 || entries.length > 0;
      },
    );
    return { entries, asked_at, received_at };
  }

  /** The first row at or after `time`, by one answer: to be confirmed by the row before it. */
  async firstFrom(time: number, call: CallOptions): Promise<Mark | undefined> {
    return this.#anchor({ startTime: time }, 'first', call);
  }

  /** The newest row before `time`. */
  async lastBefore(time: number, call: CallOptions): Promise<Mark | undefined> {
    return time <= 0 ? undefined : this.#anchor({ endTime: time - 1 }, 'last', call);
  }

  /** The newest row of all, by its own endpoint: the aggregates of trades may reach less far. */
  async newest(call: CallOptions): Promise<Mark | undefined> {
    return (await this.#ask({}, 1, call, Number.NaN)).entries.at(-1);
  }

  async #anchor(query: Readonly<Record<string, number>>, side: 'first' | 'last', call: CallOptions): Promise<Mark | undefined> {
    const { symbol, kind } = this.series;
    const { value } = await this.#client.getArray(
      { ...AGG_TRADES, query: { symbol, ...query, limit: 1 }, microseconds: true, urgent: this.#urgent },
      call,
    );
    const asAgg: Series = { exchange: 'binance', symbol, kind: 'agg-trades' };
    const [entry] = mapIdRows(asAgg, value, 0, Number.NaN);
    if (entry === undefined) return undefined;
    if (kind === 'agg-trades') return { id: entry.id, time: entry.time };
    const trades = (entry.row ?? readFills(entry.refused?.raw)) as Partial<AggTrade>;
    const id = side === 'first' ? trades.first_trade_id : trades.last_trade_id;
    if (id === undefined || !Number.isSafeInteger(id) || Number.isNaN(entry.time))
      throw new AppError('exchange_unavailable', `An aggregate of ${symbol} tells no trade ids; nothing can be found by time.`, { symbol });
    return { id, time: entry.time };
  }
}

/** An aggregate whose price is refused still tells which trades it holds. */
function readFills(raw: unknown): Partial<AggTrade> {
  const { f, l } = (raw ?? {}) as { f?: unknown; l?: unknown };
  return { ...(typeof f === 'number' ? { first_trade_id: f } : {}), ...(typeof l === 'number' ? { last_trade_id: l } : {}) };
}
