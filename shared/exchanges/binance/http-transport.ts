import { type Dispatcher, Pool } from 'undici';
import { AppError } from '../../domain/errors.ts';
import type { Clock } from '../../runtime/context.ts';

/** An answer read to its end. Header names are lower case; of a repeated header the first value stands. */
export interface HttpAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly body: Buffer;
}

export interface TransportOptions {
  readonly baseUrl: string;
  readonly clock: Clock;
  readonly deadlineMs: number;
  readonly maxAnswerBytes: number;
  readonly connections: number;
}

/** One GET. */
export interface HttpCall {
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal | undefined;
  /** Asked when a connection is there and the first byte is about to be written: false takes the request back. */
  readonly maySend: () => boolean;
}

/** Ends the wait for the deadline; a reason of its own spares an exception with a stack for every request. */
const ANSWERED = Symbol('answered');

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

  /**
   * The answer, or undefined for a request that was taken back unsent. Throws `timeout` past the deadline, `exchange_unavailable` for every failure of the
   * connection or of the answer's length, or the signal's reason.
   */
  async get(call: HttpCall): Promise<HttpAnswer | undefined> {
    const { path, signal } = call;
    signal?.throwIfAborted();
    const { promise, resolve, reject } = Promise.withResolvers<HttpAnswer | undefined>();
    const reading = new AnswerReader(call, resolve, reject);
    const abort = (): void => reading.end(signal?.reason);
    signal?.addEventListener('abort', abort, { once: true });
    const done = new AbortController();
    const { clock, deadlineMs } = this.#options;
    const overdue = new AppError('timeout', `GET ${path} was not answered whole within ${deadlineMs} ms.`, { path });
    clock.sleep(deadlineMs, done.signal).then(
      () => reading.end(overdue),
      () => undefined,
    );
    try {
      this.#pool.dispatch({ method: 'GET', path: this.#prefix + path, headers: { ...call.headers } }, reading);
      return await promise;
    } catch (error) {
      if (error === overdue || signal?.aborted) throw error;
      throw new AppError(
        'exchange_unavailable',
        `GET ${path} failed: ${error instanceof Error ? error.message : String(error)}.`,
        { path },
        error,
      );
    } finally {
      done.abort(ANSWERED);
      signal?.removeEventListener('abort', abort);
    }
  }

  /** Ends open requests with an error. */
  async close(): Promise<void> {
    await this.#pool.destroy();
  }
}

/** Reads one answer. Ended from outside, it fails at once and takes its connection down, or the request back while it still waits for one. */
class AnswerReader implements Dispatcher.DispatchHandler {
  readonly #call: HttpCall;
  readonly #resolve: (answer: HttpAnswer | undefined) => void;
  readonly #reject: (error: unknown) => void;
  readonly #chunks: Buffer[] = [];
  #controller: Dispatcher.DispatchController | undefined;
  #ended: Error | undefined;
  #status = 0;
  #headers: HttpAnswer['headers'] = {};

  constructor(call: HttpCall, resolve: (answer: HttpAnswer | undefined) => void, reject: (error: unknown) => void) {
    this.#call = call;
    this.#resolve = resolve;
    this.#reject = reject;
  }

  end(reason: unknown): void {
    this.#reject(reason);
    this.#ended = reason instanceof Error ? reason : new Error(String(reason));
    this.#controller?.abort(this.#ended);
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller;
    if (this.#ended === undefined && !this.#call.maySend()) {
      this.#resolve(undefined);
      this.#ended = new Error('taken back');
    }
    if (this.#ended !== undefined) controller.abort(this.#ended);
  }

  onResponseStart(
    _controller: Dispatcher.DispatchController,
    status: number,
    headers: Readonly<Record<string, string | string[] | undefined>>,
  ): void {
    this.#status = status;
    this.#headers = Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, Array.isArray(value) ? value[0] : value]));
  }

  onResponseData(_controller: Dispatcher.DispatchController, chunk: Buffer): void {
    this.#chunks.push(chunk);
  }

  onResponseEnd(): void {
    const [only] = this.#chunks;
    const body = only !== undefined && this.#chunks.length === 1 ? only : Buffer.concat(this.#chunks);
    this.#resolve({ status: this.#status, headers: this.#headers, body });
  }

  onResponseError(_controller: Dispatcher.DispatchController, error: Error): void {
    this.#reject(error);
  }
}
