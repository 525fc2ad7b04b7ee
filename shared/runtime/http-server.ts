import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { AppError } from '../domain/errors.ts';
import type { Logger } from '../telemetry/logger.ts';
import type { Metrics } from '../telemetry/metrics.ts';
import { continueTrace, parseTraceparent } from '../telemetry/trace.ts';
import type { Clock, Random } from './context.ts';
import {
  CLOSE_MS,
  KEEP_ALIVE_MS,
  MAX_BODY_BYTES,
  MAX_REQUESTS_IN_FLIGHT,
  MAX_STREAMS,
  REQUEST_MS,
  STREAM_HEARTBEAT_MS,
} from './defaults.ts';
import type { HttpRequest, HttpResponse } from './define-function.ts';
import { parseBody, readBody } from './http/body.ts';
import { createDoors } from './http/doors.ts';
import type { MountedRoute } from './http/mounted-route.ts';
import { errorOf, HttpRefusal, problemResponse } from './http/problem.ts';
import { isEventStream, writeResponse } from './http/respond.ts';
import { createRouter } from './http/router.ts';

/** What a server serves and where. */
export interface HttpServerOptions {
  /** Another address than a loopback one needs `apiToken`. */
  readonly host: string;
  /** 0 for a free one. */
  readonly port: number;
  readonly routes: readonly MountedRoute[];
  readonly apiToken?: string | undefined;
  readonly logger: Logger;
  readonly metrics: Metrics;
  readonly clock: Clock;
  readonly random: Random;
  /** Default 15 s. */
  readonly streamHeartbeatMs?: number;
}

/** A server that listens. */
export interface HttpServer {
  readonly url: string;
  readonly port: number;
  /** From now on new requests are answered 503 with `Retry-After`, probes apart, and event streams end. */
  drain(): void;
  /** Resolves when no request is in flight; those that are after `graceMs` are aborted. */
  settle(graceMs: number): Promise<void>;
  close(): Promise<void>;
}

interface InFlight {
  readonly abort: AbortController;
  eventStream: boolean;
}

/**
 * Starts a server for the routes. Throws `missing_setting` where the address needs a token, `invalid_setting` for an address that cannot be taken or a
 * route given twice.
 */
