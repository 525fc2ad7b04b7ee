/** What a predictor said of the nodes that are measured, in their order. */
export interface Predictions {
  readonly classes: Int32Array;
  /** Row-major `[nodes, classes]`; absent where a predictor names a class and no odds (persistence). */
  readonly probabilities?: Float32Array;
}

/** The nodes that are measured: their true class, and the block of days each lies in (0, 1, 2, …). */
export interface TestNodes {
  readonly classes: Int32Array;
  readonly block: Int32Array;
  readonly blocks: number;
  readonly classCount: number;
}

/** Scores over a set of nodes. Accuracies are shares; cross-entropy is in nats, null where no odds were given; the Brier score is the sum over classes. */
export interface Scores {
  readonly accuracy: number;
  readonly balanced_accuracy: number;
  readonly cross_entropy: number | null;
  readonly brier: number;
}

/** Sums over the nodes of one block, out of which every score of any choice of blocks can be made. */
export interface BlockSums {
  readonly count: number;
  readonly hits: number;
  readonly loss: number;
  readonly brier: number;
  readonly classHits: Float64Array;
  readonly classCounts: Float64Array;
}

const LEAST_PROBABILITY = 1e-9;

/** Class with the highest probability of every row; the first one on a tie. */
export function mostLikely(probabilities: Float32Array, classCount: number): Int32Array {
  const classes = new Int32Array(probabilities.length / classCount);
  for (let i = 0; i < classes.length; i++) {
    let best = 0;
    for (let k = 1; k < classCount; k++) {
      if ((probabilities[i * classCount + k] as number) > (probabilities[i * classCount + best] as number)) best = k;
    }
    classes[i] = best;
  }
  return classes;
}

/** One entry a block. */
export function sumByBlock(predictions: Predictions, nodes: TestNodes): BlockSums[] {
  const { classCount } = nodes;
  const sums = Array.from({ length: nodes.blocks }, () => ({
    count: 0,
    hits: 0,
    loss: 0,
    brier: 0,
    classHits: new Float64Array(classCount),
    classCounts: new Float64Array(classCount),
  }));
  nodes.classes.forEach((truth, i) => {
    const sum = sums[nodes.block[i] as number] as (typeof sums)[number];
    const said = predictions.classes[i] as number;
    const odds = (k: number): number =>
      predictions.probabilities === undefined ? Number(k === said) : (predictions.probabilities[i * classCount + k] as number);
    sum.count++;
    sum.classCounts[truth] = (sum.classCounts[truth] as number) + 1;
    if (said === truth) {
      sum.hits++;
      sum.classHits[truth] = (sum.classHits[truth] as number) + 1;
    }
    sum.loss -= predictions.probabilities === undefined ? Number.NaN : Math.log(Math.max(LEAST_PROBABILITY, odds(truth)));
    for (let k = 0; k < classCount; k++) sum.brier += (odds(k) - Number(k === truth)) ** 2;
  });
  return sums;
}

/** Scores over blocks; a block may stand in it several times. */
export function scoresOf(blocks: readonly BlockSums[]): Scores {
  const total = (of: (sums: BlockSums) => number): number => blocks.reduce((sum, block) => sum + of(block), 0);
  const count = total((block) => block.count);
  const loss = total((block) => block.loss) / count;
  const classCount = blocks[0]?.classCounts.length ?? 0;
  const recalls: number[] = [];
  for (let k = 0; k < classCount; k++) {
    const of = total((block) => block.classCounts[k] as number);
    if (of > 0) recalls.push(total((block) => block.classHits[k] as number) / of);
  }
  return {
    accuracy: total((block) => block.hits) / count,
    balanced_accuracy: recalls.reduce((sum, recall) => sum + recall, 0) / recalls.length,
    cross_entropy: Number.isNaN(loss) ? null : loss,
    brier: total((block) => block.brier) / count,
  };
}
