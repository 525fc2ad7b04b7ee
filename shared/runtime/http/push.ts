import { AppError, isRetryable, toAppError } from '../../domain/errors.ts';
import type { StreamEvent } from '../../events/event.ts';
import { fromHttp } from '../../events/http-codec.ts';
import type { Context } from '../context.ts';
import { causeOf, contextFor } from '../create-context.ts';
import { MAX_EVENT_BODY_BYTES } from '../defaults.ts';
import type { FunctionModule, HttpRequest, HttpResponse } from '../define-function.ts';
import { pushStatusOf } from '../delivery.ts';
import type { MountedRoute, RequestTrace } from './mounted-route.ts';
import { HttpRefusal, problemResponse } from './problem.ts';

/** A function that takes events by push. */
export interface PushReceiver {
  readonly triggerName: string;
  readonly accepts: ReadonlySet<string>;
  receive(event: StreamEvent, signal: AbortSignal): Promise<void>;
}

/** The receiver of a function's HTTP trigger: `handle`, or `handleBatch` with one event. Undefined where it accepts nothing. */
export function createPushReceiver<C>(
  trigger: { readonly name: string; readonly accepts: readonly string[] },
  module: FunctionModule<C>,
  context: Context<C>,
): PushReceiver | undefined {
  if (trigger.accepts.length === 0) return undefined;
  const { handle, handleBatch } = module;
  const labels = { function: context.functionName, trigger: trigger.name };
  return {
    triggerName: trigger.name,
    accepts: new Set(trigger.accepts),
    async receive(event, signal) {
      const own = contextFor(context, causeOf(event), signal);
      const started = performance.now();
      try {
        if (handle !== undefined) await handle({ event }, own);
        else {
          const [outcome] = (await handleBatch?.([{ event }], own)) ?? [];
          if (outcome?.ok !== true)
            throw outcome?.error ?? new AppError('invalid_setting', `${trigger.name} accepts events without a handler.`);
        }
        context.metrics.count('streamforge_events_handled_total', { ...labels, outcome: 'handled' });
      } catch (error) {
        const known = toAppError(error);
        if (known.meaning === 'conflict') context.metrics.count('streamforge_events_handled_total', { ...labels, outcome: 'acknowledged' });
        throw known;
      } finally {
        context.metrics.observe('streamforge_handler_seconds', (performance.now() - started) / 1000, labels);
      }
    },
  };
}

/**
 * `POST /` and `POST /batch`, where someone accepts events: 204 when all are handled or were done before; else the status of the failure, for which the
 * sender sends the whole message again (every effect is idempotent) or keeps it as a dead letter.
 */
export function pushRoutes(receivers: readonly PushReceiver[]): readonly MountedRoute[] {
  if (receivers.length === 0) return [];
  const types = [...new Set(receivers.flatMap(({ accepts }) => [...accepts]))].sort();
  const route = (path: string, summary: string, batched: boolean): MountedRoute => ({
    functionName: 'runtime',
    method: 'POST',
    path,
    summary,
    description: `CloudEvents 1.0 of these types: ${types.join(', ')}.`,
    raw: true,
    maxBodyBytes: MAX_EVENT_BODY_BYTES,
    responses: { 204: { description: 'Handled, or done before' } },
    call: (request, trace) => take(request, trace, receivers, types, batched),
  });
  return [route('/', 'Push one event, in binary or structured mode', false), route('/batch', 'Push a batch of events', true)];
}

async function take(
  request: HttpRequest,
  trace: RequestTrace,
  receivers: readonly PushReceiver[],
  types: readonly string[],
  batched: boolean,
): Promise<HttpResponse> {
  const { mode, events } = fromHttp(request.headers, request.body as Uint8Array);
  if (batched !== (mode === 'batched')) {
    const what = batched ? 'POST /batch takes batches; send one event to POST /.' : 'POST / takes one event; send batches to POST /batch.';
    throw new AppError('unsupported_media_type', what);
  }
  const undeclared = events.findIndex(({ type }) => !types.includes(type));
  if (undeclared !== -1) {
    const path = batched ? `${undeclared}.type` : 'type';
    throw new AppError('contract_mismatch', `Events of type ${JSON.stringify(events[undeclared]?.type)} are not taken by push.`, {
      fields: [{ path, problem: 'is not accepted here', allowed: types.join(', ') }],
    });
  }
  let refused: HttpResponse | undefined;
  for (const event of events) {
    const error = await receive(event.traceparent === undefined ? { ...event, ...trace } : event, receivers, request.signal);
    const status = error === undefined ? 204 : pushStatusOf(error);
    if (error === undefined || status === 204) continue;
    const answer = problemResponse(new HttpRefusal(status, error));
    // The sender sends the whole message again: what stands behind this event keeps its place.
    if (isRetryable(error)) return answer;
    refused ??= answer;
  }
  return refused ?? { status: 204 };
}

/** The first failure of an event among those that take it. */
async function receive(event: StreamEvent, receivers: readonly PushReceiver[], signal: AbortSignal): Promise<AppError | undefined> {
  for (const receiver of receivers) {
    if (!receiver.accepts.has(event.type)) continue;
    try {
      await receiver.receive(event, signal);
    } catch (error) {
      const known = toAppError(error);
      if (known.meaning !== 'conflict') return known;
    }
  }
  return undefined;
}
