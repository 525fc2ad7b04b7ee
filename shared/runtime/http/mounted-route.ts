import type { Context } from '../context.ts';
import { contextFor } from '../create-context.ts';
import type { HttpRequest, HttpResponse, Route } from '../define-function.ts';

/** A route with everything that is needed to call it: its function's context is bound. */
export interface MountedRoute extends Omit<Route<never>, 'handle'> {
  /** The function that serves it; groups the routes in `/docs`. */
  readonly functionName: string;
  /** Needs no API token and is served while draining: probes, metrics and the description of the API. */
  readonly open?: boolean;
  /** Served while draining: probes. */
  readonly whileDraining?: boolean;
  /** The body is handed over as bytes, whatever its type. */
  readonly raw?: boolean;
  call(request: HttpRequest, trace: RequestTrace): Promise<HttpResponse>;
}

/** Trace headers as the caller sent them. */
export interface RequestTrace {
  readonly traceparent?: string;
  readonly tracestate?: string;
}

/** Binds the routes of one function to its context. A queue id in the path belongs to every log line. */
export function mountRoutes<C>(routes: readonly Route<C>[], context: Context<C>): readonly MountedRoute[] {
  return routes.map(({ handle, ...route }) => ({
    ...route,
    functionName: context.functionName,
    call(request, trace) {
      const queueId = request.params.queue_id;
      return handle(request, contextFor(context, { ...trace, ...(queueId === undefined ? {} : { queueId }) }, request.signal));
    },
  }));
}
