import type * as tf from '@tensorflow/tfjs';
import { AppError } from '../domain/errors.ts';
import { instantiateKernels, type WasmKernels, type WasmMemory } from './wasm-kernels.ts';

/** The two backends whose memory our kernels read and write themselves. */
export type KernelBackendName = 'cpu' | 'wasm';

/** A backend's memory, as a kernel sees it. Outputs are allocated before any view is taken: an allocation may grow wasm memory and detach views. */
export interface Heap {
  output(shape: number[], dtype: 'float32' | 'int32'): tf.TensorInfo;
  /** A fresh view; never kept beyond the kernel. */
  view(tensor: tf.TensorInfo): Float32Array | Int32Array;
}

/** As much of the wasm backend (tfjs 4.22) as we use. */
export interface WasmBackend {
  makeOutput(shape: number[], dtype: string): tf.TensorInfo;
  typedArrayFromHeap(tensor: tf.TensorInfo): Float32Array | Int32Array;
  getMemoryOffset(dataId: object): number;
  disposeData(dataId: object): boolean;
  incRef(dataId: object): void;
  readonly wasm: { readonly asm?: { readonly memory?: WasmMemory }; readonly wasmMemory?: WasmMemory };
}

interface CpuBackend {
  makeTensorInfo(shape: number[], dtype: string, values: Float32Array | Int32Array): tf.TensorInfo;
  readonly data: { get(dataId: object): { readonly values: Float32Array | Int32Array } };
}

/** Throws `invalid_request` where wasm had no memory left: its allocator answers address 0 then, and says nothing. */
export function checkAllocated(backend: WasmBackend, tensor: tf.TensorInfo): tf.TensorInfo {
  const empty = tensor.shape.some((length) => length === 0);
  if (!empty && backend.getMemoryOffset(tensor.dataId) === 0) {
    throw new AppError('invalid_request', 'The graph does not fit into the 4 GB of WebAssembly memory; train on fewer bars or symbols.', {
      shape: tensor.shape,
    });
  }
  return tensor;
}

export function heapOf(name: KernelBackendName, backend: unknown): Heap {
  if (name === 'wasm') {
    const wasm = backend as WasmBackend;
    return {
      output: (shape, dtype) => checkAllocated(wasm, wasm.makeOutput(shape, dtype)),
      view: (tensor) => wasm.typedArrayFromHeap(tensor),
    };
  }
  const cpu = backend as CpuBackend;
  return {
    output: (shape, dtype) => {
      const size = shape.reduce((product, length) => product * length, 1);
      return cpu.makeTensorInfo(shape, dtype, dtype === 'int32' ? new Int32Array(size) : new Float32Array(size));
    },
    view: (tensor) => cpu.data.get(tensor.dataId).values,
  };
}

/** Byte addresses of tensors in the backend's memory, for the SIMD kernels; taken after all allocations. */
export function addressesOf(backend: unknown): (tensor: tf.TensorInfo) => number {
  return (tensor) => (backend as WasmBackend).getMemoryOffset(tensor.dataId);
}

const kernels = new WeakMap<object, WasmKernels | 'none'>();
let simdAllowed = true;

/** Turns the SIMD kernels off and on, to compare them with the plain loops. On at first. */
export function allowSimd(allowed: boolean): void {
  simdAllowed = allowed;
}

/** The SIMD kernels on the backend's own memory; undefined on another backend, where the engine has no SIMD, or where it is turned off. */
export function simdOf(name: string, backend: unknown): WasmKernels | undefined {
  if (name !== 'wasm' || !simdAllowed) return undefined;
  const { wasm } = backend as WasmBackend;
  let found = kernels.get(wasm);
  if (found === undefined) {
    const memory = wasm.asm?.memory ?? wasm.wasmMemory;
    found = (memory === undefined ? undefined : instantiateKernels(memory)) ?? 'none';
    kernels.set(wasm, found);
  }
  return found === 'none' ? undefined : found;
}
