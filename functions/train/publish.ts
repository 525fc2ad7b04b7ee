import { AppError } from '../../shared/domain/errors.ts';
import type { Artefact } from '../../shared/gnn/artefact.ts';
import type { JobContext } from '../../shared/runtime/define-function.ts';
import type { ModelDocument } from '../../shared/store/model-store.ts';

/** A model ready to be published. */
export interface FinishedModel {
  readonly modelId: string;
  readonly queueId: string;
  readonly task: string;
  readonly graphId: string;
  readonly artefact: Artefact;
  readonly card: Readonly<Record<string, unknown>>;
}

/** Keys of a model's objects. */
export function objectKeys(modelId: string): Readonly<Record<'weights' | 'model' | 'card', string>> {
  const key = (name: string): string => `models/${modelId}/${name}`;
  return { weights: key('weights.bin'), model: key('model.json'), card: key('card.json') };
}

/**
 * Publishes a model: weights, description, the card last; only then its document, as `ready`, and the active model of its task. Each write asks first whether the
 * claim still holds; whatever ends this early leaves objects that nobody is shown. Throws `state_conflict` where the claim is lost.
 */
export async function publishModel(model: FinishedModel, context: JobContext<unknown>, signal: AbortSignal): Promise<void> {
  const { objects, models } = context.ports;
  const keys = objectKeys(model.modelId);
  const stillMine = async (): Promise<void> => {
    signal.throwIfAborted();
    if (!(await context.holdsClaim())) {
      throw new AppError('state_conflict', `The claim ${context.claim.key} is lost: the model ${model.modelId} is not published.`);
    }
  };
  const json = (value: unknown): Uint8Array => Buffer.from(`${JSON.stringify(value, null, 2)}\n`);
  await stillMine();
  await objects.put(keys.weights, model.artefact.weights, { signal });
  await stillMine();
  await objects.put(keys.model, json(model.artefact.model), { signal });
  await stillMine();
  await objects.put(keys.card, json(model.card), { signal });
  const now = context.clock.now();
  const document: ModelDocument = {
    model_id: model.modelId,
    status: 'ready',
    task: model.task,
    graph_id: model.graphId,
    queue_id: model.queueId,
    objects: keys,
    card: model.card,
    created_at: now,
  };
  await stillMine();
  await models.putModel(document);
  await models.setActive(model.task, model.modelId, now);
}
