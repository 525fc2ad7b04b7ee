import { createHash } from 'node:crypto';
import type { LoadedBackend } from '../../shared/gnn/backend-names.ts';
import { HYPER, TRAINER_VERSION, type TrainingTask } from '../../shared/gnn/hyper.ts';
import type { GraphDocument } from '../../shared/store/graph-store.ts';

/**
 * The id of a model: SHA-256 (hex) over all that decides its weights, which are the graph and its content, the task, the hyper-parameters, the code's version and
 * the backend. Clocks, machines and queue ids stay outside: the same training is the same model.
 */
export function modelIdOf(graph: GraphDocument, task: TrainingTask, { name, simd, tfjs }: LoadedBackend): string {
  const { task: kind, horizon, model, hidden, epochs, seeds } = task;
  const identity = [
    'streamforge-model',
    TRAINER_VERSION,
    [graph.graph_id, graph.content_hash],
    [kind, horizon, model, hidden, epochs, seeds],
    HYPER,
    [name, simd, tfjs],
  ];
  return createHash('sha256').update(JSON.stringify(identity)).digest('hex');
}
