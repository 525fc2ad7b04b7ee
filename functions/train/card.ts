import type { LoadedBackend } from '../../shared/gnn/backend-names.ts';
import { RESAMPLES } from '../../shared/gnn/bootstrap.ts';
import type { Scored } from '../../shared/gnn/evaluate.ts';
import type { Experiment } from '../../shared/gnn/experiment.ts';
import { HYPER, TRAINER_VERSION, type TrainingTask } from '../../shared/gnn/hyper.ts';
import type { BarRange } from '../../shared/gnn/split.ts';
import { CLIP, type TrainingGraph } from '../../shared/gnn/training-graph.ts';
import { LEAST_BLOCKS } from '../../shared/gnn/verdict.ts';
import type { GraphDocument } from '../../shared/store/graph-store.ts';
import type { SeriesProof } from './proof.ts';

/** All that a card is made of. */
export interface CardInput {
  readonly modelId: string;
  readonly task: TrainingTask;
  readonly document: GraphDocument;
  readonly graph: Pick<TrainingGraph, 'openTime' | 'symbols' | 'bars'>;
  readonly proofs: readonly SeriesProof[];
  readonly experiment: Experiment;
  readonly backend: LoadedBackend;
  readonly cpuSeconds: number;
  readonly now: number;
}

/** `card.json`: what a model is, what it was made from, how it was measured, and what may not be concluded. Nothing in it is typed by hand but the limits. */
export function cardOf(input: CardInput): Readonly<Record<string, unknown>> {
  const { document, experiment, task } = input;
  const { prepared, evaluation, artefact } = experiment;
  const pooled = metricsOf(evaluation.metrics);
  return {
    model_id: input.modelId,
    format: artefact.model.format,
    task: task.task,
    horizon_bars: task.horizon,
    classes: prepared.classNames,
    cut_points: prepared.cuts,
    class_prior: prepared.prior,
    features: {
      names: document.feature_names,
      version: document.feature_version,
      mean: prepared.scaler.mean,
      std: prepared.scaler.std,
      clip: CLIP,
    },
    graph_id: document.graph_id,
    graph_content_hash: document.content_hash,
    graph_params: document.params,
    builder_version: document.builder_version,
    data_window: {
      exchange: document.exchange,
      symbols: document.symbols,
      interval: document.interval,
      from: document.from,
      to: document.to,
    },
    proof: input.proofs,
    split: splitOf(input),
    model: artefact.model.arch,
    seeds: task.seeds,
    hyper: HYPER,
    epochs: task.epochs,
    early_stop: { on: 'validation cross-entropy', patience: HYPER.patience },
    fits: experiment.fits.map(({ model, seed, epochs, bestEpoch, validationLoss }) => ({
      model,
      seed,
      epochs,
      best_epoch: bestEpoch,
      validation_loss: validationLoss,
    })),
    metrics: { pooled, folds: [pooled] },
    baselines: Object.fromEntries(Object.entries(evaluation.baselines).map(([name, scored]) => [name, metricsOf(scored)])),
    paired: Object.fromEntries(Object.entries(evaluation.paired).map(([name, difference]) => [`vs_${name}`, difference])),
    intervals: {
      level: 0.95,
      method: 'bootstrap of whole UTC days, widened by Student t',
      resamples: RESAMPLES,
      blocks: evaluation.blocks,
    },
    test_nodes: evaluation.nodes,
    verdict: evaluation.verdict,
    backend: input.backend,
    weights_sha256: artefact.model.weights_sha256,
    cpu_seconds: input.cpuSeconds,
    created_at: input.now,
    code_version: TRAINER_VERSION,
    limitations: limitationsOf(input),
  };
}

/** Scores under the card's names; `ci` is the interval of `acc`. */
function metricsOf({ accuracy, balanced_accuracy, cross_entropy, brier, ci }: Scored): Readonly<Record<string, unknown>> {
  return {
    acc: accuracy,
    ci: ci.accuracy,
    bal_acc: balanced_accuracy,
    bal_acc_ci: ci.balanced_accuracy,
    ce: cross_entropy,
    ce_ci: ci.cross_entropy,
    brier,
    brier_ci: ci.brier,
  };
}

function splitOf({ experiment, graph, document }: CardInput): Readonly<Record<string, unknown>> {
  const { train, validation, test, warmUp, purge, embargo } = experiment.prepared.split;
  const timeAt = (bar: number): number => graph.openTime[bar] ?? document.to;
  const part = ({ from, to }: BarRange): Readonly<Record<string, number>> => ({ from: timeAt(from), to: timeAt(to), bars: to - from });
  return {
    folds: 1,
    train: part(train),
    validation: part(validation),
    test: part(test),
    purge_bars: purge,
    embargo_bars: embargo,
    warm_up_bars: warmUp,
  };
}

function limitationsOf({ experiment, document, proofs }: CardInput): string[] {
  const { blocks, verdict, baselines } = experiment.evaluation;
  const incomplete = proofs.filter((proof) => !proof.complete).map((proof) => proof.series);
  return [
    `One split by time: the test is the last quarter, ${blocks} days of one market regime. It says nothing about other months, symbols or venues.`,
    'Edges between symbols at one close assume that all closes are known at the same moment.',
    'Accuracy is not profit: costs, spread and delay are not in it.',
    `Compared with ${Object.keys(baselines).join(', ')}; not with gradient-boosted trees.`,
    ...(blocks < LEAST_BLOCKS ? [`Fewer than ${LEAST_BLOCKS} days of test: no skill can be shown, whatever the figures say.`] : []),
    ...(verdict === 'better' ? [] : ['The figures do not show that this model is better than the best of its baselines.']),
    ...(document.symbols.length < 2 ? ['One symbol alone: the relations between symbols are empty.'] : []),
    ...(incomplete.length === 0 ? [] : [`The ledger does not prove any more: ${incomplete.join(', ')}.`]),
  ];
}
