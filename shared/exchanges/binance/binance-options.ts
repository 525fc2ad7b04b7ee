import type { Clock, Random } from '../../runtime/context.ts';
import type { Logger } from '../../telemetry/logger.ts';
import type { Metrics } from '../../telemetry/metrics.ts';
import type { RequestBudget } from '../request-budget.ts';

/** The exchange's public host (binance-spot-api-docs, rest-api.md, 2026-07-21). */
export const PUBLIC_REST_URL = 'https://api.binance.com';

/** What the adapter is made of. Everything behind `metrics` has a default in `DEFAULTS`. */
export interface BinanceOptions {
  /** Origin of the REST API; the only host that is ever asked. Default: the public host. */
  readonly baseUrl?: string;
  readonly clock: Clock;
  readonly random: Pick<Random, 'next'>;
  readonly logger?: Logger;
  readonly metrics?: Metrics;
  /** What all processes behind the address share. Without it this adapter takes the address for its own. */
  readonly budget?: RequestBudget;
  /** Share of the weight limit that history leaves for repairs and snapshots, 0 to 1. */
  readonly reserve?: number;
  /** Total time of one request, from the first byte sent to the last byte read, in ms. */
  readonly deadlineMs?: number;
  /** Tries of one request before its last error is thrown; waiting out a freeze is not a try. */
  readonly tries?: number;
  readonly firstBackoffMs?: number;
  readonly maxBackoffMs?: number;
  /** Largest answer that is read, in bytes. */
  readonly maxAnswerBytes?: number;
  /** Connections held open at most: requests in flight at once. */
  readonly connections?: number;
}

/** Every number of the adapter that a caller may set. */
export const DEFAULTS = {
  /** A fifth is kept for gap repair and snapshots. */
  reserve: 0.2,
  /** Binance gives up after 10 s (code -1007); half as much again lets its own answer arrive. */
  deadlineMs: 15_000,
  /** With the waits below, a little over half a minute of outage is bridged inside one call. */
  tries: 8,
  firstBackoffMs: 250,
  maxBackoffMs: 10_000,
  maxAnswerBytes: 32 * 1024 * 1024,
  connections: 16,
} as const;

/** The weight limit that holds until `exchangeInfo` has told the real one, per minute. */
export const ASSUMED_WEIGHT_LIMIT = 6_000;
/** Past the exchange's minute edge by this much, so that a clock a little behind ours has turned too. */
export const EDGE_MS = 50;
/** Callers that waited for one minute do not come back in one instant. */
export const SPREAD_MS = 200;
/** `exchangeInfo` costs 20 and changes rarely: it is kept for an hour. */
export const SYMBOLS_KEPT_MS = 3_600_000;
/** A symbol that the kept list lacks makes it be read again, but not more often than this. */
export const SYMBOLS_AGAIN_MS = 60_000;
/** How long a measured offset of the exchange's clock is used before it is measured again. */
export const CLOCK_KEPT_MS = 600_000;
/** How long everyone waits after a 418 without a readable `Retry-After`: the shortest ban that Binance names. */
export const BAN_MS = 120_000;
/** Code -1008 (overloaded) asks to come back "in a few minutes": once it outlasts the usual waits, each further wait is a minute. */
export const OVERLOAD_BACKOFF_MS = 60_000;
/** Failures in a row that the usual waits are for: together some eight seconds, in which most overloads pass. */
export const OVERLOAD_PATIENCE = 5;
/** Most rows of one page of klines, aggTrades and historicalTrades. */
export const PAGE_ROWS = 1_000;
/** An absence needs a right neighbour of at least this age by the exchange's clock. */
export const NEIGHBOUR_AGE_MS = 300_000;
/** Answers that contradict each other in a row before a read is given up as `exchange_unavailable`. */
export const MOST_CONTRADICTIONS = 6;
