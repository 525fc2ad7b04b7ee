import { Pool } from 'undici';
import { AppError } from '../../domain/errors.ts';
import type { Clock } from '../../runtime/context.ts';

export type S3Method = 'GET' | 'HEAD' | 'PUT' | 'POST' | 'DELETE';

/** One request. Nothing in it is a secret but the signature among the headers. */
export interface HttpRequest {
  readonly method: S3Method;
  /** Path and query. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: Uint8Array | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Another deadline than the transport's, ms. */
  readonly deadlineMs?: number | undefined;
}

/** An answer read to its end. Header names are lower case; of a repeated header the first value stands. */
export interface HttpAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly body: Uint8Array;
}

export interface TransportOptions {
  readonly origin: string;
  readonly clock: Clock;
  readonly deadlineMs: number;
  readonly slowestBytesPerMs: number;
  readonly connections: number;
}

/** Ends the wait for the deadline. */
const ANSWERED = Symbol('answered');

/** Requests over kept connections to one server. Redirects are not followed; a deadline stands over the answer's begin, and one over its body. */
export class S3Transport {
  readonly #pool: Pool;
  readonly #options: TransportOptions;

  constructor(options: TransportOptions) {
    this.#options = options;
    this.#pool = new Pool(options.origin, {
      connections: options.connections,
      // Idle timeouts would let a body of one byte a second live for ever: the deadlines below are the only ones.
      headersTimeout: 0,
      bodyTimeout: 0,
      connect: { timeout: options.deadlineMs },
    });
  }

  /** Throws `timeout` past a deadline, `store_unavailable` for every failure of the connection or of the answer's length, or the signal's reason. */
  async exchange(request: HttpRequest): Promise<HttpAnswer> {
    const { method, path, headers, body, signal } = request;
    signal?.throwIfAborted();
    const ended = new AbortController();
    const abort = (): void => ended.abort(signal?.reason);
    signal?.addEventListener('abort', abort, { once: true });
    let stopWaiting = this.#endAfter(ended, request, body?.length ?? 0);
    try {
      const answer = await this.#pool.request({ method, path, headers, body: body ?? null, signal: ended.signal });
      stopWaiting();
      const first = Object.entries(answer.headers).map(([name, value]) => [name, Array.isArray(value) ? value[0] : value]);
      const own = Object.fromEntries(first) as HttpAnswer['headers'];
      const length = method === 'HEAD' ? 0 : Number(own['content-length'] ?? 0);
      stopWaiting = this.#endAfter(ended, request, length);
      return { status: answer.statusCode, headers: own, body: await readWhole(answer.body, length) };
    } catch (error) {
      if (ended.signal.aborted) throw ended.signal.reason;
      const message = error instanceof Error ? error.message || ('code' in error ? String(error.code) : error.name) : String(error);
      throw new AppError('store_unavailable', `${method} ${path} failed: ${message}.`, { path }, error);
    } finally {
      stopWaiting();
      signal?.removeEventListener('abort', abort);
    }
  }

  /** Ends open requests with an error. */
  async close(): Promise<void> {
    await this.#pool.destroy();
  }

  /** Aborts `ended` with `timeout` when `bytes` should long have travelled. Returns what calls it off. */
  #endAfter(ended: AbortController, { method, path, deadlineMs = this.#options.deadlineMs }: HttpRequest, bytes: number): () => void {
    const { clock, slowestBytesPerMs } = this.#options;
    const ms = Math.ceil(deadlineMs + bytes / slowestBytesPerMs);
    const done = new AbortController();
    clock.sleep(ms, done.signal).then(
      () => ended.abort(new AppError('timeout', `${method} ${path} was not answered within ${ms} ms.`, { path })),
      () => undefined,
    );
    return () => done.abort(ANSWERED);
  }
}

/** A body of a known length is read into its own place, once. */
async function readWhole(body: AsyncIterable<Uint8Array>, length: number): Promise<Uint8Array> {
  const whole = new Uint8Array(length);
  let at = 0;
  const beyond: Uint8Array[] = [];
  for await (const chunk of body) {
    if (at + chunk.length <= length) whole.set(chunk, at);
    else beyond.push(chunk);
    at += chunk.length;
  }
  // An answer in chunks has no length: those of a bucket's calls, which are small.
  return length === 0 ? new Uint8Array(Buffer.concat(beyond)) : whole.subarray(0, at);
}
