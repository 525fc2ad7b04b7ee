import { Pool } from 'undici';
import { AppError } from '../../domain/errors.ts';
import type { Clock } from '../../runtime/context.ts';

/** An answer read to its end. Header names are lower case; of a repeated header the first value stands. */
export interface HttpAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly text: string;
}

export interface TransportOptions {
  readonly baseUrl: string;
  readonly clock: Clock;
  readonly deadlineMs: number;
  readonly maxAnswerBytes: number;
  readonly connections: number;
}

const OVERDUE = Symbol('the deadline of one request');

/** GET over kept connections to one host. Redirects are not followed; one deadline stands over the whole request, its body included. */
export class HttpTransport {
  readonly #pool: Pool;
  readonly #prefix: string;
  readonly #options: TransportOptions;

  /** Throws `invalid_setting` for a base URL that is none. */
  constructor(options: TransportOptions) {
    const url = URL.canParse(options.baseUrl) ? new URL(options.baseUrl) : undefined;
    if (url === undefined || !/^https?:$/.test(url.protocol))
      throw new AppError('invalid_setting', `${JSON.stringify(options.baseUrl)} is not the URL of a REST API.`, {
        base_url: options.baseUrl,
      });
    this.#options = options;
    this.#prefix = url.pathname.replace(/\/+$/, '');
    this.#pool = new Pool(url.origin, {
      connections: options.connections,
      maxResponseSize: options.maxAnswerBytes,
      // Idle timeouts would let a body of one byte a second live for ever: the total deadline below is the only one.
      headersTimeout: 0,
      bodyTimeout: 0,
      connect: { timeout: options.deadlineMs },
    });
  }

  /** Throws `timeout` past the deadline, `exchange_unavailable` for every failure of the connection or of the answer's length, or the signal's reason. */
  async get(path: string, headers: Readonly<Record<string, string>>, signal?: AbortSignal): Promise<HttpAnswer> {
    signal?.throwIfAborted();
    const ended = new AbortController();
    const abort = (): void => ended.abort(signal?.reason);
    signal?.addEventListener('abort', abort, { once: true });
    const done = new AbortController();
    this.#options.clock.sleep(this.#options.deadlineMs, done.signal).then(
      () => ended.abort(OVERDUE),
      () => undefined,
    );
    try {
      const answer = await this.#pool.request({ method: 'GET', path: this.#prefix + path, headers: { ...headers }, signal: ended.signal });
      const text = await answer.body.text();
      return { status: answer.statusCode, headers: firstValues(answer.headers), text };
    } catch (error) {
      if (signal?.aborted) throw signal.reason;
      if (ended.signal.reason === OVERDUE)
        throw new AppError('timeout', `GET ${path} was not answered whole within ${this.#options.deadlineMs} ms.`, { path }, error);
      throw new AppError(
        'exchange_unavailable',
        `GET ${path} failed: ${error instanceof Error ? error.message : String(error)}.`,
        { path },
        error,
      );
    } finally {
      done.abort();
      signal?.removeEventListener('abort', abort);
    }
  }

  /** Ends open requests with an error. */
  async close(): Promise<void> {
    await this.#pool.destroy();
  }
}

function firstValues(headers: Readonly<Record<string, string | string[] | undefined>>): Record<string, string | undefined> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, Array.isArray(value) ? value[0] : value]));
}
