import { z } from 'zod';
import { toAppError } from '../../shared/domain/errors.ts';
import type { RawRequest } from '../../shared/domain/workflow/normalise.ts';
import { command } from '../../shared/events/command.ts';
import type { Context } from '../../shared/runtime/context.ts';
import type { HttpHandler, HttpResponse, Route } from '../../shared/runtime/define-function.ts';
import { httpStatusOf, retryAfterSeconds } from '../../shared/runtime/delivery.ts';
import type { WorkflowsConfig } from './config.ts';
import { exchangeTime } from './exchange-facts.ts';
import {
  type PublishedRequest,
  pipelineBody,
  probesOf,
  readPipeline,
  readStart,
  startBody,
  testFlowBody,
  toRawRequest,
} from './published-request.ts';
import { checkBody } from './request-schema.ts';
import { startWorkflow } from './start-workflow.ts';
import { readWorkflow, stopWorkflow } from './stop-resume.ts';
import { describeWorkflow } from './view.ts';
import { listQuery, listWorkflows } from './workflow-routes.ts';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

/** Every answer of `/queues`. */
const envelope = z.looseObject({ status: z.enum(['success', 'error']), message: z.string(), data: z.unknown() });
const responses = {
  200: { description: 'What was asked for', schema: envelope },
  400: { description: 'What is wrong: the same envelope with status error', schema: envelope },
};
const accepted = { 202: { description: 'The log has the request', schema: envelope }, 400: responses[400] };
const stopBody = z.looseObject({
  queue_id: z.string().min(1).max(128).exactOptional(),
  reason: z.string().min(1).max(500).exactOptional(),
});

type Handler = HttpHandler<WorkflowsConfig>;

/** Puts an answer, and an error too, into the envelope of the published platform. */
function enveloped(
  status: number,
  handle: (...args: Parameters<Handler>) => Promise<{ readonly message: string; readonly data: unknown }>,
): Handler {
  return async (request, context): Promise<HttpResponse> => {
    try {
      return { status, body: { status: 'success', ...(await handle(request, context)) } };
    } catch (thrown) {
      const error = toAppError(thrown);
      // What nobody classified is the server's to log and to answer for.
      if (error.code === 'unclassified') throw thrown;
      const failed = httpStatusOf(error);
      const retryAfter = retryAfterSeconds(error, failed);
      const { fields } = error.context;
      return {
        status: failed,
        ...(retryAfter === undefined ? {} : { headers: { 'retry-after': String(retryAfter) } }),
        body: { status: 'error', message: error.message, data: { code: error.code, ...(fields === undefined ? {} : { fields }) } },
      };
    }
  };
}

/** Starts what a published form asks for: a workflow, and the probes beside it. */
async function start(published: PublishedRequest, queueId: string | undefined, context: Context<WorkflowsConfig>, signal: AbortSignal) {
  const raw = toRawRequest(published);
  if (raw === undefined) return await startProbes(published, queueId, context, signal);
  const defaulted = raw.time_range === undefined ? { ...raw, time_range: await yesterday(context, signal) } : raw;
  const started = await startWorkflow(defaulted, { ...(queueId === undefined ? {} : { queueId }), signal }, context);
  return {
    message: `The workflow ${started.queue_id} is started`,
    data: { ...started, time_range: defaulted.time_range, targets: raw.targets ?? [] },
  };
}

/** A probe alone belongs to no workflow: it is told to start on `queue-control`. */
async function startProbes(
  published: PublishedRequest,
  queueId: string | undefined,
  context: Context<WorkflowsConfig>,
  signal: AbortSignal,
) {
  const queue_id = queueId ?? `probe-${context.random.id(6)}`;
  const now = context.clock.now();
  const { symbol, type } = published;
  const messages = probesOf(published).map((target) => {
    const named = { telemetry_id: `${target.target}__${queue_id.slice(-6)}`, ...target };
    const about = { symbol, ...(type === undefined ? {} : { type }) };
    return command.build(
      { command: 'start', queue_id, ...about, ...named, timestamp: now / 1_000 },
      { producer: context.functionName, time: now },
    );
  });
  await context.publisher.publish(messages, { signal });
  return { message: `${messages.length} probes are told to start`, data: { queue_id, targets: probesOf(published) } };
}

