import { z } from 'zod';
import type { Bus, BusRecord } from '../bus/bus.ts';
import { readDeadLetters } from '../bus/dead-letter.ts';
import { toAppError } from '../domain/errors.ts';
import { checkFields } from '../events/field-problems.ts';
import type { HttpRequest, HttpResponse } from './define-function.ts';
import type { MountedRoute } from './http/mounted-route.ts';
import { EVENT_STREAM, formatServerSentEvent } from './http/server-sent-events.ts';
import { ping } from './ping.ts';
import { type Replayer, replayTopic } from './replay.ts';

const pingBody = z.looseObject({ target: z.string().min(1).max(100).exactOptional(), repeat: z.int().min(1).max(10_000).exactOptional() });
const tailQuery = z.object({ from: z.enum(['earliest', 'latest']).optional().describe('where to begin, default latest') });
/** Most dead letters of one answer (contracts, Doors: `limit`). */
const MAX_LETTERS = 10_000;

/** What the bus routes work with. */
export interface BusRouteParts extends Omit<Parameters<typeof ping>[0], 'bus'> {
  readonly bus: Bus;
  /** Asked when a replay is wanted: consumers start after the server. */
  readonly replayers: () => readonly Replayer[];
}

/** `/bus/*` of the local host: what the command line uses while it runs. */
export function busRoutes(parts: BusRouteParts): readonly MountedRoute[] {
  const { bus } = parts;
  const route = (
    method: 'GET' | 'POST',
    path: string,
    summary: string,
    call: MountedRoute['call'],
    more: Partial<MountedRoute> = {},
  ): MountedRoute => ({
    functionName: 'bus',
    method,
    path,
    summary,
    call,
    ...more,
  });
  return [
    route('GET', '/bus/topics', 'List topics, and how far each group has read them', () => listTopics(bus)),
    route('GET', '/bus/topics/{topic}/tail', 'Follow the records of a topic as server-sent events', (request) => tail(bus, request), {
      query: tailQuery,
      responses: { 200: { description: 'One record an event', contentType: EVENT_STREAM } },
    }),
    route('GET', '/bus/dlq/{topic}', 'List the dead letters of a topic', (request) => listLetters(bus, request)),
    route('POST', '/bus/dlq/{topic}', 'Replay the dead letters of a topic into the handlers that failed', async ({ params, signal }) => {
      const { replayed, failed, skipped } = await replayTopic(bus, params.topic ?? '', parts.replayers(), signal);
      const failures = failed.map(({ letter, error }) => {
        const { code, message } = toAppError(error);
        return { partition: letter.record.partition, offset: letter.record.offset, group: letter.group, code, cause: message };
      });
      return { status: 200, body: { replayed, failed: failures.length, skipped, failures } };
    }),
    route(
      'POST',
      '/bus/ping',
      'Send pings through the log and measure the round trips',
      async ({ body, signal }) => {
        const { target, repeat = 1 } = checkFields(pingBody, body ?? {}, 'The ping', 'invalid_request');
        return { status: 200, body: await ping(parts, { repeat, ...(target === undefined ? {} : { target }) }, signal) };
      },
      { body: pingBody },
    ),
  ];
}

async function listTopics(bus: Bus): Promise<HttpResponse> {
  const [topics, groups] = await Promise.all([bus.admin.topics(), bus.admin.groups()]);
  const lags = await Promise.all(
    groups.map(async (group) => {
      const byTopic = new Map<string, number>();
      for (const { topic, lag } of await bus.admin.lag(group)) byTopic.set(topic, (byTopic.get(topic) ?? 0) + lag);
      return [...byTopic].map(([topic, lag]) => ({ group, topic, lag }));
    }),
  );
  return {
    status: 200,
    body: {
      topics: topics.map(({ name, partitions, retentionMs, offsets }) => ({
        name,
        partitions,
        retention_ms: retentionMs,
        records: offsets.reduce((sum, { begin, end }) => sum + end - begin, 0),
        offsets,
      })),
      lags: lags.flat(),
    },
  };
}

async function tail(bus: Bus, { params, query, signal }: HttpRequest): Promise<HttpResponse> {
  const topic = params.topic ?? '';
  const { from = 'latest' } = checkFields(tailQuery, Object.fromEntries(query), 'The query', 'invalid_request');
  await bus.admin.topic(topic);
  // The position is taken before the answer begins: what is sent after the caller has it is not missed.
  const records = bus.read({ topic, from, signal });
  async function* lines(): AsyncGenerator<string> {
    for await (const batch of records) {
      for (const record of batch) yield formatServerSentEvent({ id: `${record.partition}:${record.offset}`, data: viewOf(record) });
    }
  }
  return { status: 200, headers: { 'content-type': EVENT_STREAM }, stream: lines() };
}

async function listLetters(bus: Bus, { params, signal }: HttpRequest): Promise<HttpResponse> {
  const letters: unknown[] = [];
  for await (const { record, group, code, cause, row, replayed, position } of readDeadLetters(bus, params.topic ?? '', { signal })) {
    if (letters.length === MAX_LETTERS) break;
    letters.push({
      topic: record.topic,
      partition: record.partition,
      offset: record.offset,
      group,
      code,
      cause,
      ...(row === undefined ? {} : { row }),
      replayed,
      letter: { partition: position.partition, offset: position.offset },
      id: record.headers.ce_id,
      type: record.headers.ce_type,
      queue_id: record.headers.ce_queueid,
    });
  }
  return { status: 200, body: { letters } };
}

/** A record as a reader sees it: its value as JSON where it is, else in base64. */
function viewOf(record: BusRecord): Record<string, unknown> {
  const { value, ...rest } = record;
  if (value === null) return { ...rest, value: null };
  const bytes = Buffer.from(value.buffer, value.byteOffset, value.byteLength);
  try {
    return { ...rest, value: JSON.parse(bytes.toString('utf8')) as unknown };
  } catch {
    return { ...rest, value_base64: bytes.toString('base64') };
  }
}
