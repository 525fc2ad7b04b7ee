import { AppError } from '../../shared/domain/errors.ts';
import { type Train, train } from '../../shared/events/train.ts';
import type { LoadedBackend } from '../../shared/gnn/backend-names.ts';
import type { TrainingTask } from '../../shared/gnn/hyper.ts';
import type { Progress } from '../../shared/gnn/train-members.ts';
import type { JobContext, ReceivedEvent } from '../../shared/runtime/define-function.ts';
import { createStageNews, type StageNews } from '../../shared/runtime/stage-news.ts';
import { whileCurrent } from '../../shared/runtime/while-current.ts';
import type { GraphDocument } from '../../shared/store/graph-store.ts';
import type { ModelDocument } from '../../shared/store/model-store.ts';
import { cardOf } from './card.ts';
import type { TrainConfig } from './config.ts';
import { modelIdOf } from './identity.ts';
import { loadGraph } from './load-graph.ts';
import { proofsOf } from './proof.ts';
import { publishModel } from './publish.ts';
import { startTrainer, type Trainer } from './run-trainer.ts';

/** News of a training is sent once in so many epochs. */
const EPOCHS_PER_NEWS = 10;

/**
 * Trains the model of the message in a process of its own and publishes it; the same training done before is not done again. Throws `invalid_request` for a graph
 * that is not stored, too short or too large, or a backend that does not come up; `contract_mismatch` for a graph that is damaged.
 */
export async function runJob({ event }: ReceivedEvent, context: JobContext<TrainConfig>): Promise<void> {
  const asked = train.parse(event);
  await whileCurrent(context, asked, async (signal) => {
    const document = await context.ports.graphs.readGraph(asked.graph_id);
    if (document === undefined) {
      throw new AppError('invalid_request', `There is no graph ${asked.graph_id} to train on; build it first.`, {
        graph_id: asked.graph_id,
      });
    }
    const { queue_id, attempt, symbol } = asked;
    const news = createStageNews(context, { stage: 'train', queue_id, attempt, symbol, type: 'gnn_train' });
    const progress = createProgress(news, context);
    const backends = asked.backend === undefined ? context.config.backends : [asked.backend];
    const trainer = startTrainer(backends, signal, progress.onEpoch, { silentMs: context.config.silentSeconds * 1_000 });
    try {
      await trainAndPublish({ asked, document, trainer, news, progress }, context, signal);
    } finally {
      await trainer.stop();
    }
  });
}

interface Job {
  readonly asked: Train;
  readonly document: GraphDocument;
  readonly trainer: Trainer;
  readonly news: StageNews;
  readonly progress: Pick<ReturnType<typeof createProgress>, 'settled'>;
}

async function trainAndPublish(
  { asked, document, trainer, news, progress }: Job,
  context: JobContext<TrainConfig>,
  signal: AbortSignal,
): Promise<void> {
  const { ports, clock, logger } = context;
  const task: TrainingTask = {
    task: asked.task,
    horizon: asked.horizon,
    model: asked.model,
    hidden: asked.hidden,
    epochs: asked.epochs,
    seeds: asked.seeds,
  };
  const backend = await backendOf(trainer, asked);
  const modelId = modelIdOf(document, task, backend);
  const known = await ports.models.readModel(modelId);
  if (known?.status === 'ready') {
    await ports.models.setActive(task.task, modelId, clock.now());
    await complete(news, known, 'The same model was trained before');
    return;
  }
  await news.started(`Training ${task.model} for ${task.task} on ${document.node_count} nodes with ${backend.name}`);
  const [graph, proofs] = await Promise.all([loadGraph(document, ports.graphs, signal), proofsOf(document, ports.market)]);
  const { experiment, cpuSeconds } = await trainer.train(graph, task);
  await progress.settled();
  const card = cardOf({ modelId, task, document, graph, proofs, experiment, backend, cpuSeconds, now: clock.now() });
  const finished = { modelId, queueId: asked.queue_id, task: task.task, graphId: document.graph_id, artefact: experiment.artefact, card };
  await publishModel(finished, context, signal);
  const { verdict } = experiment.evaluation;
  logger.info(
    { model_id: modelId, graph_id: document.graph_id, verdict, backend: backend.name, cpu_seconds: cpuSeconds },
    'the model is published',
  );
  await complete(news, { model_id: modelId, card }, `Trained ${task.model} for ${task.task}`);
}

/** Throws `invalid_request` where the backend that the request named does not come up; without one in the request the setting is to blame. */
async function backendOf(trainer: Trainer, asked: Train): Promise<LoadedBackend> {
  try {
    return await trainer.backend;
  } catch (error) {
    if (asked.backend === undefined || !(error instanceof AppError) || error.code !== 'invalid_setting') throw error;
    throw new AppError(
      'invalid_request',
      `The backend ${asked.backend} cannot be used here. ${error.message}`,
      { backend: asked.backend },
      error,
    );
  }
}

async function complete(news: StageNews, model: Pick<ModelDocument, 'model_id' | 'card'>, message: string): Promise<void> {
  const verdict = String(model.card?.verdict);
  const pooled = (model.card?.metrics as { readonly pooled?: { readonly acc?: number } } | undefined)?.pooled;
  const detail = { model_id: model.model_id, verdict, ...(pooled?.acc === undefined ? {} : { accuracy: pooled.acc }) };
  await news.completed(`${message}: ${verdict}`, 1, detail);
}

/** News of the epochs, a few of them, one after the other. News that could not be sent is no reason to stop a training. */
function createProgress(news: StageNews, context: JobContext<TrainConfig>) {
  let count = 0;
  let sending: Promise<void> = Promise.resolve();
  return {
    onEpoch({ model, seed, epoch, validation_loss }: Progress): void {
      count++;
      if (count % EPOCHS_PER_NEWS !== 0) return;
      const message = `${model}, seed ${seed}: epoch ${epoch}`;
      sending = sending
        .then(() => news.progress(message, { model, seed, epoch, validation_loss, epochs_done: count }))
        .catch((error: unknown) => context.logger.warn({ error }, 'the progress of a training could not be told'));
    },
    settled: () => sending,
  };
}
