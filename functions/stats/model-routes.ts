import { z } from 'zod';
import type { Route } from '../../shared/runtime/define-function.ts';
import type { ModelDocument, ModelStore } from '../../shared/store/model-store.ts';
import { checkQuery, notFound } from './read-input.ts';

/** Unless the caller says another number. */
const DEFAULT_MODELS = 100;

const modelsQuery = z.looseObject({
  task: z.string().min(1).max(64).describe('models of this task only').optional(),
  limit: z
    .string()
    .regex(/^([1-9]\d{0,2}|1000)$/)
    .describe('1 to 1000 models; 100 unless said')
    .optional(),
});

const modelBody = z.looseObject({
  model_id: z.string(),
  status: z.string(),
  task: z.string(),
  graph_id: z.string(),
  created_at: z.int(),
  card: z.looseObject({}).optional(),
  active: z.boolean().describe('whether it is the one that predicts for its task'),
});

const graphBody = z.looseObject({
  graph_id: z.string(),
  content_hash: z.string(),
  node_count: z.int(),
  edge_counts: z.record(z.string(), z.int()),
});

async function withActive(models: ModelStore, found: readonly ModelDocument[]): Promise<unknown[]> {
  const tasks = [...new Set(found.map(({ task }) => task))];
  const active = new Set((await Promise.all(tasks.map((task) => models.readActive(task)))).map((each) => each?.model_id));
  return found.map((model) => ({ ...model, active: active.has(model.model_id) }));
}

/** `GET /models`, `/models/{id}` and `/graphs/{id}`. */
export const modelRoutes: readonly Route<unknown>[] = [
  {
    method: 'GET',
    path: '/models',
    summary: 'List models, the newest first',
    query: modelsQuery,
    responses: { 200: { description: 'Models with their cards', schema: z.looseObject({ items: z.array(modelBody) }) } },
    async handle(request, { ports: { models } }) {
      const { task, limit = DEFAULT_MODELS } = checkQuery(modelsQuery, request.query);
      const found = await models.listModels({ limit: Number(limit), ...(task === undefined ? {} : { task }) });
      return { status: 200, body: { items: await withActive(models, found) } };
    },
  },
  {
    method: 'GET',
    path: '/models/{id}',
    summary: 'Read a model: its card, and where its objects lie',
    responses: { 200: { description: 'The model', schema: modelBody } },
    async handle(request, { ports: { models } }) {
      const id = request.params.id ?? '';
      const model = await models.readModel(id);
      if (model === undefined) throw notFound('model', id);
      const [body] = await withActive(models, [model]);
      return { status: 200, body };
    },
  },
  {
    method: 'GET',
    path: '/graphs/{id}',
    summary: 'Describe a graph: its data range, parameters, counts and content hash',
    responses: { 200: { description: 'The graph', schema: graphBody } },
    async handle(request, { ports: { graphs } }) {
      const id = request.params.id ?? '';
      const graph = await graphs.readGraph(id);
      if (graph === undefined) throw notFound('graph', id);
      return { status: 200, body: graph };
    },
  },
];
