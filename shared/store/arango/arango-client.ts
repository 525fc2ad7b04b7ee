import { setTimeout as wait } from 'node:timers/promises';
import { Database } from 'arangojs';
import type { Route } from 'arangojs/routes';
import { AppError } from '../../domain/errors.ts';
import { AnswerTooLate, ARANGO_ERRORS, errorNumberOf, ImportIncomplete, isPassing, NoArango, toStoreError } from './arango-failure.ts';
import type { FullArangoOptions } from './arango-options.ts';
import { jsonText } from './json-text.ts';
import { Turns } from './turns.ts';

/** Values of a query's bind parameters; a collection's stands under its name with one `@`. */
export type BindValues = Readonly<Record<string, unknown>>;

/** What a call may be told beside its values. */
export interface CallOptions {
  readonly signal?: AbortSignal | undefined;
  /** Also tries again after 1210: an insert of two at once, which finds the other's document the next time. */
  readonly retryDuplicates?: boolean;
}

/** One request. `text` is the body as it goes over the wire. */
export interface ArangoRequest {
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  readonly path: string;
  readonly search?: Readonly<Record<string, string>>;
  readonly text?: string;
  /** Asked of the database `_system`, which alone makes others. */
  readonly inSystem?: boolean;
}

/** What `POST /_api/import` answers. */
interface ImportAnswer {
  readonly created: number;
  readonly errors: number;
  readonly ignored: number;
  readonly updated: number;
  readonly details?: readonly string[];
}

interface BatchAnswer<Item> {
  readonly result: readonly Item[];
  readonly hasMore: boolean;
  readonly id?: string;
}

/** Requests at once; more wait their turn. */
const CONNECTIONS = 16;
/** A reader that thinks longer than this between two pages starts its query again behind the last row. */
const CURSOR_TTL_SECONDS = 60;
const LONGEST_WAIT = 100;
/** Larger than every result that is asked for in one piece. */
const WHOLE_RESULT = 1_000_000;

/**
 * A database of ArangoDB as the stores use it: queries with bound parameters, imports, and a few calls of set-up. Each request has a deadline, goes again with
 * jitter after a conflict or while the server is overloaded, and fails with our own errors. An abort rejects at once; a write that was sent may still be done.
 */
export class ArangoClient {
  readonly options: FullArangoOptions;
  readonly #database: Database;
  readonly #route: Route;
  readonly #system: Route;
  readonly #pending = new Set<Promise<unknown>>();
  readonly #turns = new Turns(CONNECTIONS);

