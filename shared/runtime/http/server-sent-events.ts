/** One event of a stream of server-sent events (WHATWG HTML, 9.2); `data` becomes JSON, `id` what `Last-Event-ID` will say. */
export interface ServerSentEvent {
  readonly id?: string;
  readonly event?: string;
  readonly data: unknown;
}

/** The content type of such a stream: the server adds heartbeats to an answer that has it. */
export const EVENT_STREAM = 'text/event-stream';

/** The event as text: one chunk of a stream. Line breaks in `id` and `event` are dropped, JSON has none. */
export function formatServerSentEvent({ id, event, data }: ServerSentEvent): string {
  const oneLine = (text: string): string => text.replace(/[\r\n\0]/g, '');
  return `${id === undefined ? '' : `id: ${oneLine(id)}\n`}${event === undefined ? '' : `event: ${oneLine(event)}\n`}data: ${JSON.stringify(data)}\n\n`;
}
