import { z } from 'zod';
import { AppError } from '../../shared/domain/errors.ts';
import { WORKFLOW_STATUSES } from '../../shared/domain/workflow/state.ts';
import type { HttpRequest, Route } from '../../shared/runtime/define-function.ts';
import { EVENT_STREAM } from '../../shared/runtime/http/server-sent-events.ts';
import type { WorkflowsConfig } from './config.ts';
import { LINGER_MS, workflowEvents } from './event-stream.ts';
import { checkBody, workflowBody } from './request-schema.ts';
import { startWorkflow } from './start-workflow.ts';
import { readWorkflow, resumeWorkflow, stopWorkflow } from './stop-resume.ts';
import { describeWorkflow, summariseWorkflow } from './view.ts';

const planBody = z.looseObject({ shards: z.int(), rows: z.int().nullable(), calls: z.int().nullable(), seconds: z.int().nullable() });
const startedBody = z.looseObject({
  queue_id: z.string(),
  status: z.enum(WORKFLOW_STATUSES),
  effective_to: z.int().describe('epoch ms: the end asked, clipped to the last bucket that has closed'),
  plan: planBody.describe('null where ids are not known yet'),
  links: z.record(z.string(), z.string()),
});
const workflowView = z.looseObject({
  queue_id: z.string(),
  status: z.enum(WORKFLOW_STATUSES),
  attempt: z.int(),
  symbols: z.array(z.string()),
  types: z.array(z.string()),
  stages: z.array(z.looseObject({ stage: z.string(), status: z.enum(['pending', 'running', 'completed', 'error', 'interrupted']) })),
  error: z.looseObject({ code: z.string(), message: z.string() }).optional(),
});
const askedBody = z.looseObject({ queue_id: z.string(), status: z.enum(['stopping', 'resuming']), attempt: z.int() });

/** The query of a list; `limit` is at most 1000. */
export const listQuery = z.looseObject({
  status: z.enum(WORKFLOW_STATUSES).exactOptional(),
  symbol: z.string().min(1).max(40).exactOptional(),
  type: z.string().min(1).max(60).exactOptional(),
  limit: z
    .string()
    .regex(/^([1-9]\d{0,2}|1000)$/)
    .describe('1 to 1000; 50 unless said')
    .exactOptional(),
  cursor: z.string().min(1).max(400).describe('where the answer before ended').exactOptional(),
});

const reasonBody = z.looseObject({ reason: z.string().min(1).max(500).exactOptional() });
const eventsQuery = z.looseObject({
  after: z.string().describe('as the header Last-Event-ID: only events behind this one').exactOptional(),
});

const DEFAULT_LIMIT = 50;
const KEY = /^[\x20-\x7e]{1,255}$/;

/** `Idempotency-Key`, where there is one. Throws `invalid_request` for one that cannot be. */
function readKey({ headers }: HttpRequest): string | undefined {
  const key = headers['idempotency-key'];
  if (key === undefined || KEY.test(key)) return key;
  const fields = [{ path: 'Idempotency-Key', problem: 'has the wrong form', allowed: '1 to 255 printable ASCII characters' }];
  throw new AppError('invalid_request', 'The header Idempotency-Key cannot be used.', { fields });
}

/** The query as an object; of a parameter that is given twice the first counts. */
function queryOf<T>(schema: z.ZodType<T>, query: URLSearchParams): T {
  return checkBody(schema, Object.fromEntries([...new Set(query.keys())].map((name) => [name, query.get(name)])));
}

function reasonOf({ body }: HttpRequest): string {
  return checkBody(reasonBody, body ?? {}).reason ?? 'asked by the caller';
}

/** Workflows that match a query, newest first. */
export async function listWorkflows(query: URLSearchParams, context: Parameters<Route<WorkflowsConfig>['handle']>[1]) {
  const { limit, ...filter } = queryOf(listQuery, query);
  const { items, cursor } = await context.ports.workflows.listWorkflows({
    ...filter,
    limit: limit === undefined ? DEFAULT_LIMIT : Number(limit),
  });
  return { items: items.map(summariseWorkflow), ...(cursor === undefined ? {} : { cursor }) };
}

