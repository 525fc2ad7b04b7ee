/** What an error means for whoever meets it; the table of codes is the platform's contract (README, "Errors"). */
export type ErrorMeaning = 'retryable' | 'permanent' | 'resync' | 'proof' | 'conflict' | 'start';

/** Every error code of the platform and its meaning. The list is closed. */
export const ERROR_MEANINGS = {
  exchange_unavailable: 'retryable',
  rate_limited: 'retryable',
  store_unavailable: 'retryable',
  bus_unavailable: 'retryable',
  storage_full: 'retryable',
  timeout: 'retryable',
  unclassified: 'retryable',
  unparsable_event: 'permanent',
  contract_mismatch: 'permanent',
  row_refused: 'permanent',
  row_conflict: 'permanent',
  unknown_symbol: 'permanent',
  unsupported_symbol: 'permanent',
  invalid_request: 'permanent',
  not_yet_supported: 'permanent',
  precision_lost: 'permanent',
  payload_too_large: 'permanent',
  unsupported_media_type: 'permanent',
  not_found: 'permanent',
  sequence_gap: 'resync',
  stale_snapshot: 'resync',
  silent_stream: 'resync',
  rows_missing: 'proof',
  state_conflict: 'conflict',
  idempotency_mismatch: 'conflict',
  missing_setting: 'start',
  invalid_setting: 'start',
  data_dir_locked: 'start',
} as const satisfies Record<string, ErrorMeaning>;

export type ErrorCode = keyof typeof ERROR_MEANINGS;

/** One bad field of an input: where it is, what is wrong, and what is allowed. */
export interface FieldProblem {
  readonly path: string;
  readonly problem: string;
  readonly allowed?: string;
}

/** Facts that travel with an error: identifiers, positions, and the few that the runtime reads itself. */
export interface ErrorContext {
  /** Bad fields of an input, in the order of the input. */
  readonly fields?: readonly FieldProblem[];
  /** How long to wait before another try is sensible, in milliseconds. */
  readonly retry_after_ms?: number;
  readonly [name: string]: unknown;
}

/**
 * The one error class of the platform. `message` tells what was being done, to what, and what the reader can do;
 * adapters wrap vendor errors at their edge and keep them as `cause`.
 */
export class AppError extends Error {
  override readonly name = 'AppError';
  readonly code: ErrorCode;
  readonly context: ErrorContext;

  constructor(code: ErrorCode, message: string, context: ErrorContext = {}, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.code = code;
    this.context = context;
  }

  get meaning(): ErrorMeaning {
    return ERROR_MEANINGS[this.code];
  }
}

/** The error itself where it is ours, else the same failure as `unclassified` with the original as cause. */
export function toAppError(error: unknown): AppError {
  if (error instanceof AppError) return error;
  const message = error instanceof Error ? error.message : String(error);
  return new AppError('unclassified', message, {}, error);
}

/** True for an error whose meaning is `retryable` (also for one that nobody classified). */
export function isRetryable(error: unknown): boolean {
  return toAppError(error).meaning === 'retryable';
}

/** True where `signal` caused `error`: a cancelled wait, fetch or query. */
export function isAbort(error: unknown): boolean {
  return error instanceof Error && (error.name === 'AbortError' || (error instanceof DOMException && error.name === 'AbortError'));
}
