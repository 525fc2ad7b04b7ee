import { AppError } from '../domain/errors.ts';
import { RELATIONS } from '../domain/graph/graph.ts';
import { classCuts, classify, LABEL_CLASSES, labelValues } from '../domain/graph/labels.ts';
import type { BlockSource } from './blocks.ts';
import { HYPER, type TrainingTask } from './hyper.ts';
import type { TestNodes } from './metrics.ts';
import { type BarRange, type Split, splitByTime } from './split.ts';
import { fitScaler, gatherFeatures, reachOf, relationMatrices, type Scaler, scaled, type TrainingGraph } from './training-graph.ts';

/** A graph made ready for one task. Cuts, prior and scaler come from training bars alone. */
export interface Prepared {
  readonly split: Split;
  readonly classNames: readonly string[];
  readonly cuts: readonly number[];
  /** Shares of the classes among the training labels. */
  readonly prior: readonly number[];
  readonly scaler: Scaler;
  /** Class of every node, -1 where it has none. */
  readonly classes: Int32Array;
  /** What models see: features, neighbour means and the graph; features and neighbour means; features alone. */
  readonly sources: Readonly<Record<'graph' | 'means' | 'alone', BlockSource>>;
  readonly test: TestNodes;
}

const DAY_MS = 86_400_000;

/** Throws `invalid_request` for a graph with too few bars, or without labels in one of its parts. */
export function prepare(graph: TrainingGraph, { task, horizon }: TrainingTask): Prepared {
  const { symbols, bars, features } = graph;
  const split = splitByTime(bars, horizon);
  const values = labelValues(graph, task, horizon);
  const inTraining = <A extends Float64Array | Int32Array>(all: A): A =>
    all.subarray(split.train.from * symbols, split.train.to * symbols) as A;
  const cuts = classCuts(task, inTraining(values));
  const classes = classify(values, cuts);
  checkLabels(classes, split, symbols);
  const scaler = fitScaler(graph, split.train.from, split.train.to);
  const z = scaled(graph, scaler);
  const relations = relationMatrices(graph);
  const gathered = gatherFeatures(z, relations, bars * symbols, features);
  const common = { symbols, reach: reachOf(graph), classes };
  const width = (RELATIONS.length + 1) * features;
  return {
    split,
    classNames: LABEL_CLASSES[task],
    cuts,
    prior: sharesOf(inTraining(classes), cuts.length + 1),
    scaler,
    classes,
    sources: {
      graph: { ...common, gathered, width, relations, layers: HYPER.layers },
      means: { ...common, gathered, width, relations: [], layers: 1 },
      alone: { ...common, gathered: z, width: features, relations: [], layers: 1 },
    },
    test: testNodes(graph, classes, split.test, horizon, cuts.length + 1),
  };
}

function checkLabels(classes: Int32Array, split: Split, symbols: number): void {
  for (const part of ['train', 'validation', 'test'] as const) {
    const { from, to } = split[part];
    if (!classes.subarray(from * symbols, to * symbols).some((label) => label >= 0)) {
      throw new AppError('invalid_request', `No bar of the ${part} part has a label: the graph has too few candles to train on.`, { part });
    }
  }
}

function sharesOf(classes: Int32Array, classCount: number): number[] {
  const counts = new Array<number>(classCount).fill(0);
  for (const label of classes) if (label >= 0) counts[label] = (counts[label] as number) + 1;
  const total = counts.reduce((sum, count) => sum + count, 0);
  return counts.map((count) => count / Math.max(1, total));
}

/** Labelled nodes of the test bars. Their blocks are UTC days, or longer where labels reach further than half a day: neighbours in time share what they know. */
function testNodes(graph: TrainingGraph, classes: Int32Array, { from, to }: BarRange, horizon: number, classCount: number): TestNodes {
  const barMs = (graph.openTime[1] ?? 0) - (graph.openTime[0] ?? 0);
  const blockMs = DAY_MS * Math.max(1, Math.ceil((2 * horizon * barMs) / DAY_MS));
  const truth: number[] = [];
  const block: number[] = [];
  const known = new Map<number, number>();
  for (let t = from; t < to; t++) {
    const day = Math.floor((graph.openTime[t] as number) / blockMs);
    for (let s = 0; s < graph.symbols; s++) {
      const label = classes[t * graph.symbols + s] as number;
      if (label < 0) continue;
      if (!known.has(day)) known.set(day, known.size);
      truth.push(label);
      block.push(known.get(day) as number);
    }
  }
  return { classes: Int32Array.from(truth), block: Int32Array.from(block), blocks: known.size, classCount };
}
