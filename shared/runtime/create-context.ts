import type { StreamEvent } from '../events/event.ts';
import type { Logger } from '../telemetry/logger.ts';
import { continueTrace, parseTraceparent } from '../telemetry/trace.ts';
import type { Context } from './context.ts';
import { type TraceParent, withTrace } from './publisher.ts';

/** What a request or an event brings along. */
export interface Cause {
  readonly queueId?: string;
  readonly traceparent?: string;
  readonly tracestate?: string;
}

/**
 * The context of one call of a handler: its log lines and the events that it sends belong to the workflow and the trace of what caused it. Both are made on
 * first use, since most events log nothing. Without `cause` (a batch of several traces) lines and events are left as the handler makes them.
 */
export function contextFor<C>(base: Context<C>, cause: Cause | undefined, signal: AbortSignal): Context<C> {
  if (cause === undefined) return { ...base, signal };
  let trace: TraceParent | undefined;
  let logger: Logger | undefined;
  const ownTrace = (): TraceParent => {
    trace ??= {
      traceparent: continueTrace(cause.traceparent, base.random.next),
      // A tracestate belongs to the traceparent that it came with.
      ...(cause.tracestate === undefined || parseTraceparent(cause.traceparent) === undefined ? {} : { tracestate: cause.tracestate }),
    };
    return trace;
  };
  return {
    functionName: base.functionName,
    config: base.config,
    clock: base.clock,
    random: base.random,
    metrics: base.metrics,
    ports: base.ports,
    publisher: withTrace(base.publisher, ownTrace),
    signal,
    get logger() {
      const { queueId } = cause;
      logger ??= base.logger.child({ ...(queueId === undefined ? {} : { queue_id: queueId }), traceparent: ownTrace().traceparent });
      return logger;
    },
  };
}

/** What one event causes. */
export function causeOf({ queueid, traceparent, tracestate }: StreamEvent): Cause {
  return {
    ...(queueid === undefined ? {} : { queueId: queueid }),
    ...(traceparent === undefined ? {} : { traceparent }),
    ...(tracestate === undefined ? {} : { tracestate }),
  };
}

/** What events cause together: the cause of the first where all are of one trace and one workflow, else undefined. */
export function commonCause(events: readonly StreamEvent[]): Cause | undefined {
  const [first] = events;
  if (first === undefined) return undefined;
  const traceId = parseTraceparent(first.traceparent)?.traceId;
  const same = events.every(
    (event) => event === first || (event.queueid === first.queueid && parseTraceparent(event.traceparent)?.traceId === traceId),
  );
  return same ? causeOf(first) : undefined;
}