  constructor(options: FullArangoOptions) {
    this.options = options;
    this.#database = new Database({
      url: options.url,
      databaseName: options.database,
      poolSize: CONNECTIONS,
      timeout: options.timeoutMs,
      // The driver's own way refuses letters outside of Latin-1.
      fetchOptions: { headers: { authorization: `Basic ${Buffer.from(`${options.user}:${options.password}`).toString('base64')}` } },
    });
    this.#route = this.#database.route();
    this.#system = this.#database.database('_system').route();
  }

  /** The whole result of a query that answers little. */
  async query<Item>(doing: string, text: string, bind: BindValues = {}, options: CallOptions = {}): Promise<readonly Item[]> {
    const body = jsonText({ query: text, bindVars: bind, batchSize: WHOLE_RESULT });
    return (await this.send<BatchAnswer<Item>>(doing, { method: 'POST', path: '/_api/cursor', text: body }, options)).result;
  }

  /**
   * The pages of a query that streams: the server computes a page when it is asked for. Ends the cursor when the reader stops. Throws what `query` does, and
   * `CursorLost` where the reader was away for longer than the cursor lives.
   */
  async *pages<Item>(doing: string, text: string, bind: BindValues, size: number, signal?: AbortSignal): AsyncGenerator<readonly Item[]> {
    const body = jsonText({ query: text, bindVars: bind, batchSize: size, ttl: CURSOR_TTL_SECONDS, options: { stream: true } });
    let batch = await this.send<BatchAnswer<Item>>(doing, { method: 'POST', path: '/_api/cursor', text: body }, { signal });
    try {
      for (;;) {
        if (batch.result.length > 0) yield batch.result;
        if (!batch.hasMore) return;
        const path = `/_api/cursor/${batch.id}`;
        batch = await this.#next<Item>(doing, path, signal);
      }
    } finally {
      // Where this fails too, the server forgets the cursor by itself.
      if (batch.hasMore) await this.send(doing, { method: 'DELETE', path: `/_api/cursor/${batch.id}` }).catch(() => undefined);
    }
  }

  /** Imports documents, one JSON text each. Returns how many are new, and throws where one could not be taken. */
  async import(
    doing: string,
    collection: string,
    lines: readonly string[],
    search: Readonly<Record<string, string>>,
    options?: CallOptions,
  ): Promise<number> {
    const query = { collection, type: 'documents', details: 'true', waitForSync: 'true', ...search };
    const request: ArangoRequest = { method: 'POST', path: '/_api/import', search: query, text: lines.join('\n') };
    const check = ({ errors: left, details = [] }: ImportAnswer): void => {
      if (left > 0) throw new ImportIncomplete(left, lines.length, details);
    };
    return (await this.send<ImportAnswer>(doing, request, options, check)).created;
  }

  /** One request, again where it may go through the next time. Returns the parsed body; `check` throws for one that is no success. */
  async send<Body>(
    doing: string,
    request: ArangoRequest,
    options: CallOptions = {},
    check: (body: Body) => void = () => undefined,
  ): Promise<Body> {
    return this.whole(this.#sendUntil(doing, request, options, check));
  }

  /** Work of several requests, or one that waits before it asks: a close waits for its end. */
  async whole<Outcome>(work: Promise<Outcome>): Promise<Outcome> {
    this.#pending.add(work);
    try {
      return await work;
    } finally {
      this.#pending.delete(work);
    }
  }

  /** Waits for what was called, then ends the connections. Whoever calls it asks nothing more. */
  async close(): Promise<void> {
    await Promise.allSettled(this.#pending);
    this.#database.close();
  }

  async #sendUntil<Body>(
    doing: string,
    request: ArangoRequest,
    { signal, retryDuplicates = false }: CallOptions,
    check: (body: Body) => void,
  ): Promise<Body> {
    const { retryForMs, retryWaitMs } = this.options;
    const deadline = performance.now() + retryForMs;
    for (let tries = 0; ; tries += 1) {
      signal?.throwIfAborted();
      try {
        const body = await this.#try<Body>(request, signal);
        check(body);
        return body;
      } catch (error) {
        if (signal?.aborted === true) throw signal.reason;
        const lostRace = retryDuplicates && errorNumberOf(error) === ARANGO_ERRORS.uniqueViolated;
        const passes = isPassing(error) || lostRace || (tries === 0 && wasCut(error));
        const pause = retryWaitMs * Math.min(2 ** tries, LONGEST_WAIT) * (0.5 + Math.random());
        if (!passes || performance.now() + pause > deadline) throw toStoreError(error, doing, this.options);
        await wait(pause, undefined, signal === undefined ? {} : { signal }).catch(() => undefined);
      }
    }
  }

  async #next<Item>(doing: string, path: string, signal: AbortSignal | undefined): Promise<BatchAnswer<Item>> {
    try {
      return await this.send<BatchAnswer<Item>>(doing, { method: 'POST', path }, { signal });
    } catch (error) {
      if (error instanceof AppError && errorNumberOf(error.cause) === ARANGO_ERRORS.cursorNotFound) throw new CursorLost();
      throw error;
    }
  }

  async #try<Body>({ method, path, search, text, inSystem = false }: ArangoRequest, signal: AbortSignal | undefined): Promise<Body> {
    // The driver would count the wait for a connection as the server's time.
    await this.#turns.enter(signal);
    const contentType = path === '/_api/import' ? 'text/plain; charset=utf-8' : 'application/json';
    const sent = (inSystem ? this.#system : this.#route)
      .request({ method, pathname: path, search: search ?? {}, body: text, headers: { 'content-type': contentType } })
      .then((response) => {
        if (typeof response.parsedBody !== 'object') throw new NoArango();
        return response.parsedBody as Body;
      });
    const leave = (): void => this.#turns.leave();
    sent.then(leave, leave);
    return settledWithin(sent, this.options.timeoutMs, signal);
  }
}

/** The server has forgotten a cursor: the query has to be asked again, behind the last row that came. */
export class CursorLost extends Error {}

/** The driver's own time ends with the headers of an answer; this one with its body. */
async function settledWithin<Result>(sent: Promise<Result>, timeoutMs: number, signal: AbortSignal | undefined): Promise<Result> {
  let timer: NodeJS.Timeout | undefined;
  let abort: (() => void) | undefined;
  const cut = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new AnswerTooLate()), timeoutMs + 100);
    abort = () => reject(signal?.reason);
    signal?.addEventListener('abort', abort, { once: true });
  });
  try {
    return await Promise.race([sent, cut]);
  } finally {
    clearTimeout(timer);
    if (abort !== undefined) signal?.removeEventListener('abort', abort);
  }
}

/** A connection that was kept open, and that the server had closed before it read the request. */
function wasCut(error: unknown): boolean {
  for (let cause: unknown = error; cause instanceof Error; cause = cause.cause) {
    const { code } = cause as { readonly code?: unknown };
    if (code === 'ECONNRESET' || code === 'UND_ERR_SOCKET' || code === 'EPIPE') return true;
  }
  return false;
}
