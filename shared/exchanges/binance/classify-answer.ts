import { AppError, type ErrorCode } from '../../domain/errors.ts';
import { BAN_MS } from './binance-options.ts';
import type { HttpAnswer } from './http-transport.ts';

/**
 * What an answer means. `freeze`: nobody sends anything for `forMs`, or until a second past the exchange's next full minute. `alarm`: somebody has to look.
 * `retry`: again after the usual back-off, longer where the exchange is `overloaded`. `fail`: the same request would fail again.
 */
export type AnswerClass =
  | { readonly kind: 'ok' }
  | { readonly kind: 'freeze'; readonly forMs: number | 'next-minute'; readonly alarm: boolean; readonly message: string }
  | { readonly kind: 'retry'; readonly error: AppError; readonly overloaded: boolean }
  | { readonly kind: 'fail'; readonly error: AppError };

/** Codes that ask for another try whatever their HTTP status (reference, section 2). */
const RETRYABLE_CODES = new Set([-1000, -1001, -1006, -1007, -1008, -1016]);
const TOO_MANY_REQUESTS = -1003;
const OVERLOADED = -1008;
const INVALID_SYMBOL = -1121;

/** Classifies by status and code: an unknown 4xx is permanent, an unknown 5xx retryable. What is `ok` is still to be read. */
export function classifyAnswer(path: string, answer: HttpAnswer): AnswerClass {
  const { status } = answer;
  if (status >= 200 && status < 300) return { kind: 'ok' };
  if (status === 403)
    return { kind: 'freeze', forMs: readRetryAfter(answer) ?? BAN_MS, alarm: true, message: `GET ${path} was forbidden (403)` };
  if (status === 418)
    return {
      kind: 'freeze',
      forMs: readRetryAfter(answer) ?? BAN_MS,
      alarm: true,
      message: `the address is banned (418): ${excerpt(answer)}`,
    };
  const said = readError(answer);
  if (status === 429 || said?.code === TOO_MANY_REQUESTS)
    return {
      kind: 'freeze',
      forMs: readRetryAfter(answer) ?? 'next-minute',
      alarm: false,
      message: `the request limit is reached (${status})`,
    };
  const context = { path, status, ...(said === undefined ? {} : { exchange_code: said.code }) };
  const message = `GET ${path} was answered ${status}: ${said?.msg ?? excerpt(answer)}`;
  if (status >= 500 || status === 408 || status < 400 || RETRYABLE_CODES.has(said?.code ?? 0)) {
    const code: ErrorCode = said?.code === -1007 || status === 408 ? 'timeout' : 'exchange_unavailable';
    return { kind: 'retry', error: new AppError(code, message, context), overloaded: said?.code === OVERLOADED };
  }
  return { kind: 'fail', error: new AppError(said?.code === INVALID_SYMBOL ? 'unknown_symbol' : 'invalid_request', message, context) };
}

function readError(answer: HttpAnswer): { readonly code: number; readonly msg: string } | undefined {
  const text = answer.body.toString('utf8');
  if (!text.trimStart().startsWith('{')) return undefined;
  try {
    const { code, msg } = JSON.parse(text) as { code?: unknown; msg?: unknown };
    return typeof code === 'number' ? { code, msg: String(msg) } : undefined;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

/** `Retry-After` in ms; undefined where it is missing or no whole number of seconds. */
function readRetryAfter(answer: HttpAnswer): number | undefined {
  const text = answer.headers['retry-after']?.trim() ?? '';
  return /^\d{1,7}$/.test(text) ? Number(text) * 1000 : undefined;
}

function excerpt(answer: HttpAnswer): string {
  return answer.body.toString('utf8', 0, 800).slice(0, 200).replace(/\s+/g, ' ').trim();
}
