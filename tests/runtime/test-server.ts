import { request as httpRequest, type IncomingHttpHeaders } from 'node:http';
import type { Route } from '../../shared/runtime/define-function.ts';
import { createHealth, type Health } from '../../shared/runtime/health.ts';
import { builtInRoutes } from '../../shared/runtime/http/built-in-routes.ts';
import { type MountedRoute, mountRoutes } from '../../shared/runtime/http/mounted-route.ts';
import { type HttpServer, type HttpServerOptions, startHttpServer } from '../../shared/runtime/http-server.ts';
import { systemClock } from '../../shared/runtime/system-clock.ts';
import { PrometheusMetrics } from '../../shared/telemetry/prometheus-metrics.ts';
import { createTestContext, type TestContext } from '../support/context.ts';

/** A server over real sockets with the routes of one function. */
export interface TestServer {
  readonly server: HttpServer;
  readonly context: TestContext<unknown>;
  readonly metrics: PrometheusMetrics;
  readonly health: Health;
  /** A request by hand, so that every header can be said. */
  call(method: string, path: string, options?: CallOptions): Promise<Answer>;
  close(): Promise<void>;
}

export interface CallOptions {
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array;
}

export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
  readonly json: () => Record<string, unknown>;
}

export async function startTestServer(
  routes: readonly Route<unknown>[],
  overrides: Partial<HttpServerOptions> & { readonly more?: readonly MountedRoute[] } = {},
): Promise<TestServer> {
  const { more = [], ...options } = overrides;
  const context = createTestContext();
  const metrics = new PrometheusMetrics((error) => {
    throw error;
  });
  const health = createHealth([], systemClock);
  const info = { title: 'Test', version: '1.2.3', description: 'of a test', needsToken: options.apiToken !== undefined };
  const all: readonly MountedRoute[] = [...mountRoutes(routes, context), ...more, ...builtInRoutes(health, metrics, info, () => all)];
  metrics.allow(
    'route',
    all.map(({ path }) => path),
  );
  const server = await startHttpServer({
    host: '127.0.0.1',
    port: 0,
    routes: all,
    logger: context.logger,
    metrics,
    clock: systemClock,
    random: context.random,
    ...options,
  });
  return {
    server,
    context,
    metrics,
    health,
    call: (method, path, given) => call(server.port, method, path, given),
    close: () => server.close(),
  };
}

/** One request on a connection of its own. */
export function call(port: number, method: string, path: string, { headers = {}, body }: CallOptions = {}): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const length = body === undefined || 'transfer-encoding' in headers ? {} : { 'content-length': String(Buffer.byteLength(body)) };
    const req = httpRequest({ host: '127.0.0.1', port, method, path, headers: { ...length, ...headers }, agent: false }, (res) => {
      const chunks: Buffer[] = [];
      res.on('data', (chunk: Buffer) => chunks.push(chunk));
      res.on('error', reject);
      res.on('end', () => {
        const text = Buffer.concat(chunks).toString('utf8');
        resolve({ status: res.statusCode ?? 0, headers: res.headers, text, json: () => JSON.parse(text) as Record<string, unknown> });
      });
    });
    req.on('error', reject);
    req.end(body);
  });
}

/** A JSON body with its header. */
export function json(value: unknown): CallOptions {
  return { headers: { 'content-type': 'application/json' }, body: JSON.stringify(value) };
}
