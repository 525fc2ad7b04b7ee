import * as tf from '@tensorflow/tfjs';
import type { RowLabels } from './dense-kernels.ts';
import { type DropoutPlan, dropout } from './loops.ts';
import { runSparse } from './register-kernel.ts';
import type { SparseMatrix } from './sparse-matrix.ts';

/** What the models are made of. All have gradients; shapes are `[rows, width]`. */
export interface GraphOps {
  /** `A x` for `x` of `[cols, width]`; its gradient is `A^T dy`. */
  sparseProduct(matrix: SparseMatrix, x: tf.Tensor2D): tf.Tensor2D;
  /** `relu(x w + b)`. */
  denseRelu(x: tf.Tensor2D, w: tf.Tensor2D, b: tf.Tensor1D): tf.Tensor2D;
  /** Zeroes the values that the plan chooses, and scales the rest. */
  dropout(x: tf.Tensor2D, plan: DropoutPlan): tf.Tensor2D;
  /** Mean cross-entropy of the rows that have a class. */
  crossEntropy(logits: tf.Tensor2D, labels: RowLabels): tf.Scalar;
}

/** One of our kernels each, on cpu and wasm. */
export const kernelOps: GraphOps = {
  sparseProduct: (matrix, x) => runSparse('SpMM', { x }, matrix) as tf.Tensor2D,
  denseRelu: (x, w, b) => tf.engine().runKernel('DenseRelu', { x, w, b }) as tf.Tensor2D,
  dropout: (x, plan) => tf.engine().runKernel('Dropout', { x }, plan as unknown as tf.NamedAttrMap) as tf.Tensor2D,
  crossEntropy: (logits, labels) => tf.engine().runKernel('CrossEntropy', { logits }, labels as unknown as tf.NamedAttrMap) as tf.Scalar,
};

/** The same out of tfjs's own operations, for the `tensorflow` backends, whose kernels are good. */
export const plainOps: GraphOps = {
  sparseProduct(matrix, x) {
    const { src, dst, val } = matrix.edgeTensors();
    return tf.unsortedSegmentSum(tf.mul(tf.gather(x, src), val), dst, matrix.csr.rows) as tf.Tensor2D;
  },
  denseRelu: (x, w, b) => tf.relu(tf.add(tf.matMul(x, w), b)),
  dropout(x, plan) {
    const mask = new Float32Array(x.size);
    dropout(new Float32Array(x.size).fill(1), plan, mask);
    return tf.mul(x, tf.tensor2d(mask, x.shape));
  },
  crossEntropy(logits, { classes, count }) {
    const width = logits.shape[1];
    const oneHot = new Float32Array(classes.length * width);
    classes.forEach((label, i) => {
      if (label >= 0) oneHot[i * width + label] = 1;
    });
    return tf.div(tf.neg(tf.sum(tf.mul(tf.logSoftmax(logits), tf.tensor2d(oneHot, logits.shape)))), count);
  },
};

/** The operations of the backend that is loaded. */
export function currentOps(): GraphOps {
  return tf.getKernel('SpMM', tf.getBackend()) === undefined ? plainOps : kernelOps;
}

/** `A x` with the weights of the edges as a tensor `[edges]`; gradients for both. Only on cpu and wasm. */
export function weightedProduct(matrix: SparseMatrix, weights: tf.Tensor1D, x: tf.Tensor2D): tf.Tensor2D {
  return runSparse('SpMMWeighted', { w: weights, x }, matrix) as tf.Tensor2D;
}

/** Softmax of the scores `[edges]` over the edges of each row. Only on cpu and wasm. */
export function edgeSoftmax(matrix: SparseMatrix, scores: tf.Tensor1D): tf.Tensor1D {
  return runSparse('EdgeSoftmax', { scores }, matrix) as tf.Tensor1D;
}
