import type { AppError, ErrorCode } from '../domain/errors.ts';
import type { Random } from './context.ts';
import { RETRY_AFTER_MAX_MS, RETRY_AFTER_SECONDS, RETRY_FIRST_MS, RETRY_MAX_MS } from './defaults.ts';

/**
 * What happens to an event whose handling failed. `retry`: tried again without end, never committed past. `retry-limited`: tried again, every failed try
 * counted in `deliveries`, dead-lettered after `MAX_UNCLASSIFIED_TRIES`. `dead-letter`: written to the dead-letter topic, then committed.
 * `acknowledge`: already done, committed.
 */
export type Decision = 'retry' | 'retry-limited' | 'dead-letter' | 'acknowledge';

/**
 * Decides over a failed event by the meaning of its error (contracts, Errors). An error that nobody classified is retried without end where it came out
 * of an adapter (`context.adapter`, set by `classifyErrors`), else a limited number of times: an unknown failure of our own code must not stop a partition.
 */
export function decide(error: AppError): Decision {
  switch (error.meaning) {
    case 'retryable':
      return error.code === 'unclassified' && error.context.adapter === undefined ? 'retry-limited' : 'retry';
    case 'permanent':
    // Whoever can fetch the shard again does so; out of a handler it means that nobody could.
    case 'proof':
      return 'dead-letter';
    case 'conflict':
      return 'acknowledge';
    // Neither belongs out of a handler: streams heal inside, settings are checked at the start.
    case 'resync':
    case 'start':
      return 'retry-limited';
    default:
      return error.meaning satisfies never;
  }
}

/**
 * How long to wait after failed try number `tries` (from 1), in ms: doubling from 200 ms to 30 s, half of it fixed and half random, so that partitions that
 * failed together do not come back together. An error's `retry_after_ms` is never undercut.
 */
export function retryDelayMs(error: AppError, tries: number, random: Pick<Random, 'next'>): number {
  const backoff = Math.min(RETRY_MAX_MS, RETRY_FIRST_MS * 2 ** Math.min(tries - 1, 20));
  const jittered = backoff / 2 + (backoff / 2) * random.next();
  const asked = error.context.retry_after_ms;
  if (asked === undefined || !(asked > 0)) return jittered;
  return Math.min(asked, RETRY_AFTER_MAX_MS) + Math.min(jittered, asked * 0.1);
}

/** Codes with a status of their own; all other permanent ones are 400. */
const STATUS: Partial<Record<ErrorCode, number>> = {
  rate_limited: 429,
  payload_too_large: 413,
  unsupported_media_type: 415,
  not_found: 404,
  contract_mismatch: 422,
  row_refused: 422,
  row_conflict: 422,
  idempotency_mismatch: 422,
  state_conflict: 409,
};

/** The HTTP status of a caller's request that failed with this error (contracts, Errors). */
export function httpStatusOf(error: AppError): number {
  const own = STATUS[error.code];
  if (own !== undefined) return own;
  switch (error.meaning) {
    case 'permanent':
      return 400;
    case 'conflict':
      return 409;
    case 'proof':
      return 409;
    case 'retryable':
    case 'resync':
    case 'start':
      return 503;
    default:
      return error.meaning satisfies never;
  }
}

/**
 * The HTTP status of a pushed event. The sender tries again on 404, 408, 409, 429 and 500 or more (Knative delivery), so an event that is done answers 204
 * and a permanent failure never one of those.
 */
export function pushStatusOf(error: AppError): number {
  if (error.meaning === 'conflict') return 204;
  const status = httpStatusOf(error);
  return status === 404 || status === 409 ? 400 : status;
}

/** Seconds for `Retry-After` where the answer asks the caller to come again (429, 503), else undefined. */
export function retryAfterSeconds(error: AppError, status: number): number | undefined {
  if (status !== 429 && status !== 503) return undefined;
  const ms = error.context.retry_after_ms;
  return ms === undefined || !(ms > 0) ? RETRY_AFTER_SECONDS : Math.ceil(ms / 1000);
}
