import { setImmediate as nextTurn } from 'node:timers/promises';
import * as tf from '@tensorflow/tfjs';
import { createAdam } from './adam.ts';
import type { Block } from './blocks.ts';
import { type Dropout, type Model, readWeights, writeWeights } from './models/model.ts';
import { currentOps } from './ops.ts';
import { createRng, type Rng, shuffle } from './rng.ts';

/** How a model is trained. */
export interface FitOptions {
  /** Most epochs; fewer where validation stops to improve. */
  readonly epochs: number;
  /** Epochs without a better validation loss before it ends. */
  readonly patience: number;
  readonly rate: number;
  readonly l2: number;
  /** Share of hidden values that are dropped, 0 for none. */
  readonly dropout: number;
  readonly seed: number;
  readonly onEpoch?: (epoch: number, validationLoss: number) => void;
  readonly signal?: AbortSignal;
}

export interface Fit {
  readonly epochs: number;
  /** The epoch whose weights were kept, from 1. */
  readonly bestEpoch: number;
  readonly validationLoss: number;
}

/** An improvement below this is none. */
const LEAST_GAIN = 1e-5;

/**
 * Trains with Adam, one step a block in a shuffled order, and keeps the weights of the epoch with the lowest validation loss. The event loop turns after
 * every step. Rejects with the signal's reason.
 */
export async function fit(model: Model, train: readonly Block[], validation: readonly Block[], options: FitOptions): Promise<Fit> {
  const rng = createRng(options.seed);
  const adam = createAdam({ rate: options.rate, l2: options.l2 });
  const dropout = options.dropout > 0 ? createDropout(options.dropout, rng) : undefined;
  const weights = readWeights(model);
  const steps = train.filter((block) => block.labels.count > 0);
  let best = { epoch: 0, loss: Number.POSITIVE_INFINITY, weights: weights.map((w) => w.slice()) };
  let epoch = 0;
  while (epoch < options.epochs && epoch - best.epoch < options.patience) {
    epoch++;
    for (const block of shuffle(rng, [...steps])) {
      adam(weights, gradientsOf(model, block, dropout));
      writeWeights(model, weights);
      await nextTurn(undefined, { signal: options.signal });
    }
    const loss = lossOf(model, validation);
    options.onEpoch?.(epoch, loss);
    if (loss < best.loss - LEAST_GAIN) best = { epoch, loss, weights: weights.map((w) => w.slice()) };
  }
  writeWeights(model, best.weights);
  return { epochs: epoch, bestEpoch: best.epoch, validationLoss: best.loss };
}

/** Gradients of the block's mean loss, in the order of the model's weights. */
export function gradientsOf(model: Model, block: Block, dropout?: Dropout): Float32Array[] {
  const ops = currentOps();
  const input = block.input();
  const { value, grads } = tf.variableGrads(
    () => ops.crossEntropy(model.logits(input, dropout), block.labels),
    model.variables as tf.Variable[],
  );
  const gradients = model.variables.map((variable) => (grads[variable.name] as tf.Tensor).dataSync() as Float32Array);
  tf.dispose([value, grads, input.gathered, input.own]);
  return gradients;
}

/** Mean loss over the labelled nodes of all blocks. */
export function lossOf(model: Model, blocks: readonly Block[]): number {
  const ops = currentOps();
  let sum = 0;
  let count = 0;
  for (const block of blocks) {
    if (block.labels.count === 0) continue;
    const input = block.input();
    const loss = tf.tidy(() => ops.crossEntropy(model.logits(input), block.labels).dataSync()[0] as number);
    tf.dispose([input.gathered, input.own]);
    sum += loss * block.labels.count;
    count += block.labels.count;
  }
  return sum / count;
}

/** Class probabilities of the blocks' nodes, row-major `[nodes, classes]`, block after block. */
export function probabilitiesOf(model: Model, blocks: readonly Block[]): Float32Array[] {
  return blocks.map((block) => {
    const input = block.input();
    const values = tf.tidy(() => tf.softmax(model.logits(input)).dataSync() as Float32Array);
    tf.dispose([input.gathered, input.own]);
    return Float32Array.from(values);
  });
}

function createDropout(share: number, rng: Rng): Dropout {
  const ops = currentOps();
  return (hidden) => ops.dropout(hidden, { seed: rng.integer(4_294_967_296) | 0, share });
}
