import * as tf from '@tensorflow/tfjs';
import type { SparseMatrix } from './sparse-matrix.ts';

/** Registers a kernel, in place of one that is there. */
export function registerOver(kernelName: string, backendName: string, kernelFunc: tf.KernelFunc): void {
  if (tf.getKernel(kernelName, backendName) !== undefined) tf.unregisterKernel(kernelName, backendName);
  tf.registerKernel({ kernelName, backendName, kernelFunc });
}

/** The matrix of a sparse kernel: tfjs hands attributes on untouched, whatever they are. */
export function matrixOf(attrs: tf.NamedAttrMap | undefined): SparseMatrix {
  return attrs?.matrix as unknown as SparseMatrix;
}

/** Runs one of the sparse kernels with its matrix. */
export function runSparse(kernel: string, inputs: tf.NamedTensorMap, matrix: SparseMatrix): tf.Tensor {
  return tf.engine().runKernel(kernel, inputs, { matrix } as unknown as tf.NamedAttrMap) as tf.Tensor;
}
