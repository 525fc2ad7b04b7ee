import * as tf from '@tensorflow/tfjs';
import { createWeightTable, type Model } from './model.ts';

/**
 * Multinomial logistic regression on `[nodes, width]`. On features alone it is the baseline `logistic`; on features and neighbour means it is SGC
 * (Wu et al. 2019): the linear model that every graph network has to beat. Starts at zero, so seeds change only the order of blocks.
 */
export function createLinear(width: number, classes: number): Model {
  const table = createWeightTable();
  const w = table.add<tf.Rank.R2>('linear/kernel', new Float32Array(width * classes), [width, classes]);
  const b = table.add<tf.Rank.R1>('linear/bias', new Float32Array(classes), [classes]);
  return {
    names: table.names,
    variables: table.variables,
    dispose: table.dispose,
    logits: ({ own }) => tf.add(tf.matMul(own, w), b),
  };
}
