import type { Absence } from '../domain/coverage.ts';
import type { ErrorCode } from '../domain/errors.ts';
import type { SeriesRange, TimeRange } from '../domain/range.ts';
import type { Depth, Row } from '../domain/rows.ts';
import type { ExchangeName, Series } from '../domain/series.ts';

/** A traded market. Steps are the smallest change of price and quantity, absent where the exchange sets none. */
export interface SymbolInfo {
  readonly symbol: string;
  readonly base_asset: string;
  readonly quote_asset: string;
  /** As the exchange says it (`TRADING`, `BREAK`, …); unknown values are passed on. */
  readonly status: string;
  readonly price_step?: string;
  readonly quantity_step?: string;
}

/** A row that failed its checks, refused alone. `index` is its place in the page it came with. */
export interface RefusedRow extends SeriesRange {
  readonly index: number;
  readonly code: ErrorCode;
  readonly message: string;
  /** The row as the exchange sent it. */
  readonly raw: unknown;
}

/** Rows of one answer, checked, in order, inside the range asked; `received_at` is epoch ms by our clock. */
export interface HistoryPage<R extends Row = Row> {
  readonly rows: readonly R[];
  readonly refused: readonly RefusedRow[];
  readonly received_at: number;
}

/** What is known when a range was read to its end: it becomes the `shard-completed` marker. */
export interface HistorySummary {
  readonly row_count: number;
  /** First and last id that belong to the range, for series with integer ids; `last_id = first_id - 1` where it has no row. */
  readonly first_id?: number;
  readonly last_id?: number;
  readonly refused: readonly (SeriesRange & { readonly code: ErrorCode })[];
  /** Cold history that the exchange does not give. */
  readonly unavailable: readonly SeriesRange[];
  readonly absent: readonly Absence[];
}

/** A range of one series. With ids (a repair of missing ids) exactly these ids are read; else the range is planned in time and proven in ids. */
export interface HistoryRequest extends SeriesRange {
  readonly series: Series;
}

export interface CallOptions {
  readonly signal?: AbortSignal;
  /** Called before every single request to the exchange, retries too; a throw ends the call. It is how a stopped workflow goes quiet. */
  readonly beforeRequest?: () => Promise<void> | void;
  /**
   * Told where a hole of history stays missing only because the row behind it is too young to prove that there is nothing: from when on it can be judged, epoch
   * ms by the exchange's clock.
   */
  readonly onTooYoung?: (ripeAt: number) => void;
  /** The queue id of the workflow that the call is for: workflows take turns where the exchange's limit is short. */
  readonly onBehalfOf?: string;
}

/**
 * An exchange's REST side. Errors: `rate_limited` (context `retry_after_ms`), `exchange_unavailable`, `timeout` (retryable), `unknown_symbol`, `invalid_request`.
 * Retries with back-off and jitter happen inside and end only with `signal`, or after the adapter's tries with the last error.
 */
export interface Exchange {
  readonly name: ExchangeName;
  /** The exchange's clock, epoch ms. */
  time(options?: CallOptions): Promise<number>;
  /** Throws `unknown_symbol`. Cached for an hour. */
  symbol(symbol: string, options?: CallOptions): Promise<SymbolInfo>;
  symbols(options?: CallOptions): Promise<readonly SymbolInfo[]>;
  /**
   * Reads a range whole: yields pages as they come and returns the summary at the end. Never skips over an error, never ends early.
   * An open candle is never returned as closed: it is left out.
   */
  readHistory(request: HistoryRequest, options?: CallOptions): AsyncGenerator<HistoryPage, HistorySummary, undefined>;
  /** Order book of at most `limit` levels a side, stamped with the exchange's clock. */
  depthSnapshot(symbol: string, limit: number, options?: CallOptions): Promise<Depth>;
  /** The first row's time of a series, or undefined where it has none: tells `not-listed` and helps error messages. */
  firstRowTime(series: Series, options?: CallOptions): Promise<number | undefined>;
  /** True while a freeze (429, 418, 403) holds; until when, epoch ms by our clock. */
  frozenUntil(): number | undefined;
  close(): Promise<void>;
}

export type { TimeRange };
