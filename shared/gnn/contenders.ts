import { RELATIONS } from '../domain/graph/graph.ts';
import { type Architecture, createMember } from './artefact.ts';
import type { BlockSource } from './blocks.ts';
import { HYPER, type TrainingTask } from './hyper.ts';
import { createLinear } from './models/linear.ts';
import type { Model } from './models/model.ts';
import { createRsage } from './models/rsage.ts';
import type { Prepared } from './prepare.ts';

/** One model that is trained: what it sees, how its members are made, how they are fitted. */
export interface Contender {
  readonly name: string;
  readonly source: BlockSource;
  readonly seeds: readonly number[];
  readonly rate: number;
  readonly dropout: number;
  create(seed: number): Model;
}

/** The architecture that the task asks for, as its artefact describes it. */
export function architectureOf(task: TrainingTask, features: number, classes: number): Architecture {
  const deep = task.model === 'rsage';
  return {
    kind: task.model,
    features,
    relations: RELATIONS,
    classes,
    hidden: deep ? task.hidden : 0,
    layers: deep ? HYPER.layers : 1,
    wide: deep,
    dropout: deep ? HYPER.dropout : 0,
    members: task.seeds.length,
  };
}

/** The model asked for, with one member a seed. */
export function contenderOf(arch: Architecture, task: TrainingTask, prepared: Prepared): Contender {
  const deep = arch.kind === 'rsage';
  return {
    name: arch.kind,
    source: deep ? prepared.sources.graph : prepared.sources.means,
    seeds: task.seeds,
    rate: deep ? HYPER.rate : HYPER.linear_rate,
    dropout: arch.dropout,
    create: (seed) => createMember(arch, seed),
  };
}

/**
 * What it has to beat, beside majority and persistence: `logistic` (linear on a node's own features), `mlp` (the same network without edges, the same seeds) and
 * `sgc` (linear on features and neighbour means). Linear models start at zero and have one optimum: one seed tells all.
 */
export function baselinesOf(arch: Architecture, task: TrainingTask, { sources }: Prepared): Contender[] {
  const { features, classes } = arch;
  const linear = { seeds: task.seeds.slice(0, 1), rate: HYPER.linear_rate, dropout: 0 };
  const logistic = { ...linear, name: 'logistic', source: sources.alone, create: () => createLinear(sources.alone.width, classes) };
  if (arch.kind === 'sgc') return [logistic];
  const { hidden, layers, dropout } = arch;
  return [
    logistic,
    {
      name: 'mlp',
      source: sources.alone,
      seeds: task.seeds,
      rate: HYPER.rate,
      dropout,
      create: (seed) => createRsage({ features, relations: 0, hidden, layers, classes, wide: false }, seed),
    },
    { ...linear, name: 'sgc', source: sources.means, create: () => createLinear(sources.means.width, classes) },
  ];
}
