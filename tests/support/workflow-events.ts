import { type ApiClient, readEvents } from '../../shared/cli/client.ts';
import type { QueueEvent } from '../../shared/events/queue-event.ts';
import { queueEvent } from '../../shared/events/queue-event.ts';

/** One event of `GET /workflows/{id}/events`. */
export interface StreamedEvent {
  readonly id: number;
  readonly event: {
    readonly id: string;
    readonly type: string;
    readonly data: Readonly<Record<string, unknown>>;
    readonly traceparent?: string;
  };
}

/** The events of a workflow behind `after`, until the stream ends (it is finished) or there are `count` of them. */
export async function workflowEvents(
  client: ApiClient,
  queueId: string,
  after = 0,
  count = Number.POSITIVE_INFINITY,
): Promise<StreamedEvent[]> {
  const gone = new AbortController();
  const headers: Record<string, string> = after === 0 ? {} : { 'last-event-id': String(after) };
  const events: StreamedEvent[] = [];
  for await (const { id, data } of readEvents(await client.stream(`/workflows/${queueId}/events`, { headers, signal: gone.signal }))) {
    events.push({ id: Number(id), event: JSON.parse(data) as StreamedEvent['event'] });
    if (events.length >= count) break;
  }
  gone.abort();
  return events;
}

/** What components and the fold said of the workflow, in order. */
export function newsOf(events: readonly StreamedEvent[]): QueueEvent[] {
  return events.filter(({ event }) => event.type === queueEvent.type).map(({ event }) => event.data as unknown as QueueEvent);
}
