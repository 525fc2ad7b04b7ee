import * as tf from '@tensorflow/tfjs';
import type { SparseMatrix } from '../sparse-matrix.ts';

/** What a model sees of a block of nodes. */
export interface ModelInput {
  /** `[nodes, (R + 1) · F]`: each node's features beside the means over its R relations, for the block and the halo of bars before it. */
  readonly gathered: tf.Tensor2D;
  /** The last rows of `gathered`: the block without its halo. The same tensor where there is no halo. */
  readonly own: tf.Tensor2D;
  /** For each layer behind the first: node and relations stacked (`stackWithSelf`), from the rows of the layer before. */
  readonly stacks: readonly SparseMatrix[];
}

/** Zeroes some of a hidden layer's values and scales the others up; only while training. */
export type Dropout = (hidden: tf.Tensor2D) => tf.Tensor2D;

/** A classifier of nodes. Its weights live on the backend until `dispose`. */
export interface Model {
  readonly names: readonly string[];
  /** Aligned with `names`. */
  readonly variables: readonly tf.Variable[];
  /** Shape `[block's nodes, classes]`. Called inside `tf.tidy` or a gradient. */
  logits(input: ModelInput, dropout?: Dropout): tf.Tensor2D;
  dispose(): void;
}

/** Named weights on their way into variables. */
export interface WeightTable {
  readonly names: string[];
  readonly variables: tf.Variable[];
  add<R extends tf.Rank>(name: string, values: Float32Array, shape: tf.ShapeMap[R]): tf.Variable<R>;
  dispose(): void;
}

export function createWeightTable(): WeightTable {
  const names: string[] = [];
  const variables: tf.Variable[] = [];
  return {
    names,
    variables,
    add<R extends tf.Rank>(name: string, values: Float32Array, shape: tf.ShapeMap[R]): tf.Variable<R> {
      // The variable holds a handle of its own: the first one would never be freed.
      const initial = tf.tensor<R>(values, shape);
      const variable = tf.variable<R>(initial);
      initial.dispose();
      names.push(name);
      variables.push(variable as unknown as tf.Variable);
      return variable;
    },
    dispose: () => {
      for (const variable of variables) variable.dispose();
    },
  };
}

/** The weights as they are now, in the order of `names`. */
export function readWeights(model: Model): Float32Array[] {
  return model.variables.map((variable) => Float32Array.from(variable.dataSync()));
}

/** Puts weights in place, in the order of `names`. */
export function writeWeights(model: Model, weights: readonly Float32Array[]): void {
  model.variables.forEach((variable, k) => {
    const values = tf.tensor(weights[k] as Float32Array, variable.shape);
    variable.assign(values);
    values.dispose();
  });
}
