import type { LedgerMonth } from '../domain/coverage.ts';
import type { ProofClaim, RangeProof } from '../domain/proof.ts';
import type { SeriesRange, TimeRange } from '../domain/range.ts';
import type { Origin, Quote, Row, Ticker } from '../domain/rows.ts';
import type { Series } from '../domain/series.ts';

/** Where a batch of rows came from, and when it was received (epoch ms). Part of the total order of candles. */
export interface Provenance {
  readonly origin: Origin;
  readonly received_at: number;
}

/** What an upsert did. `conflicts` are rows of immutable kinds whose key is stored with another content: the first is kept. */
export interface UpsertOutcome {
  /** Rows that are new or whose content changed. */
  readonly written: number;
  readonly unchanged: number;
  readonly conflicts: readonly { readonly index: number; readonly key: string }[];
}

/** Reads go forward in the row order of the series: by `open_time`, by integer id, else by time and id. All bounds are optional. */
export interface RowQuery extends Partial<TimeRange> {
  /** Inclusive id bounds, for rows with integer ids. */
  readonly from_id?: number;
  readonly to_id?: number;
  /** Start behind this row key. */
  readonly after?: string;
  /** Most rows in all; default no limit. */
  readonly limit?: number;
}

export type { ProofClaim, RangeProof };

/** What is stored of one series. */
export interface SeriesSummary {
  readonly series: string;
  readonly rows: number;
  /** Row keys and times of the first and the last row. */
  readonly first?: { readonly key: string; readonly time: number };
  readonly last?: { readonly key: string; readonly time: number };
}

/**
 * Rows and the coverage ledger. Adapters: `sqlite/`, `arango/` (later); one conformance suite. Errors: `store_unavailable`, `storage_full` (retryable).
 * Every write is durable when its promise resolves. No call blocks the caller's event loop for long, none holds more than a page of rows.
 */
export interface MarketStore {
  /** Idempotent, by the total order of `shared/domain/order.ts`. Rows may come in any order. At most 5,000 rows a call. */
  upsertRows(series: Series, rows: readonly Row[], provenance: Provenance): Promise<UpsertOutcome>;
  /**
   * The same for rows that are still JSON text, a list as events carry it: the store reads and checks them (`readRowsText`, `checkRow`), away from the
   * caller's event loop where it can. Undefined, and nothing written, where there are more than `mostRows`, one fails its check, or the text has another
   * layout than the usual one: then they have to be read, and told apart, by the caller.
   */
  upsertText(series: Series, text: Uint8Array, mostRows: number, provenance: Provenance): Promise<UpsertOutcome | undefined>;
  /** Pages of at most 5,000 rows. */
  readRows(series: Series, query?: RowQuery, signal?: AbortSignal): AsyncIterable<readonly Row[]>;
  countRows(series: Series, range?: Partial<SeriesRange>): Promise<number>;
  /** Proves a claim from the stored rows, page by page. */
  proveRange(series: Series, claim: ProofClaim, signal?: AbortSignal): Promise<RangeProof>;
  /** Deletes rows: for tests and repair tools; the ledger is not touched. Returns how many. */
  deleteRows(series: Series, range: Partial<SeriesRange>): Promise<number>;
  listSeries(): Promise<readonly SeriesSummary[]>;
  describeSeries(series: Series): Promise<SeriesSummary | undefined>;
  /** The newest quote or ticker that was ever stored (by `update_id` where the venue has one, else by time); undefined for other kinds. */
  readLatest(series: Series): Promise<Quote | Ticker | undefined>;
  /** The ledger's months that touch the range, oldest first; a month that is not stored is left out. */
  readLedger(series: Series, range?: Partial<TimeRange>): Promise<readonly LedgerMonth[]>;
  /** Writes months under compare-and-set, all or none: true when every `rev` was the stored one (0: not stored). Stored `rev` rises by one. */
  writeLedger(months: readonly LedgerMonth[]): Promise<boolean>;
  close(): Promise<void>;
}
