import * as tf from '@tensorflow/tfjs';
import { addressesOf, checkAllocated, heapOf, simdOf, type WasmBackend } from './heap.ts';
import { registerOver } from './register-kernel.ts';

/**
 * Products of two matrices on wasm: `a b`, and `a^T b` (the gradient of every weight), run on SIMD kernels of ours where their sides fit, twice as fast as the
 * backend's own and without packing the right side anew each time. Others stay with the backend; transposed ones, which it makes a tenth as fast as plain
 * ones, are turned first.
 */
export function installProducts(): void {
  const stock = (tf.getKernel('BatchMatMul', 'wasm') as tf.KernelConfig).kernelFunc;
  const transposeOf = (tf.getKernel('Transpose', 'wasm') as tf.KernelConfig).kernelFunc;
  registerOver('BatchMatMul', 'wasm', (call) => {
    const { a, b } = call.inputs as Record<'a' | 'b', tf.TensorInfo>;
    const { transposeA, transposeB } = call.attrs as { transposeA: boolean; transposeB: boolean };
    if (a.shape.length !== 2 || b.shape.length !== 2) return stock(call);
    const backend = call.backend as WasmBackend;
    if (transposeA && !transposeB) {
      const fitting = transposedProduct(backend, a, b);
      if (fitting !== undefined) return fitting;
    }
    const turned = (x: tf.TensorInfo): tf.TensorInfo =>
      checkAllocated(backend, transposeOf({ inputs: { x }, backend, attrs: { perm: [1, 0] } }) as tf.TensorInfo);
    const left = transposeA ? turned(a) : a;
    const right = transposeB ? turned(b) : b;
    const out =
      plainProduct(backend, left, right) ??
      stock({ inputs: { a: left, b: right }, backend, attrs: { transposeA: false, transposeB: false } });
    if (left !== a) backend.disposeData(left.dataId);
    if (right !== b) backend.disposeData(right.dataId);
    return out;
  });
}

/** `a b`, or `relu(a b + bias)`, on the SIMD kernel; undefined where there is none, or where the columns of `b` are no multiple of 8. */
export function plainProduct(backend: unknown, a: tf.TensorInfo, b: tf.TensorInfo, reluBias?: tf.TensorInfo): tf.TensorInfo | undefined {
  const [rows, inner] = a.shape as [number, number];
  const width = b.shape[1] as number;
  const simd = width % 8 === 0 ? simdOf('wasm', backend) : undefined;
  if (simd === undefined) return undefined;
  const out = heapOf('wasm', backend).output([rows, width], 'float32');
  const at = addressesOf(backend);
  simd.product(at(a), at(b), reluBias === undefined ? 0 : at(reluBias), reluBias === undefined ? 0 : 1, rows, inner, width, at(out));
  return out;
}

function transposedProduct(backend: WasmBackend, a: tf.TensorInfo, b: tf.TensorInfo): tf.TensorInfo | undefined {
  const [rows, left] = a.shape as [number, number];
  const right = b.shape[1] as number;
  const simd = left % 4 === 0 && right % 8 === 0 ? simdOf('wasm', backend) : undefined;
  if (simd === undefined) return undefined;
  const heap = heapOf('wasm', backend);
  const out = heap.output([left, right], 'float32');
  heap.view(out).fill(0);
  const at = addressesOf(backend);
  simd.transposedProduct(at(a), at(b), rows, left, right, at(out));
  return out;
}
