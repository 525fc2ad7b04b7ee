import * as tf from '@tensorflow/tfjs';
import { type Heap, heapOf, type KernelBackendName } from './heap.ts';
import { registerOver } from './register-kernel.ts';

let gradientsInstalled = false;

/** Rows with a class: -1 where a row has none and does not count. Travels as a kernel attribute. */
export interface RowLabels {
  readonly classes: Int32Array;
  /** How many rows count. */
  readonly count: number;
}

/**
 * Kernels for the dense half of a layer, each one pass where tfjs takes several: `DenseRelu` (`relu(x w + b)`), `MaskedScale` (dropout) and
 * `CrossEntropy` (softmax and mean loss over the labelled rows).
 */
export function installDenseKernels(name: KernelBackendName): void {
  if (!gradientsInstalled) {
    gradientsInstalled = true;
    installGradients();
  }
  installDenseRelu(name);
  registerOver('MaskedScale', name, ({ inputs, backend, attrs }) => {
    const { mask } = attrs as unknown as { mask: Float32Array };
    return elementwise(heapOf(name, backend), [inputs.x as tf.TensorInfo], (out, [x]) => {
      for (let i = 0; i < out.length; i++) out[i] = (x?.[i] as number) * (mask[i] as number);
    });
  });
  installCrossEntropy(name);
}

function installDenseRelu(name: KernelBackendName): void {
  const fused = (tf.getKernel('_FusedMatMul', name) as tf.KernelConfig).kernelFunc;
  registerOver('DenseRelu', name, ({ inputs, backend }) => {
    const { x, w, b } = inputs as Record<'x' | 'w' | 'b', tf.TensorInfo>;
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
  registerOver('ReluGrad', name, ({ inputs, backend }) =>
    elementwise(heapOf(name, backend), [inputs.dy as tf.TensorInfo, inputs.y as tf.TensorInfo], (out, [dy, y]) => {
      for (let i = 0; i < out.length; i++) out[i] = (y?.[i] as number) > 0 ? (dy?.[i] as number) : 0;
    }),
  );
}

function installCrossEntropy(name: KernelBackendName): void {
  registerOver('CrossEntropy', name, ({ inputs, backend, attrs }) => {
    const { classes, count } = attrs as unknown as RowLabels;
    const logits = inputs.logits as tf.TensorInfo;
    const width = logits.shape[1] as number;
    const heap = heapOf(name, backend);
    const out = heap.output([], 'float32');
    const values = heap.view(logits);
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
    return elementwise(heapOf(name, backend), [logits, inputs.dy as tf.TensorInfo], (out, [values, dy]) => {
      if (values === undefined) return;
      const scale = (dy?.[0] as number) / count;
      out.fill(0);
      for (let i = 0; i < classes.length; i++) {
        const label = classes[i] as number;
        if (label < 0) continue;
        const log = logSumExp(values, i * width, width);
        for (let k = 0; k < width; k++) {
          out[i * width + k] = (Math.exp((values[i * width + k] as number) - log) - (k === label ? 1 : 0)) * scale;
        }
      }
    });
  });
}

function logSumExp(values: ArrayLike<number>, from: number, width: number): number {
  let highest = values[from] as number;
  for (let k = 1; k < width; k++) highest = Math.max(highest, values[from + k] as number);
  let sum = 0;
  for (let k = 0; k < width; k++) sum += Math.exp((values[from + k] as number) - highest);
  return highest + Math.log(sum);
}

/** An output in the shape of the first input, then views of all. */
function elementwise(
  heap: Heap,
  inputs: readonly tf.TensorInfo[],
  fill: (out: Float32Array, inputs: readonly (Float32Array | Int32Array)[]) => void,
): tf.TensorInfo {
  const out = heap.output((inputs[0] as tf.TensorInfo).shape, 'float32');
  fill(
    heap.view(out) as Float32Array,
    inputs.map((input) => heap.view(input)),
  );
  return out;
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
      return { x: () => tf.matMul(dz, w, false, true), w: () => tf.matMul(x, dz, true, false), b: () => tf.sum(dz, 0) };
    },
  });
  tf.registerGradient({
    kernelName: 'MaskedScale',
    gradFunc: (dy, _saved, attrs) => ({ x: () => run('MaskedScale', { x: dy as tf.Tensor }, attrs) }),
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
