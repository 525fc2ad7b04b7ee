import * as tf from '@tensorflow/tfjs';
import { addressesOf, heapOf, type KernelBackendName, simdOf } from './heap.ts';
import { columnSums, type DropoutPlan, dropout, dropoutNumbers, reluGrad } from './loops.ts';
import { plainProduct } from './product-kernels.ts';
import { registerOver } from './register-kernel.ts';

let gradientsInstalled = false;

/** Rows with a class: -1 where a row has none and does not count. Travels as a kernel attribute. */
export interface RowLabels {
  readonly classes: Int32Array;
  /** How many rows count. */
  readonly count: number;
}

/**
 * Kernels for the dense half of a layer, each one pass where tfjs takes several: `DenseRelu` (`relu(x w + b)`), `Dropout` and
 * `CrossEntropy` (softmax and mean loss over the labelled rows).
 */
export function installDenseKernels(name: KernelBackendName): void {
  if (!gradientsInstalled) {
    gradientsInstalled = true;
    installGradients();
  }
  installDenseRelu(name);
  registerOver('Dropout', name, ({ inputs, backend, attrs }) => {
    const plan = attrs as unknown as DropoutPlan;
    const x = inputs.x as tf.TensorInfo;
    const heap = heapOf(name, backend);
    const out = heap.output(x.shape, 'float32');
    const simd = simdOf(name, backend);
    if (simd === undefined) {
      dropout(heap.view(x) as Float32Array, plan, heap.view(out) as Float32Array);
      return out;
    }
    const at = addressesOf(backend);
    const { threshold, scale } = dropoutNumbers(plan);
    simd.dropout(at(x), at(out), tf.util.sizeFromShape(x.shape), plan.seed, threshold, scale);
    return out;
  });
  installColumnSums(name);
  installCrossEntropy(name);
}

function installDenseRelu(name: KernelBackendName): void {
  const fused = (tf.getKernel('_FusedMatMul', name) as tf.KernelConfig).kernelFunc;
  registerOver('DenseRelu', name, ({ inputs, backend }) => {
    const { x, w, b } = inputs as Record<'x' | 'w' | 'b', tf.TensorInfo>;
    const ours = name === 'wasm' ? plainProduct(backend, x, w, b) : undefined;
    if (ours !== undefined) return ours;
    const cube = (tensor: tf.TensorInfo): tf.TensorInfo => ({
      ...tensor,
      dataId: tensor.dataId,
      dtype: tensor.dtype,
      shape: [1, ...tensor.shape],
    });
    const attrs = { transposeA: false, transposeB: false, activation: 'relu', leakyreluAlpha: 0 };
    const out = fused({ inputs: { a: cube(x), b: cube(w), bias: b }, backend, attrs }) as tf.TensorInfo;
    return { dataId: out.dataId, dtype: out.dtype, shape: out.shape.slice(1) };
  });
  registerOver('ReluGrad', name, ({ inputs, backend }) => {
    const { dy, y } = inputs as Record<'dy' | 'y', tf.TensorInfo>;
    const heap = heapOf(name, backend);
    const out = heap.output(y.shape, 'float32');
    const simd = simdOf(name, backend);
    if (simd === undefined) {
      reluGrad(heap.view(dy) as Float32Array, heap.view(y) as Float32Array, heap.view(out) as Float32Array);
      return out;
    }
    const at = addressesOf(backend);
    simd.reluGrad(at(dy), at(y), at(out), tf.util.sizeFromShape(y.shape));
    return out;
  });
}

function installColumnSums(name: KernelBackendName): void {
  registerOver('ColumnSums', name, ({ inputs, backend }) => {
    const x = inputs.x as tf.TensorInfo;
    const [rows, width] = x.shape as [number, number];
    const heap = heapOf(name, backend);
    const out = heap.output([width], 'float32');
    const simd = simdOf(name, backend);
    if (simd === undefined) {
      columnSums(heap.view(x) as Float32Array, width, heap.view(out) as Float32Array);
      return out;
    }
    const at = addressesOf(backend);
    simd.columnSums(at(x), rows, width, at(out));
    return out;
  });
}

