import * as tf from '@tensorflow/tfjs';
import { currentOps, type GraphOps } from '../ops.ts';
import { createRng, glorot } from '../rng.ts';
import type { SparseMatrix } from '../sparse-matrix.ts';
import { createWeightTable, type Model } from './model.ts';

/**
 * Graph convolution of Kipf and Welling (2017), two layers. For parity with published numbers only: its symmetric normalisation counts a sender's
 * out-degree, which on time edges is the number of future bars that see it.
 */
export function createGcn(
  shape: { readonly features: number; readonly hidden: number; readonly classes: number },
  matrix: SparseMatrix,
  seed: number,
  ops: GraphOps = currentOps(),
): Model {
  const rng = createRng(seed);
  const table = createWeightTable();
  const { features, hidden, classes } = shape;
  const w0 = table.add<tf.Rank.R2>('layer_0/kernel', glorot(rng, features, hidden), [features, hidden]);
  const b0 = table.add<tf.Rank.R1>('layer_0/bias', new Float32Array(hidden), [hidden]);
  const w1 = table.add<tf.Rank.R2>('layer_1/kernel', glorot(rng, hidden, classes), [hidden, classes]);
  const b1 = table.add<tf.Rank.R1>('layer_1/bias', new Float32Array(classes), [classes]);
  return {
    names: table.names,
    variables: table.variables,
    dispose: table.dispose,
    logits({ gathered }) {
      const h = tf.relu(tf.add(ops.sparseProduct(matrix, tf.matMul(gathered, w0)), b0)) as tf.Tensor2D;
      return tf.add(ops.sparseProduct(matrix, tf.matMul(h, w1)), b1);
    },
  };
}