/** The last whole day by the exchange's clock, as a time range. */
async function yesterday(context: Context<WorkflowsConfig>, signal: AbortSignal): Promise<string> {
  const now = await exchangeTime(context.ports.exchange('binance'), context, signal);
  const day = new Date(now - DAY_MS).toISOString().slice(0, 10);
  return `${day}:${day}`;
}

/** The last whole hour by the exchange's clock, as a time range. */
async function lastHour(context: Context<WorkflowsConfig>, signal: AbortSignal): Promise<string> {
  const now = await exchangeTime(context.ports.exchange('binance'), context, signal);
  const to = Math.floor(now / HOUR_MS) * HOUR_MS;
  return `${new Date(to - HOUR_MS).toISOString()}/${new Date(to).toISOString()}`;
}

const list: Handler = enveloped(200, async (request, context) => {
  const page = await listWorkflows(request.query, context);
  return { message: `${page.items.length} workflows`, data: page };
});

/** The names of the published platform. */
export const queueRoutes: readonly Route<WorkflowsConfig>[] = [
  {
    method: 'POST',
    path: '/queues/start-pipeline',
    summary: 'Start a workflow by its components',
    description: 'Loaders say what is loaded; graph-builder and gnn-trainer add their stages. Without time_range: the last whole day.',
    body: pipelineBody,
    responses: accepted,
    handle: enveloped(202, async (request, context) => {
      const body = checkBody(pipelineBody, request.body);
      return await start(readPipeline(body), body.queue_id, context, request.signal);
    }),
  },
  {
    method: 'POST',
    path: '/queues/start',
    summary: 'Start a workflow: plain, with targets, or one flat target',
    description: 'kafka_topic and image are echoed, never used.',
    body: startBody,
    responses: accepted,
    handle: enveloped(202, async (request, context) => {
      const body = checkBody(startBody, request.body);
      return await start(readStart(body), body.queue_id, context, request.signal);
    }),
  },
  {
    method: 'POST',
    path: '/queues/start-test-flow',
    summary: 'Start a small workflow: a day of 5m candles, or an hour of trades',
    body: testFlowBody,
    responses: accepted,
    handle: enveloped(202, async (request, context) => {
      const { flow_name, symbol = 'BTCUSDT', time_range } = checkBody(testFlowBody, request.body);
      const isCandles = flow_name === 'default_candles_flow';
      const range = time_range ?? (isCandles ? await yesterday(context, request.signal) : await lastHour(context, request.signal));
      const raw: RawRequest = { symbol, type: isCandles ? 'api_candles_5m' : 'api_trades', time_range: range };
      const started = await startWorkflow(raw, { signal: request.signal }, context);
      return { message: `${flow_name} is started as ${started.queue_id}`, data: { ...started, flow_name, time_range: range } };
    }),
  },
  {
    method: 'POST',
    path: '/queues/stop',
    summary: 'Stop a workflow; queue_id in the body or the query',
    query: z.looseObject({ queue_id: z.string().exactOptional() }),
    body: stopBody,
    responses: accepted,
    handle: enveloped(202, async (request, context) => {
      const { queue_id = request.query.get('queue_id') ?? undefined, reason = 'asked by the caller' } = checkBody(
        stopBody,
        request.body ?? {},
      );
      const id = checkBody(z.looseObject({ queue_id: z.string().min(1).max(128) }), queue_id === undefined ? {} : { queue_id }).queue_id;
      return { message: `${id} is told to stop`, data: await stopWorkflow(id, reason, context, request.signal) };
    }),
  },
  { method: 'GET', path: '/queues/list', summary: 'List workflows', query: listQuery, responses, handle: list },
  { method: 'GET', path: '/queues', summary: 'List workflows', query: listQuery, responses, handle: list },
  {
    method: 'GET',
    path: '/queues/{queue_id}',
    summary: 'Read a workflow',
    responses,
    handle: enveloped(200, async (request, context) => {
      const document = await readWorkflow(request.params.queue_id ?? '', context);
      return { message: `${document.queue_id} is ${document.status}`, data: await describeWorkflow(document, context.ports.market) };
    }),
  },
];
