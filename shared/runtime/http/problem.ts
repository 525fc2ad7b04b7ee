import { STATUS_CODES } from 'node:http';
import { type AppError, toAppError } from '../../domain/errors.ts';
import type { HttpResponse } from '../define-function.ts';
import { httpStatusOf, retryAfterSeconds } from '../delivery.ts';

/** A refusal whose status does not follow from its code: doors, methods, draining. */
export class HttpRefusal extends Error {
  override readonly name = 'HttpRefusal';
  readonly status: number;
  readonly error: AppError;
  readonly headers: Readonly<Record<string, string>>;

  constructor(status: number, error: AppError, headers: Readonly<Record<string, string>> = {}) {
    super(error.message);
    this.status = status;
    this.error = error;
    this.headers = headers;
  }
}

export const PROBLEM_TYPE = 'application/problem+json';

/**
 * The answer to a failed request (RFC 9457): `{type, title, status, code, detail, fields?, trace_id?}`. `fields` names each bad field and what is allowed.
 * What nobody classified is not shown to the caller: the log has it under the trace id.
 */
export function problemResponse(thrown: unknown, traceId?: string, statusOf: (error: AppError) => number = httpStatusOf): HttpResponse {
  const refusal = thrown instanceof HttpRefusal ? thrown : undefined;
  const error = refusal?.error ?? toAppError(thrown);
  const status = refusal?.status ?? statusOf(error);
  const retryAfter = retryAfterSeconds(error, status);
  const { fields } = error.context;
  return {
    status,
    headers: {
      'content-type': PROBLEM_TYPE,
      ...(retryAfter === undefined ? {} : { 'retry-after': String(retryAfter) }),
      ...refusal?.headers,
    },
    body: {
      type: `urn:streamforge:problem:${error.code}`,
      title: STATUS_CODES[status] ?? 'Error',
      status,
      code: error.code,
      detail: error.code === 'unclassified' ? 'Something failed that nobody expected. The log has it under this trace id.' : error.message,
      ...(fields === undefined ? {} : { fields }),
      ...(traceId === undefined ? {} : { trace_id: traceId }),
    },
  };
}

/** The error behind whatever was thrown. */
export function errorOf(thrown: unknown): AppError {
  return thrown instanceof HttpRefusal ? thrown.error : toAppError(thrown);
}
