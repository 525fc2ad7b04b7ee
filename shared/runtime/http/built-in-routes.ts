import type { Metrics } from '../../telemetry/metrics.ts';
import type { HttpResponse } from '../define-function.ts';
import type { Health } from '../health.ts';
import { docsPage } from './docs-page.ts';
import type { MountedRoute } from './mounted-route.ts';
import { type ApiInfo, describeApi } from './openapi.ts';

/** Prometheus text format 0.0.4. */
const METRICS_TYPE = 'text/plain; version=0.0.4; charset=utf-8';

/** What every server has beside the routes of its functions: probes, `/metrics`, `/openapi.json` and `/docs`. */
export function builtInRoutes(
  health: Health,
  metrics: Metrics,
  info: ApiInfo,
  served: () => readonly MountedRoute[],
): readonly MountedRoute[] {
  const live = async (): Promise<HttpResponse> => ({ status: 200, body: { status: 'ok' } });
  const started = async (): Promise<HttpResponse> =>
    health.phase === 'starting' ? { status: 503, body: { status: 'starting' } } : { status: 200, body: { status: 'ok' } };
  const ready = async (): Promise<HttpResponse> => {
    const report = await health.readiness();
    return { status: report.status === 'ok' ? 200 : 503, body: report };
  };
  const describe = (() => {
    let document: string | undefined;
    return async (): Promise<HttpResponse> => {
      document ??= JSON.stringify(describeApi(info, served()));
      return { status: 200, headers: { 'content-type': 'application/json; charset=utf-8' }, text: document };
    };
  })();
  const route = (path: string, summary: string, call: MountedRoute['call'], probe = false): MountedRoute => ({
    functionName: 'runtime',
    method: 'GET',
    path,
    summary,
    open: true,
    whileDraining: probe,
    call,
  });
  return [
    route('/livez', 'Whether the process is alive', live, true),
    route('/readyz', 'Whether it may be given work', ready, true),
    route('/startupz', 'Whether it has started', started, true),
    route('/health/live', 'The same as /livez', live, true),
    route('/health/ready', 'The same as /readyz', ready, true),
    route('/health/startup', 'The same as /startupz', started, true),
    route(
      '/metrics',
      'Metrics for Prometheus',
      async () => ({ status: 200, headers: { 'content-type': METRICS_TYPE }, text: await metrics.render() }),
      true,
    ),
    route('/openapi.json', 'This description', describe),
    route('/docs', 'This description as a page', async () => docsPage()),
  ];
}