function installCrossEntropy(name: KernelBackendName): void {
  registerOver('CrossEntropy', name, ({ inputs, backend, attrs }) => {
    const { classes, count } = attrs as unknown as RowLabels;
    const logits = inputs.logits as tf.TensorInfo;
    const width = logits.shape[1] as number;
    const heap = heapOf(name, backend);
    const out = heap.output([], 'float32');
    const values = heap.view(logits) as Float32Array;
    let loss = 0;
    for (let i = 0; i < classes.length; i++) {
      const label = classes[i] as number;
      if (label >= 0) loss += logSumExp(values, i * width, width) - (values[i * width + label] as number);
    }
    heap.view(out)[0] = loss / count;
    return out;
  });
  registerOver('CrossEntropyGrad', name, ({ inputs, backend, attrs }) => {
    const { classes, count } = attrs as unknown as RowLabels;
    const logits = inputs.logits as tf.TensorInfo;
    const width = logits.shape[1] as number;
    const heap = heapOf(name, backend);
    const out = heap.output(logits.shape, 'float32');
    const values = heap.view(logits) as Float32Array;
    const gradient = heap.view(out).fill(0) as Float32Array;
    const scale = (heap.view(inputs.dy as tf.TensorInfo)[0] as number) / count;
    for (let i = 0; i < classes.length; i++) {
      const label = classes[i] as number;
      if (label < 0) continue;
      const row = i * width;
      let highest = values[row] as number;
      for (let k = 1; k < width; k++) highest = Math.max(highest, values[row + k] as number);
      let sum = 0;
      for (let k = 0; k < width; k++) {
        const share = Math.exp((values[row + k] as number) - highest);
        gradient[row + k] = share;
        sum += share;
      }
      for (let k = 0; k < width; k++) gradient[row + k] = ((gradient[row + k] as number) / sum - (k === label ? 1 : 0)) * scale;
    }
    return out;
  });
}

function logSumExp(values: Float32Array, from: number, width: number): number {
  let highest = values[from] as number;
  for (let k = 1; k < width; k++) highest = Math.max(highest, values[from + k] as number);
  let sum = 0;
  for (let k = 0; k < width; k++) sum += Math.exp((values[from + k] as number) - highest);
  return highest + Math.log(sum);
}

function installGradients(): void {
  const run = (kernel: string, inputs: tf.NamedTensorMap, attrs?: tf.NamedAttrMap): tf.Tensor =>
    tf.engine().runKernel(kernel, inputs, attrs) as tf.Tensor;
  tf.registerGradient({
    kernelName: 'DenseRelu',
    inputsToSave: ['x', 'w'],
    outputsToSave: [true],
    gradFunc: (dy, saved) => {
      const [x, w, y] = saved as [tf.Tensor2D, tf.Tensor2D, tf.Tensor2D];
      const dz = run('ReluGrad', { dy: dy as tf.Tensor, y }) as tf.Tensor2D;
      return { x: () => tf.matMul(dz, w, false, true), w: () => tf.matMul(x, dz, true, false), b: () => run('ColumnSums', { x: dz }) };
    },
  });
  tf.registerGradient({
    kernelName: 'Dropout',
    gradFunc: (dy, _saved, attrs) => ({ x: () => run('Dropout', { x: dy as tf.Tensor }, attrs) }),
  });
  tf.registerGradient({
    kernelName: 'CrossEntropy',
    inputsToSave: ['logits'],
    gradFunc: (dy, saved, attrs) => {
      const [logits] = saved as [tf.Tensor];
      return { logits: () => run('CrossEntropyGrad', { logits, dy: dy as tf.Tensor }, attrs) };
    },
  });
}
