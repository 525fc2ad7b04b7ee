import { HttpError, isArangoError, NetworkError, ResponseTimeoutError } from 'arangojs/errors';
import { AppError } from '../../domain/errors.ts';
import type { FullArangoOptions } from './arango-options.ts';

/** Numbers of ArangoDB's errors that mean something to us (`lib/Basics/errors.dat`, 3.12). */
export const ARANGO_ERRORS = {
  forbidden: 11,
  lockTimeout: 18,
  deadlock: 29,
  shuttingDown: 30,
  resourceLimit: 32,
  startingUp: 38,
  filesystemFull: 1104,
  conflict: 1200,
  documentNotFound: 1202,
  collectionNotFound: 1203,
  duplicateName: 1207,
  uniqueViolated: 1210,
  databaseNotFound: 1228,
  writeThrottled: 1236,
  tryAgain: 1302,
  busy: 1303,
  clusterTimeout: 1457,
  shardGone: 1464,
  clusterConnectionLost: 1465,
  backendUnavailable: 1478,
  leaderResigned: 1491,
  leadershipChallenged: 1495,
  notLeader: 1496,
  cursorNotFound: 1600,
  graphExists: 1925,
  queueFull: 21_003,
  queueTimeViolated: 21_004,
} as const;

/** Errors after which the same request may go through in a moment: the server took it back, or did not take it. */
const PASSING: ReadonlySet<number> = new Set([
  ...[ARANGO_ERRORS.conflict, ARANGO_ERRORS.lockTimeout, ARANGO_ERRORS.deadlock, ARANGO_ERRORS.tryAgain, ARANGO_ERRORS.busy],
  ...[ARANGO_ERRORS.startingUp, ARANGO_ERRORS.writeThrottled, ARANGO_ERRORS.clusterTimeout, ARANGO_ERRORS.shardGone],
  ...[ARANGO_ERRORS.clusterConnectionLost, ARANGO_ERRORS.backendUnavailable, ARANGO_ERRORS.leaderResigned],
  ...[ARANGO_ERRORS.leadershipChallenged, ARANGO_ERRORS.notLeader, ARANGO_ERRORS.queueFull, ARANGO_ERRORS.queueTimeViolated],
]);

/** An import that was answered, but that left documents out. `passing` where the reason is another's write at the same time. */
export class ImportIncomplete extends Error {
  readonly passing: boolean;

  constructor(left: number, all: number, details: readonly string[]) {
    super(`${left} of ${all} documents were left out: ${details[0] ?? 'no reason given'}`);
    this.passing = details.some((detail) => /conflict|timeout|lock/i.test(detail));
  }
}

/** An answer that did not come, or did not end, in time. */
export class AnswerTooLate extends Error {}

/** An answer that is no JSON: something else listens there. */
export class NoArango extends Error {
  override readonly message = 'the answer is no JSON';
}

/** The number of ArangoDB's error, where it is one. */
export function errorNumberOf(error: unknown): number | undefined {
  return isArangoError(error) ? error.errorNum : undefined;
}

/** True where the same request may go through in a moment. */
export function isPassing(error: unknown): boolean {
  if (error instanceof ImportIncomplete) return error.passing;
  const number = errorNumberOf(error);
  return (number !== undefined && PASSING.has(number)) || statusOf(error) === 503;
}

function statusOf(error: unknown): number | undefined {
  return isArangoError(error) || error instanceof HttpError ? error.code : undefined;
}

/**
 * What is thrown at callers: `storage_full` for a full disk, `store_unavailable` for the rest that passes or needs a hand at the server, `state_conflict` for
 * a unique attribute that is taken, else `unclassified`. The message names what was done, the address and the database; never the password.
 */
export function toStoreError(error: unknown, doing: string, options: FullArangoOptions): AppError {
  if (error instanceof AppError) return error;
  const { url, database, user } = options;
  const place = `database ${database} of ArangoDB at ${url}`;
  const context = { url, database, arango_error: errorNumberOf(error) ?? null };
  const fail = (code: AppError['code'], message: string): AppError => new AppError(code, message, context, error);
  const said = error instanceof Error ? error.message : String(error);
  const [number, status] = [errorNumberOf(error), statusOf(error)];

  if (number === ARANGO_ERRORS.filesystemFull || /no space left/i.test(said))
    return fail('storage_full', `${doing}: the disk of ${place} is full (${said}). Make room there; the write is tried again.`);
  if (status === 401)
    return fail('store_unavailable', `${doing}: ${place} refused user ${user} (401). Check ARANGO_USER and ARANGO_PASSWORD.`);
  if (status === 403 || number === ARANGO_ERRORS.forbidden)
    return fail('store_unavailable', `${doing}: user ${user} lacks the right in ${place} (${said}). It needs read and write access.`);
  if (number === ARANGO_ERRORS.databaseNotFound)
    return fail('store_unavailable', `${doing}: ${place} is not there any more. Start again to have it created.`);
  if (number === ARANGO_ERRORS.uniqueViolated) return fail('state_conflict', `${doing}: a unique value is taken in ${place} (${said}).`);
  if (error instanceof ImportIncomplete) return fail('store_unavailable', `${doing}: ${place} took only a part (${said}).`);
  if (isPassing(error))
    return fail(
      'store_unavailable',
      `${doing}: ${place} gave up after ${options.retryForMs} ms of tries (${describe(number, status)}: ${said}).`,
    );
  if (error instanceof ResponseTimeoutError || error instanceof AnswerTooLate)
    return fail('store_unavailable', `${doing}: ${place} did not answer within ${options.timeoutMs} ms.`);
  if ((error instanceof NetworkError && status === undefined) || error instanceof NoArango)
    return fail('store_unavailable', `${doing}: ${place} cannot be reached (${said}). Check ARANGO_URL and that the server runs.`);
  if (number === ARANGO_ERRORS.resourceLimit || number === ARANGO_ERRORS.shuttingDown || (status !== undefined && status >= 500))
    return fail('store_unavailable', `${doing}: ${place} failed (${describe(number, status)}: ${said}).`);
  return fail('unclassified', `${doing}: ${place} refused the request (${describe(number, status)}: ${said}).`);
}

function describe(number: number | undefined, status: number | undefined): string {
  return number === undefined ? `HTTP ${status ?? 'none'}` : `error ${number}`;
}