/** `/workflows` and what stands below it. */
export const workflowRoutes: readonly Route<WorkflowsConfig>[] = [
  {
    method: 'POST',
    path: '/workflows',
    summary: 'Start a workflow',
    description:
      'Repeatable with the header Idempotency-Key: the same key and body give the same workflow, another body is refused with 422.',
    body: workflowBody,
    responses: { 202: { description: 'The log has the request', schema: startedBody } },
    async handle(request, context) {
      const key = readKey(request);
      const started = await startWorkflow(
        checkBody(workflowBody, request.body),
        { ...(key === undefined ? {} : { key }), signal: request.signal },
        context,
      );
      return { status: 202, headers: { location: `/workflows/${started.queue_id}` }, body: started };
    },
  },
  {
    method: 'GET',
    path: '/workflows',
    summary: 'List workflows, newest first',
    query: listQuery,
    responses: { 200: { description: 'A page', schema: z.looseObject({ items: z.array(workflowView), cursor: z.string().optional() }) } },
    async handle(request, context) {
      return { status: 200, body: await listWorkflows(request.query, context) };
    },
  },
  {
    method: 'GET',
    path: '/workflows/{queue_id}',
    summary: 'Read a workflow: every stage, its shards, rows, absent ranges with their evidence, and errors',
    responses: { 200: { description: 'The workflow', schema: workflowView } },
    async handle(request, context) {
      const document = await readWorkflow(request.params.queue_id ?? '', context);
      return { status: 200, body: await describeWorkflow(document, context.ports.market) };
    },
  },
  {
    method: 'GET',
    path: '/workflows/{queue_id}/events',
    summary: 'Follow the events of a workflow: every one so far, then live',
    description: 'Server-sent events; goes on behind the header Last-Event-ID. Ends when the workflow is finished.',
    query: eventsQuery,
    responses: { 200: { description: 'CloudEvents in the order of the topic', contentType: EVENT_STREAM } },
    async handle(request, context) {
      const { queue_id, status, updated_at } = await readWorkflow(request.params.queue_id ?? '', context);
      const after = lastEventId(request);
      const isOver = status === 'finished' && context.clock.now() - updated_at > LINGER_MS;
      if (isOver && after > 0 && (await context.ports.workflows.readEvents(queue_id, after, 1)).length === 0) {
        // 204 tells an EventSource that it need not come again (WHATWG HTML, 9.2).
        return { status: 204 };
      }
      return { status: 200, headers: { 'content-type': EVENT_STREAM }, stream: workflowEvents(queue_id, after, context, request.signal) };
    },
  },
  {
    method: 'POST',
    path: '/workflows/{queue_id}/stop',
    summary: 'Stop a workflow: nothing new is asked of the exchange within a second',
    body: reasonBody,
    responses: { 202: { description: 'The log has the request; 409 where nothing runs', schema: askedBody } },
    async handle(request, context) {
      const reason = reasonOf(request);
      return { status: 202, body: await stopWorkflow(request.params.queue_id ?? '', reason, context, request.signal) };
    },
  },
  {
    method: 'POST',
    path: '/workflows/{queue_id}/resume',
    summary: 'Run a stopped or failed workflow again, planned anew from the ledger',
    body: reasonBody,
    responses: { 202: { description: 'The log has the request; 409 unless it is in error or interrupted', schema: askedBody } },
    async handle(request, context) {
      const reason = reasonOf(request);
      return { status: 202, body: await resumeWorkflow(request.params.queue_id ?? '', reason, context, request.signal) };
    },
  },
];

function lastEventId({ headers, query }: HttpRequest): number {
  const text = headers['last-event-id'] ?? query.get('after') ?? '0';
  if (/^\d{1,15}$/.test(text)) return Number(text);
  const fields = [{ path: 'Last-Event-ID', problem: 'is not the id of an event', allowed: 'a number as the stream sent it' }];
  throw new AppError('invalid_request', 'The header Last-Event-ID cannot be used.', { fields });
}