export async function startHttpServer(options: HttpServerOptions): Promise<HttpServer> {
  const { logger, metrics, random, clock } = options;
  const doors = createDoors(options.host, options.apiToken);
  const router = createRouter(options.routes);
  const inFlight = new Set<InFlight>();
  let draining = false;
  let idle: (() => void) | undefined;

  /** Requests in flight, event streams apart or alone. */
  const countOf = (eventStream: boolean): number => [...inFlight].filter((flight) => flight.eventStream === eventStream).length;

  async function answer(req: IncomingMessage, request: Omit<HttpRequest, 'params' | 'body'>, found: FoundRoute): Promise<HttpResponse> {
    doors.checkCaller(req.headers);
    const { route, params } = found.find();
    if (route.open !== true) doors.checkToken(req.headers);
    if (route.whileDraining !== true) {
      if (draining)
        throw new HttpRefusal(503, new AppError('rate_limited', 'The server is shutting down: ask again, another one answers.'));
      if (countOf(false) > MAX_REQUESTS_IN_FLIGHT || countOf(true) > MAX_STREAMS) {
        throw new AppError('rate_limited', 'The server has too many requests in flight: ask again in a second.');
      }
    }
    const bytes = req.method === 'POST' ? await readBody(req, route.maxBodyBytes ?? MAX_BODY_BYTES) : undefined;
    const body = bytes === undefined || route.raw === true ? bytes : parseBody(bytes, req.headers['content-type']);
    const { traceparent, tracestate } = request.headers;
    return await route.call(
      { ...request, params, body },
      { ...(traceparent === undefined ? {} : { traceparent }), ...(tracestate === undefined ? {} : { tracestate }) },
    );
  }

  async function serve(req: IncomingMessage, res: ServerResponse): Promise<void> {
    const started = performance.now();
    const flight: InFlight = { abort: new AbortController(), eventStream: false };
    const { signal } = flight.abort;
    inFlight.add(flight);
    const closed = once(res, 'close').then(() => flight.abort.abort(new AppError('timeout', 'The caller is gone.')));
    const method = req.method ?? 'GET';
    const [path = '/', search = ''] = (req.url ?? '/').split('?', 2);
    const headers = tracedHeaders(req, random);
    const { traceparent } = headers;
    const found = new FoundRoute(() => router.find(method, path));
    const onError = (error: unknown, status: number): void => {
      if (signal.aborted) return;
      const place = { error: errorOf(error), method, path: path.slice(0, 200), status, traceparent };
      if (status >= 500) logger.error(place, 'A request failed.');
      else logger.info(place, 'A request was refused.');
    };
    let response: HttpResponse;
    try {
      response = await answer(req, { method, path, query: new URLSearchParams(search), headers, signal }, found);
    } catch (error) {
      response = problemResponse(error, parseTraceparent(traceparent)?.traceId);
      onError(error, response.status);
      // What was not read of the body is read over, so that the caller gets the answer.
      req.resume();
    }
    flight.eventStream = isEventStream(response);
    if (draining) {
      res.shouldKeepAlive = false;
      if (flight.eventStream) flight.abort.abort();
    }
    const gone = signal.aborted;
    try {
      await writeResponse(res, response, {
        headOnly: method === 'HEAD',
        signal,
        heartbeatMs: options.streamHeartbeatMs ?? STREAM_HEARTBEAT_MS,
        onStreamError: (error) => onError(error, 500),
      });
      // The answer is over when the last byte left, or nobody is there to take it.
      await closed;
    } finally {
      inFlight.delete(flight);
      if (inFlight.size === 0) idle?.();
      const labels = { method, route: found.pattern };
      metrics.count('streamforge_http_requests_total', { ...labels, status: gone ? 'other' : `${Math.floor(response.status / 100)}xx` });
      if (!flight.eventStream) metrics.observe('streamforge_http_request_seconds', (performance.now() - started) / 1000, labels);
    }
  }

  const server = createServer({ keepAliveTimeout: KEEP_ALIVE_MS, requestTimeout: REQUEST_MS }, (req, res) => {
    serve(req, res).catch((error: unknown) => {
      logger.error({ error, path: req.url?.slice(0, 200) }, 'An answer could not be written.');
      res.destroy();
    });
  });
  const port = await listen(server, options.host, options.port);

  return {
    port,
    url: `http://${options.host.includes(':') ? `[${options.host}]` : options.host}:${port}`,
    drain() {
      draining = true;
      for (const { eventStream, abort } of inFlight) if (eventStream) abort.abort();
      server.closeIdleConnections();
    },
    async settle(graceMs) {
      if (inFlight.size === 0) return;
      const settled = new AbortController();
      const late = clock.sleep(graceMs, settled.signal).then(
        () => {
          for (const { abort } of inFlight) abort.abort(new AppError('timeout', 'The server shuts down.'));
        },
        () => undefined,
      );
      await Promise.race([new Promise<void>((resolve) => (idle = resolve)), late]);
      settled.abort();
    },
    async close() {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeIdleConnections();
      // What never sent a request does not count as idle, and nobody is owed an answer any more.
      if (inFlight.size === 0) server.closeAllConnections();
      const force = setTimeout(() => server.closeAllConnections(), CLOSE_MS);
      await closed;
      clearTimeout(force);
    },
  };
}

/** The route of a request, looked up once; its pattern is the metric's label, `other` where there is none. */
class FoundRoute {
  readonly #find: () => { readonly route: MountedRoute; readonly params: Readonly<Record<string, string>> };
  pattern = 'other';

  constructor(find: FoundRoute['find']) {
    this.#find = find;
  }

  find(): { readonly route: MountedRoute; readonly params: Readonly<Record<string, string>> } {
    const found = this.#find();
    this.pattern = found.route.path;
    return found;
  }
}

/** The headers as text, with the trace of this request: one from the first line of the log to the last event that is sent for it. */
function tracedHeaders(req: IncomingMessage, random: Random): Record<string, string | undefined> {
  const headers: Record<string, string | undefined> = {};
  for (const [name, value] of Object.entries(req.headers)) headers[name] = Array.isArray(value) ? value.join(', ') : value;
  if (parseTraceparent(headers.traceparent) === undefined) headers.tracestate = undefined;
  headers.traceparent = continueTrace(headers.traceparent, random.next);
  return headers;
}

function listen(server: ReturnType<typeof createServer>, host: string, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      reject(
        new AppError(
          'invalid_setting',
          `The address ${host}:${port} cannot be listened on (${error.code}): choose another PORT.`,
          {},
          error,
        ),
      );
    });
    server.listen(port, host, () => resolve((server.address() as AddressInfo).port));
  });
}
