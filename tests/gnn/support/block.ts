import * as tf from '@tensorflow/tfjs';
import type { Block } from '../../../shared/gnn/blocks.ts';
import type { SparseMatrix } from '../../../shared/gnn/sparse-matrix.ts';

/** A block over a whole small graph: `x` of `[nodes, width]`, a class or -1 for each node. */
export function wholeBlock(x: Float32Array, width: number, classes: Int32Array, stacks: readonly SparseMatrix[] = []): Block {
  return {
    from: 0,
    to: classes.length,
    labels: { classes, count: classes.reduce((sum, label) => sum + (label >= 0 ? 1 : 0), 0) },
    input() {
      const gathered = tf.tensor2d(x, [classes.length, width]);
      return { gathered, own: gathered, stacks };
    },
    dispose: () => {
      for (const stack of stacks) stack.dispose();
    },
  };
}
