import type { Bus } from '../bus/bus.ts';
import { AppError } from '../domain/errors.ts';
import type { StreamEvent } from '../events/event.ts';
import { toRecord } from '../events/kafka-codec.ts';
import { contractOf } from '../events/registry.ts';
import type { Metrics } from '../telemetry/metrics.ts';
import type { Publisher } from './context.ts';

/**
 * Sends events to the topic and key of their contracts, in one call of the bus. Throws `contract_mismatch` for a type without contract; the data was checked
 * when its event was built.
 */
export function createPublisher(bus: Pick<Bus, 'publish'>, functionName: string, metrics: Metrics): Publisher {
  return {
    async publish(events, options) {
      if (events.length === 0) return;
      const records = events.map((event) => toRecord(event, contractOf(event.type).topic(event.data)));
      await bus.publish(records, options).catch((error: unknown) => {
        throw isMissingTopic(error)
          ? new AppError('bus_unavailable', `${error.message} Its event waits until the topic is there.`, {}, error)
          : error;
      });
      for (const [type, count] of countByType(events)) {
        metrics.count('streamforge_events_published_total', { function: functionName, type }, count);
      }
    },
  };
}

/** A topic that is not there yet is a fault of the platform, never of the event that goes to it: whoever sends tries again. */
function isMissingTopic(error: unknown): error is AppError {
  return error instanceof AppError && error.code === 'not_found';
}

/** Where what is sent belongs in a trace. */
export interface TraceParent {
  readonly traceparent: string;
  readonly tracestate?: string;
}

/** The same publisher, passing the trace on in every event that does not name its own. */
export function withTrace(publisher: Publisher, trace: () => TraceParent | undefined): Publisher {
  return {
    publish(events, options) {
      if (events.every(({ traceparent }) => traceparent !== undefined)) return publisher.publish(events, options);
      const found = trace();
      return publisher.publish(
        found === undefined ? events : events.map((event) => (event.traceparent === undefined ? { ...event, ...found } : event)),
        options,
      );
    },
  };
}

function countByType(events: readonly StreamEvent[]): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const { type } of events) counts.set(type, (counts.get(type) ?? 0) + 1);
  return counts;
}
