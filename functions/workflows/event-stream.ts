import type { Context } from '../../shared/runtime/context.ts';
import { formatServerSentEvent } from '../../shared/runtime/http/server-sent-events.ts';

/** How often the store is asked for further events of a stream. */
const POLL_MS = 200;
const PAGE = 500;

/** A finished workflow's last news is on its way through the log for a moment: silence of this length behind its end is the end. */
export const LINGER_MS = 1_000;

/**
 * The events of a workflow behind `after` as server-sent events: all there are, then live. `id` counts from 1 in the order of the topic. Ends when the
 * workflow is finished and nothing more comes.
 */
export async function* workflowEvents(
  queueId: string,
  after: number,
  context: Context,
  signal: AbortSignal,
): AsyncGenerator<string, void, undefined> {
  const { workflows } = context.ports;
  let last = after;
  let quietSince: number | undefined;
  while (!signal.aborted) {
    const page = await workflows.readEvents(queueId, last, PAGE);
    for (const { seq, event } of page) {
      last = seq;
      yield formatServerSentEvent({ id: String(seq), data: event });
    }
    if (page.length > 0) {
      quietSince = undefined;
      continue;
    }
    const [view] = await workflows.readViews([queueId]);
    const now = context.clock.now();
    if (view?.status === 'finished') quietSince ??= now;
    if (quietSince !== undefined && now - quietSince >= LINGER_MS) return;
    await rest(context, signal);
  }
}

async function rest(context: Context, signal: AbortSignal): Promise<void> {
  try {
    await context.clock.sleep(POLL_MS, signal);
  } catch (error) {
    // The client has gone: the stream ends, there is nobody to tell.
    if (!signal.aborted) throw error;
  }
}
