import { AppError, toAppError } from '../../domain/errors.ts';
import type { Logger } from '../../telemetry/logger.ts';
import type { Metrics } from '../../telemetry/metrics.ts';
import type { CallOptions } from '../exchange.ts';
import {
  type BinanceOptions,
  CLOCK_KEPT_MS,
  DEFAULTS,
  OVERLOAD_BACKOFF_MS,
  OVERLOAD_PATIENCE,
  PUBLIC_REST_URL,
} from './binance-options.ts';
import type { Need } from './budget-leases.ts';
import { type AnswerClass, classifyAnswer } from './classify-answer.ts';
import { ExchangeClock, readDateHeader } from './exchange-clock.ts';
import { type HttpAnswer, HttpTransport } from './http-transport.ts';
import { readArray, readObject, readServerTime } from './read-body.ts';
import { SharedRead } from './shared-read.ts';
import { WeightLimiter } from './weight-limiter.ts';

/** A freeze that ends this much later than the one before it is news. */
const REPEATED_MS = 2_000;
const TIME_PATH = '/api/v3/time';

/** One read of the exchange: a path of `/api/v3`, its query, and what it costs. */
export interface RestRequest {
  readonly path: string;
  readonly query?: Readonly<Record<string, string | number>>;
  readonly weight: number;
  /** Ask for every time in microseconds. */
  readonly microseconds?: boolean;
  /** May use the reserve: repairs and snapshots. */
  readonly urgent?: boolean;
}

/** A parsed answer. `asked_at` is epoch ms by the exchange's clock, `received_at` by ours. */
export interface RestAnswer<T> {
  readonly value: T;
  readonly asked_at: number;
  readonly received_at: number;
  /** The answer's `Date` header, epoch ms. */
  readonly date: number | undefined;
}

/** Reads a body. Undefined where it has another shape; throws `SyntaxError` where it is not JSON. */
type ReadBody<T> = (body: Buffer) => T | undefined;

interface Attempt<T> {
  readonly outcome: Exclude<AnswerClass, { kind: 'ok' }> | { readonly kind: 'ok'; readonly value: T } | { readonly kind: 'unsent' };
  readonly asked_at: number;
  readonly received_at: number;
  readonly date?: number | undefined;
}

/** Sends requests one by one under the shared weight limit, tries again what can be tried again, and never answers with half a page. */
export class RestClient {
  readonly exchangeClock: ExchangeClock;
  readonly limiter: WeightLimiter;
  readonly #transport: HttpTransport;
  readonly #timing = new SharedRead();
  #wasFrozen = false;
  readonly #options: Required<Omit<BinanceOptions, 'logger' | 'metrics' | 'budget'>>;
  readonly #logger: Logger | undefined;
  readonly #metrics: Metrics | undefined;

  constructor(options: BinanceOptions) {
    const { logger, metrics, budget, ...rest } = options;
    this.#options = { baseUrl: PUBLIC_REST_URL, ...DEFAULTS, ...rest };
    this.#logger = logger;
    this.#metrics = metrics;
    const { clock, random, reserve } = this.#options;
    this.exchangeClock = new ExchangeClock(clock);
    this.limiter = new WeightLimiter({ clock, exchangeClock: this.exchangeClock, random: () => random.next(), reserve, budget });
    this.#transport = new HttpTransport(this.#options);
  }

