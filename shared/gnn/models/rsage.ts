import * as tf from '@tensorflow/tfjs';
import { currentOps, type GraphOps } from '../ops.ts';
import { createRng, glorot } from '../rng.ts';
import type { SparseMatrix } from '../sparse-matrix.ts';
import { createWeightTable, type Model } from './model.ts';

/** Sizes of a relational GraphSAGE. Without relations it is a plain multilayer perceptron with the same layers. */
export interface RsageShape {
  readonly features: number;
  readonly relations: number;
  readonly hidden: number;
  readonly layers: number;
  readonly classes: number;
  /** Adds a linear branch on features and neighbour means; the deep branch starts at zero then. */
  readonly wide: boolean;
}

/**
 * Relational GraphSAGE (Hamilton et al. 2017, relations as in Schlichtkrull et al. 2018): `h' = relu(W_self h + Σ_r W_r mean_r(h) + b)`, then a linear head,
 * plus the wide branch. Weights of a layer are one matrix `[(R + 1) · in, out]`: self first, then the relations in their order.
 */
export function createRsage(shape: RsageShape, seed: number, ops: GraphOps = currentOps()): Model {
  const rng = createRng(seed);
  const table = createWeightTable();
  const parts = shape.relations + 1;
  const layers = Array.from({ length: shape.layers }, (_, l) => {
    const inputs = l === 0 ? shape.features : shape.hidden;
    const blocks = Array.from({ length: parts }, () => glorot(rng, inputs, shape.hidden));
    return {
      w: table.add<tf.Rank.R2>(`layer_${l}/kernel`, joined(blocks), [parts * inputs, shape.hidden]),
      b: table.add<tf.Rank.R1>(`layer_${l}/bias`, new Float32Array(shape.hidden), [shape.hidden]),
    };
  });
  const head = shape.wide ? new Float32Array(shape.hidden * shape.classes) : glorot(rng, shape.hidden, shape.classes);
  const out = table.add<tf.Rank.R2>('head/kernel', head, [shape.hidden, shape.classes]);
  const bias = table.add<tf.Rank.R1>('head/bias', new Float32Array(shape.classes), [shape.classes]);
  const width = parts * shape.features;
  const wide = shape.wide
    ? table.add<tf.Rank.R2>('wide/kernel', new Float32Array(width * shape.classes), [width, shape.classes])
    : undefined;
  return {
    names: table.names,
    variables: table.variables,
    dispose: table.dispose,
    logits({ gathered, own, stacks }, dropout = (hidden) => hidden) {
      let hidden = gathered;
      layers.forEach(({ w, b }, l) => {
        if (l > 0) hidden = withNeighbours(ops, stacks[l - 1], dropout(hidden), parts);
        hidden = ops.denseRelu(hidden, w, b);
      });
      const deep = tf.add(tf.matMul(dropout(hidden), out), bias);
      return wide === undefined ? (deep as tf.Tensor2D) : tf.add(deep, tf.matMul(own, wide));
    },
  };
}

/** `[nodes, H]` to `[rows, (R + 1) · H]`: each row's own values beside the means over its relations. Without a stack the values as they are. */
export function withNeighbours(ops: GraphOps, stack: SparseMatrix | undefined, hidden: tf.Tensor2D, parts: number): tf.Tensor2D {
  if (stack === undefined) return hidden;
  return tf.reshape(ops.sparseProduct(stack, hidden), [stack.csr.rows / parts, parts * hidden.shape[1]]);
}

function joined(blocks: readonly Float32Array[]): Float32Array {
  const all = new Float32Array(blocks.reduce((sum, block) => sum + block.length, 0));
  let at = 0;
  for (const block of blocks) {
    all.set(block, at);
    at += block.length;
  }
  return all;
}
