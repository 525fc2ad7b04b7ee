import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import type { HttpResponse } from '../define-function.ts';
import { problemResponse } from './problem.ts';
import { EVENT_STREAM, formatServerSentEvent } from './server-sent-events.ts';

/** True for a stream that lasts until someone leaves. */
export function isEventStream(answer: HttpResponse): boolean {
  return answer.stream !== undefined && (answer.headers?.['content-type'] ?? '').startsWith(EVENT_STREAM);
}

/** How an answer is written. */
export interface WriteOptions {
  /** HEAD: headers alone. */
  readonly headOnly: boolean;
  /** Aborts when the client went away or the server ends its streams. */
  readonly signal: AbortSignal;
  readonly heartbeatMs: number;
  /** Told of an error in the middle of a stream, when the status is long gone. */
  readonly onStreamError: (error: unknown) => void;
}

/** Writes an answer whole: JSON, text, or a stream under back-pressure. Resolves when the last byte was handed to the socket or the client is gone. */
export async function writeResponse(res: ServerResponse, answer: HttpResponse, options: WriteOptions): Promise<void> {
  const { status, headers = {}, body, text, stream } = answer;
  for (const [name, value] of Object.entries({ 'x-content-type-options': 'nosniff', 'cache-control': 'no-store', ...headers })) {
    res.setHeader(name, value);
  }
  if (stream !== undefined) return await writeStream(res, answer, stream, options);
  const content = text ?? (body === undefined ? undefined : JSON.stringify(body));
  if (content !== undefined && !res.hasHeader('content-type')) {
    res.setHeader('content-type', text === undefined ? 'application/json; charset=utf-8' : 'text/plain; charset=utf-8');
  }
  res.statusCode = status;
  if (content !== undefined) res.setHeader('content-length', Buffer.byteLength(content));
  else if (status !== 204 && status !== 304) res.setHeader('content-length', 0);
  res.end(options.headOnly ? undefined : content);
}

async function writeStream(
  res: ServerResponse,
  answer: HttpResponse,
  stream: AsyncIterable<string | Uint8Array>,
  { headOnly, signal, heartbeatMs, onStreamError }: WriteOptions,
): Promise<void> {
  const iterator = stream[Symbol.asyncIterator]();
  const events = isEventStream(answer);
  res.statusCode = answer.status;
  // A proxy that buffers would hold events back.
  if (events) res.setHeader('x-accel-buffering', 'no');
  res.flushHeaders();
  let quiet = true;
  const heartbeat = events
    ? setInterval(() => {
        if (quiet && !res.writableNeedDrain) res.write(': keep-alive\n\n');
        quiet = true;
      }, heartbeatMs)
    : undefined;
  try {
    while (!headOnly && !signal.aborted) {
      const next = await nextUnlessAborted(iterator, signal);
      if (next === undefined || next.done === true) break;
      quiet = false;
      if (!res.write(next.value)) await once(res, 'drain', { signal });
    }
    res.end();
  } catch (error) {
    if (signal.aborted) res.end();
    else {
      onStreamError(error);
      // A half answer must not look like a whole one: an event stream says so, any other ends without its last chunk.
      if (events) res.end(formatServerSentEvent({ event: 'error', data: problemResponse(error).body }));
      else res.destroy();
    }
  } finally {
    clearInterval(heartbeat);
    // Not awaited: a source that waits for something else ends when that comes, its request is over now.
    iterator.return?.().catch(onStreamError);
  }
}

/** The next chunk; undefined as soon as `signal` aborts, whatever the source waits for. */
function nextUnlessAborted<T>(iterator: AsyncIterator<T>, signal: AbortSignal): Promise<IteratorResult<T> | undefined> {
  return new Promise((resolve, reject) => {
    const stop = (): void => resolve(undefined);
    signal.addEventListener('abort', stop, { once: true });
    iterator
      .next()
      .finally(() => signal.removeEventListener('abort', stop))
      .then(resolve, reject);
  });
}
