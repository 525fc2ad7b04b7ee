import { AppError, isRetryable, toAppError } from '../../shared/domain/errors.ts';
import { type Series, seriesId } from '../../shared/domain/series.ts';
import { refusal } from '../../shared/domain/workflow/normalise.ts';
import type { Selection } from '../../shared/domain/workflow/request.ts';
import type { CallOptions, Exchange } from '../../shared/exchanges/exchange.ts';
import type { Context } from '../../shared/runtime/context.ts';
import type { WorkflowsConfig } from './config.ts';

const HOUR_MS = 3_600_000;
/** Series of which the first row is asked, to tell a caller early that there is nothing: a help, so it has a price limit. */
const MAX_FIRST_ROWS = 20;

interface Known {
  /** The exchange's clock less ours, and when it was read. */
  clock?: { readonly offsetMs: number; readonly readAt: number };
  /** First row times never change once there is one. */
  readonly firstRows: Map<string, number>;
}

const known = new WeakMap<Exchange, Known>();

function knownOf(exchange: Exchange): Known {
  const found = known.get(exchange) ?? { firstRows: new Map() };
  known.set(exchange, found);
  return found;
}

/** The exchange's clock, epoch ms. Without an answer the difference read at most an hour ago stands in. Throws `exchange_unavailable`. */
export async function exchangeTime(exchange: Exchange, context: Context<WorkflowsConfig>, signal: AbortSignal): Promise<number> {
  const facts = knownOf(exchange);
  try {
    const time = await ask(exchange, context, signal, (options) => exchange.time(options));
    facts.clock = { offsetMs: time - context.clock.now(), readAt: context.clock.now() };
    return time;
  } catch (error) {
    const { clock } = facts;
    if (!isRetryable(error) || clock === undefined || context.clock.now() - clock.readAt > HOUR_MS) throw error;
    return context.clock.now() + clock.offsetMs;
  }
}

/** Checks that the exchange knows every symbol; `pathOf` tells where the caller wrote one. Throws `unknown_symbol` naming each that it does not, `exchange_unavailable` without an answer. */
export async function checkSymbols(
  exchange: Exchange,
  symbols: readonly string[],
  pathOf: (symbol: string) => string,
  context: Context<WorkflowsConfig>,
  signal: AbortSignal,
): Promise<void> {
  const asked = await ask(exchange, context, signal, (options) =>
    Promise.allSettled(symbols.map((symbol) => exchange.symbol(symbol, options))),
  );
  const problems = asked.flatMap((result, index) => {
    if (result.status === 'fulfilled') return [];
    const error = toAppError(result.reason);
    if (error.code !== 'unknown_symbol') throw unanswered(exchange, error);
    const symbol = symbols[index] ?? '';
    return [
      {
        path: pathOf(symbol),
        problem: `${symbol} is not known to ${exchange.name}`,
        allowed: `a symbol of ${exchange.name}`,
        code: error.code,
      },
    ];
  });
  if (problems.length > 0) throw refusal(problems);
}

/**
 * Refuses a request of which a series has no row at all before its end: "no candles of BTCUSDT 5m before 2017-08-17". What lies only partly before the
 * first row is loaded, and its head is told as `not-listed`. No answer is no refusal: the load itself will meet the same exchange.
 */
export async function checkFirstRows(
  exchange: Exchange,
  asked: readonly { readonly series: Series; readonly selection: Selection }[],
  context: Context<WorkflowsConfig>,
  signal: AbortSignal,
): Promise<void> {
  if (asked.length > MAX_FIRST_ROWS) return;
  const problems = await Promise.all(
    asked.map(async ({ series, selection }) => {
      const first = await firstRowTime(exchange, series, context, signal);
      if (first === undefined || first < selection.to) return [];
      const what =
        series.interval === undefined ? `${series.kind} of ${series.symbol}` : `${series.kind} of ${series.symbol} ${series.interval}`;
      const problem = `asks for a time before the first row: no ${what} before ${new Date(first).toISOString().slice(0, 10)}`;
      return [
        {
          path: 'time_range',
          problem,
          allowed: `a range that ends after ${new Date(first).toISOString()}`,
          code: 'invalid_request' as const,
        },
      ];
    }),
  );
  const [first, ...others] = problems.flat();
  if (first !== undefined) throw refusal([first, ...others]);
}

async function firstRowTime(
  exchange: Exchange,
  series: Series,
  context: Context<WorkflowsConfig>,
  signal: AbortSignal,
): Promise<number | undefined> {
  const { firstRows } = knownOf(exchange);
  const id = seriesId(series);
  const cached = firstRows.get(id);
  if (cached !== undefined) return cached;
  try {
    const first = await ask(exchange, context, signal, (options) => exchange.firstRowTime(series, options));
    if (first !== undefined) firstRows.set(id, first);
    return first;
  } catch (error) {
    if (!isRetryable(error)) throw error;
    context.logger.info({ error, series: id }, 'the first row of a series could not be asked for; the request is taken without it');
    return undefined;
  }
}

/** Asks with a deadline. An exchange that gives no answer, or asks us to wait, is `exchange_unavailable`: the caller did nothing wrong. */
async function ask<T>(
  exchange: Exchange,
  context: Context<WorkflowsConfig>,
  signal: AbortSignal,
  call: (options: CallOptions) => Promise<T>,
): Promise<T> {
  const over = new AbortController();
  const late = new AbortController();
  const { exchangeSeconds } = context.config;
  const deadline = context.clock.sleep(exchangeSeconds * 1_000, over.signal).then(
    () => late.abort(new AppError('timeout', `${exchange.name} gave no answer within ${exchangeSeconds} s.`)),
    () => undefined,
  );
  try {
    return await call({ signal: AbortSignal.any([signal, late.signal]) });
  } catch (error) {
    signal.throwIfAborted();
    if (late.signal.aborted) throw unanswered(exchange, toAppError(late.signal.reason));
    throw isRetryable(error) ? unanswered(exchange, toAppError(error)) : error;
  } finally {
    over.abort();
    await deadline;
  }
}

function unanswered(exchange: Exchange, cause: AppError): AppError {
  if (cause.meaning !== 'retryable') return cause;
  const { retry_after_ms } = cause.context;
  const message = `${exchange.name} does not answer just now, so its clock and symbols are not known: ${cause.message}`;
  return new AppError('exchange_unavailable', message, retry_after_ms === undefined ? {} : { retry_after_ms }, cause);
}
