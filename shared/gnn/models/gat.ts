import * as tf from '@tensorflow/tfjs';
import { edgeSoftmax, weightedProduct } from '../ops.ts';
import { createRng, glorot } from '../rng.ts';
import type { SparseMatrix } from '../sparse-matrix.ts';
import { createWeightTable, type Model } from './model.ts';

/** Graph attention of Velickovic et al. (2018), two layers of one head. For parity with published numbers only. */
export function createGat(
  shape: { readonly features: number; readonly hidden: number; readonly classes: number },
  matrix: SparseMatrix,
  seed: number,
): Model {
  const rng = createRng(seed);
  const table = createWeightTable();
  const layers = [0, 1].map((l) => {
    const inputs = l === 0 ? shape.features : shape.hidden;
    const outputs = l === 0 ? shape.hidden : shape.classes;
    return {
      w: table.add<tf.Rank.R2>(`layer_${l}/kernel`, glorot(rng, inputs, outputs), [inputs, outputs]),
      source: table.add<tf.Rank.R2>(`layer_${l}/source`, glorot(rng, outputs, 1), [outputs, 1]),
      target: table.add<tf.Rank.R2>(`layer_${l}/target`, glorot(rng, outputs, 1), [outputs, 1]),
      b: table.add<tf.Rank.R1>(`layer_${l}/bias`, new Float32Array(outputs), [outputs]),
    };
  });
  return {
    names: table.names,
    variables: table.variables,
    dispose: table.dispose,
    logits({ gathered }) {
      const { src, dst } = matrix.edgeTensors();
      let h = gathered;
      layers.forEach(({ w, source, target, b }, l) => {
        const z = tf.matMul(h, w) as tf.Tensor2D;
        const scores = tf.add(tf.gather(tf.matMul(z, source), src), tf.gather(tf.matMul(z, target), dst));
        const shares = edgeSoftmax(matrix, tf.reshape(tf.leakyRelu(scores, 0.2), [-1]));
        h = tf.add(weightedProduct(matrix, shares, z), b);
        if (l === 0) h = tf.elu(h);
      });
      return h;
    },
  };
}