  /**
   * A page of rows; one that `isAnswer` does not take for the answer (another page, as a stale cache gives it) is asked for again. Throws
   * `exchange_unavailable` or `timeout` after the last try, `unknown_symbol` or `invalid_request` at once, the signal's reason, or what `beforeRequest` throws.
   */
  async getArray(
    request: RestRequest,
    call: CallOptions,
    isAnswer: (rows: readonly unknown[]) => boolean = () => true,
  ): Promise<RestAnswer<readonly unknown[]>> {
    return this.#get(request, call, (body) => {
      const rows = readArray(body);
      return rows !== undefined && isAnswer(rows) ? rows : undefined;
    });
  }

  /**
   * The same, with a faster way to read a page of the usual layout: `scan` gives undefined for any other, which is read as by `getArray` and mapped. Where
   * `map` gives undefined as well it is not the answer.
   */
  async getPage<T>(
    request: RestRequest,
    scan: (body: Uint8Array) => T | undefined,
    map: (rows: readonly unknown[]) => T | undefined,
    call: CallOptions,
  ): Promise<RestAnswer<T>> {
    return this.#get(request, call, (body) => {
      const scanned = scan(body);
      if (scanned !== undefined) return scanned;
      const rows = readArray(body);
      return rows === undefined ? undefined : map(rows);
    });
  }

  /** The same for an answer that is one object. One that `isWhole` does not take for the answer (an error told with status 200) is asked for again. */
  async getObject(
    request: RestRequest,
    call: CallOptions,
    isWhole: (value: Readonly<Record<string, unknown>>) => boolean,
  ): Promise<RestAnswer<Readonly<Record<string, unknown>>>> {
    return this.#get(request, call, (body) => {
      const value = readObject(body);
      return value !== undefined && isWhole(value) ? value : undefined;
    });
  }

  /** Asks the exchange for its time, epoch ms. */
  async readTime(call: CallOptions): Promise<number> {
    const request = { path: TIME_PATH, weight: 1, urgent: true };
    const { value, received_at, date } = await this.#get(request, call, readServerTime);
    this.exchangeClock.measure(value, received_at, date);
    return value;
  }

  /**
   * A time that the exchange itself has said, beyond `past` if it is that late there. Asks again where the last answer does not reach that far, or is old;
   * callers at once share one request.
   */
  async observedTime(past: number, call: CallOptions): Promise<number> {
    for (let asked = 0; ; ) {
      const { observed, measuredAt } = this.exchangeClock;
      const age = this.#options.clock.now() - (measuredAt ?? 0);
      if (observed !== undefined && age >= 0 && age < CLOCK_KEPT_MS && (observed > past || asked > 0)) return observed;
      await this.#timing.join(() => this.readTime(call).then(() => (asked += 1)), call.signal);
    }
  }

  /** Waits a jittered, growing time: `failures` counts from 1. For callers that found two answers in contradiction. */
  async backOff(failures: number, signal: AbortSignal | undefined, atLeastMs = 0): Promise<void> {
    const { firstBackoffMs, maxBackoffMs, random, clock } = this.#options;
    const backoff = Math.min(maxBackoffMs, firstBackoffMs * 2 ** Math.min(failures - 1, 20));
    await clock.sleep(Math.max(atLeastMs, backoff / 2 + (backoff / 2) * random.next()), signal);
  }

  /** Waits by the injected clock. */
  async sleep(ms: number, signal: AbortSignal | undefined): Promise<void> {
    await this.#options.clock.sleep(ms, signal);
  }

  async close(): Promise<void> {
    this.limiter.close();
    await this.#transport.close();
  }

  async #get<T>(request: RestRequest, call: CallOptions, read: ReadBody<T>): Promise<RestAnswer<T>> {
    for (let failures = 0; ; ) {
      const need = await this.#enter(request, call);
      const { outcome, asked_at, received_at, date } = await this.#attempt(request, need, call.signal, read);
      switch (outcome.kind) {
        case 'ok':
          return { value: outcome.value, asked_at, received_at, date };
        case 'fail':
          throw outcome.error;
        case 'freeze':
          this.#freeze(outcome, received_at);
          break;
        // A freeze began while the request waited for a connection: it passes the gate again.
        case 'unsent':
          break;
        case 'retry':
          failures += 1;
          if (failures >= this.#options.tries) throw outcome.error;
          this.#logger?.debug(
            { path: request.path, failures, code: outcome.error.code, cause: outcome.error.message },
            'trying a request again',
          );
          await this.backOff(failures, call.signal, outcome.overloaded && failures > OVERLOAD_PATIENCE ? OVERLOAD_BACKOFF_MS : 0);
          break;
        default:
          outcome satisfies never;
      }
    }
  }

  /** Passes the limiter and the caller's hook. The hook comes last: what it saw must be fresh when the request leaves. */
  async #enter({ path, weight, urgent = false }: RestRequest, call: CallOptions): Promise<Need> {
    const { signal, beforeRequest, onBehalfOf: workflow } = call;
    for (;;) {
      const isProven = !this.limiter.isShared || this.exchangeClock.isProven;
      if (!isProven && path !== TIME_PATH) await this.#timing.join(() => this.readTime(call), signal);
      const need = { weight, urgent, workflow, clockless: !isProven && path === TIME_PATH };
      if (!(await this.limiter.wait(need, signal))) continue;
      await beforeRequest?.();
      signal?.throwIfAborted();
      if (this.limiter.take(need)) {
        this.#thaw();
        return need;
      }
    }
  }

  async #attempt<T>(request: RestRequest, need: Need, signal: AbortSignal | undefined, read: ReadBody<T>): Promise<Attempt<T>> {
    const { clock } = this.#options;
    const sentAt = clock.now();
    const asked_at = this.exchangeClock.now();
    const minute = this.exchangeClock.minuteOf(undefined);
    const path = pathOf(request);
    let answer: HttpAnswer | undefined;
    let failure: unknown;
    try {
      const headers: Record<string, string> = request.microseconds ? { 'x-mbx-time-unit': 'MICROSECOND' } : {};
      answer = await this.#transport.get({ path, headers, signal, maySend: () => this.limiter.maySend(need, minute) });
      if (answer === undefined) {
        this.limiter.giveBack(need, minute);
        return { outcome: { kind: 'unsent' }, asked_at, received_at: clock.now() };
      }
    } catch (error) {
      failure = error;
    }
    const received_at = clock.now();
    this.#account(request.weight, answer, minute, sentAt, received_at);
    if (answer === undefined) {
      if (signal?.aborted) throw signal.reason;
      return { outcome: { kind: 'retry', error: toAppError(failure), overloaded: false }, asked_at, received_at };
    }
    const answered = classifyAnswer(path, answer);
    const outcome = answered.kind === 'ok' ? readAnswer(path, answer, read) : answered;
    return { outcome, asked_at, received_at, date: readDateHeader(answer.headers.date) };
  }

  #account(weight: number, answer: HttpAnswer | undefined, sentIn: number, sentAt: number, receivedAt: number): void {
    const date = readDateHeader(answer?.headers.date);
    this.exchangeClock.noteDate(date, sentAt, receivedAt);
    const used = Number(answer?.headers['x-mbx-used-weight-1m'] ?? Number.NaN);
    this.limiter.settle(weight, Number.isFinite(used) ? used : undefined, this.exchangeClock.minuteOf(date), sentIn);
    this.#metrics?.gauge('streamforge_exchange_weight_used', this.limiter.used, { exchange: 'binance' });
    const status = answer === undefined ? 'other' : `${Math.floor(answer.status / 100)}xx`;
    this.#metrics?.count('streamforge_exchange_requests_total', { exchange: 'binance', status });
  }

  #freeze({ forMs, alarm, message }: Extract<AnswerClass, { kind: 'freeze' }>, now: number): void {
    const before = this.limiter.frozenUntil ?? 0;
    const until = now + (forMs === 'next-minute' ? this.exchangeClock.msToNextMinute() + 1000 : forMs);
    this.limiter.freeze(until, message);
    this.#wasFrozen = true;
    this.#metrics?.gauge('streamforge_exchange_frozen_until_seconds', Math.ceil(Math.max(before, until) / 1000), { exchange: 'binance' });
    // Requests that were on their way are refused one by one: the freeze that they repeat was said already.
    if (until < before + REPEATED_MS) return;
    const fields = { exchange: 'binance', until: new Date(until).toISOString(), cause: message };
    if (alarm) this.#logger?.error(fields, 'the exchange refuses this address: no request is sent until then');
    else this.#logger?.warn(fields, 'the exchange asked to wait: no request is sent until then');
  }

  /** The first request after a freeze says that it is over. */
  #thaw(): void {
    if (!this.#wasFrozen) return;
    this.#wasFrozen = false;
    this.#metrics?.gauge('streamforge_exchange_frozen_until_seconds', 0, { exchange: 'binance' });
  }
}

/** Status 200 with half a page, an error page, or nothing: never a short page, always another try. */
function readAnswer<T>(path: string, { status, body }: HttpAnswer, read: ReadBody<T>): Attempt<T>['outcome'] {
  let problem = 'JSON of another shape';
  let cause: unknown;
  try {
    const value = read(body);
    if (value !== undefined) return { kind: 'ok', value };
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    problem = `a body that is not whole JSON (${body.length} bytes)`;
    cause = error;
  }
  const error = new AppError('exchange_unavailable', `GET ${path} was answered ${status} with ${problem}.`, { path, status }, cause);
  return { kind: 'retry', error, overloaded: false };
}

function pathOf({ path, query = {} }: RestRequest): string {
  const pairs = Object.entries(query).map(([name, value]) => `${name}=${encodeURIComponent(value)}`);
  return pairs.length === 0 ? path : `${path}?${pairs.join('&')}`;
}
