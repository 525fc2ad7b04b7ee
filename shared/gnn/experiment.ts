import { type Artefact, encodeArtefact } from './artefact.ts';
import { architectureOf, baselinesOf, type Contender, contenderOf } from './contenders.ts';
import { type Evaluation, evaluate, majorityOf, persistenceOf, predictionsOf } from './evaluate.ts';
import { HYPER, type TrainingTask } from './hyper.ts';
import { checkMemory } from './memory.ts';
import type { Predictions } from './metrics.ts';
import { type Prepared, prepare } from './prepare.ts';
import { type MemberFit, type Progress, type TrainedMembers, trainMembers } from './train-members.ts';
import type { TrainingGraph } from './training-graph.ts';

/** A trained model with everything that may be said of it. */
export interface Experiment {
  readonly artefact: Artefact;
  readonly prepared: Pick<Prepared, 'split' | 'classNames' | 'cuts' | 'prior' | 'scaler'>;
  readonly fits: readonly MemberFit[];
  readonly evaluation: Evaluation;
}

/**
 * Trains the model asked for and its baselines, and compares them on test bars that nothing was fitted on. Every number follows from the graph, the task and
 * the backend. Throws `invalid_request` for a graph with too few bars or too many nodes; rejects with the signal's reason.
 */
export async function runExperiment(
  graph: TrainingGraph,
  task: TrainingTask,
  options: { readonly onEpoch?: (progress: Progress) => void; readonly signal?: AbortSignal } = {},
): Promise<Experiment> {
  const prepared = prepare(graph, task);
  const classCount = prepared.cuts.length + 1;
  const arch = architectureOf(task, graph.features, classCount);
  checkMemory(prepared.sources.graph, arch.hidden, HYPER.block_bars);
  const train = (contender: Contender): Promise<TrainedMembers> =>
    trainMembers(contender, prepared.split, classCount, { ...options, epochs: task.epochs });

  const fits: MemberFit[] = [];
  const baselines: Record<string, Predictions> = {
    majority: majorityOf(prepared),
    persistence: persistenceOf(prepared, graph.symbols, task.horizon),
  };
  for (const contender of baselinesOf(arch, task, prepared)) {
    const trained = await train(contender);
    for (const member of trained.members) member.dispose();
    fits.push(...trained.fits);
    baselines[contender.name] = predictionsOf(trained.probabilities, classCount);
  }
  const { members, probabilities, fits: own } = await train(contenderOf(arch, task, prepared));
  const artefact = await encodeArtefact(arch, members);
  for (const member of members) member.dispose();
  const { split, classNames, cuts, prior, scaler } = prepared;
  return {
    artefact,
    prepared: { split, classNames, cuts, prior, scaler },
    fits: [...fits, ...own],
    evaluation: evaluate(predictionsOf(probabilities, classCount), baselines, prepared.test),
  };
}
