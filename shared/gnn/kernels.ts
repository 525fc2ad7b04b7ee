import * as tf from '@tensorflow/tfjs';
import { AppError } from '../domain/errors.ts';
import { installAttentionKernels } from './attention-kernels.ts';
import { installDenseKernels } from './dense-kernels.ts';
import { addressesOf, heapOf, type KernelBackendName, simdOf, type WasmBackend } from './heap.ts';
import { spmm } from './loops.ts';
import { installProducts } from './product-kernels.ts';
import { matrixOf, registerOver, runSparse } from './register-kernel.ts';

/** The one tfjs that the kernels below are written for: they reach into its backends. */
export const TFJS_VERSION = '4.22.0';

const installed = new Set<KernelBackendName>();
let gradientsInstalled = false;

/**
 * Adds our kernels to a backend and mends some of its own, once a process (kernels are global in tfjs): `UnsortedSegmentSum` (absent on wasm,
 * tfjs#8082, quadratic on cpu), `GatherV2` along rows, and on wasm products of transposed matrices and `Identity`. Throws `invalid_setting` for another tfjs than 4.22.0.
 */
export function installKernels(name: KernelBackendName): void {
  if (tf.version_core !== TFJS_VERSION) {
    throw new AppError(
      'invalid_setting',
      `The sparse kernels are written for tfjs ${TFJS_VERSION}, found ${tf.version_core}; install that version.`,
    );
  }
  if (!gradientsInstalled) {
    gradientsInstalled = true;
    tf.registerGradient({
      kernelName: 'SpMM',
      gradFunc: (dy, _saved, attrs) => ({ x: () => runSparse('SpMM', { x: dy as tf.Tensor }, matrixOf(attrs).transposed) }),
    });
  }
  if (installed.has(name)) return;
  installed.add(name);
  installSpmm(name);
  installDenseKernels(name);
  installAttentionKernels(name);
  installSegmentSum(name);
  installGather(name);
  if (name === 'wasm') {
    installProducts();
    installSharedIdentity();
  }
}

function installSpmm(name: KernelBackendName): void {
  registerOver('SpMM', name, ({ inputs, backend, attrs }) => {
    const matrix = matrixOf(attrs as tf.NamedAttrMap);
    const x = inputs.x as tf.TensorInfo;
    const width = x.shape[1] as number;
    const { csr } = matrix;
    const simd = simdOf(name, backend);
    const arrays = simd === undefined ? undefined : matrix.heapTensors();
    const heap = heapOf(name, backend);
    const out = heap.output([csr.rows, width], 'float32');
    if (simd === undefined || arrays === undefined) {
      spmm(csr, csr.val, heap.view(x) as Float32Array, width, heap.view(out) as Float32Array);
    } else {
      const at = addressesOf(backend);
      simd.spmm(at(arrays.rowPtr), at(arrays.col), at(arrays.val), csr.rows, at(x), width, at(out));
    }
    return out;
  });
}

function installSegmentSum(name: KernelBackendName): void {
  registerOver('UnsortedSegmentSum', name, ({ inputs, backend, attrs }) => {
    const x = inputs.x as tf.TensorInfo;
    const ids = inputs.segmentIds as tf.TensorInfo;
    const segments = (attrs as { numSegments: number }).numSegments;
    const inner = x.shape.slice(1);
    const width = inner.reduce((product, length) => product * length, 1);
    const heap = heapOf(name, backend);
    const out = heap.output([segments, ...inner], x.dtype === 'int32' ? 'int32' : 'float32');
    const values = heap.view(x);
    const segmentIds = heap.view(ids);
    const sums = heap.view(out).fill(0);
    for (let e = 0; e < segmentIds.length; e++) {
      const segment = segmentIds[e] as number;
      if (segment < 0 || segment >= segments) continue;
      for (let k = 0; k < width; k++) {
        sums[segment * width + k] = (sums[segment * width + k] as number) + (values[e * width + k] as number);
      }
    }
    return out;
  });
}

function installGather(name: KernelBackendName): void {
  const stock = (tf.getKernel('GatherV2', name) as tf.KernelConfig).kernelFunc;
  registerOver('GatherV2', name, (call) => {
    const x = call.inputs.x as tf.TensorInfo;
    const indices = call.inputs.indices as tf.TensorInfo;
    const { axis, batchDims } = call.attrs as { axis?: number; batchDims?: number };
    if ((axis ?? 0) !== 0 || (batchDims ?? 0) !== 0 || x.dtype !== 'float32' || indices.shape.length !== 1) return stock(call);
    const inner = x.shape.slice(1);
    const width = inner.reduce((product, length) => product * length, 1);
    const heap = heapOf(name, call.backend);
    const out = heap.output([indices.shape[0] as number, ...inner], 'float32');
    const values = heap.view(x);
    const rows = heap.view(indices);
    const picked = heap.view(out);
    for (let e = 0; e < rows.length; e++) {
      const row = rows[e] as number;
      if (row < 0 || row >= (x.shape[0] as number)) throw new RangeError(`gather: row ${row} is outside of 0 … ${x.shape[0]}`);
      for (let k = 0; k < width; k++) picked[e * width + k] = values[row * width + k] as number;
    }
    return out;
  });
}

/** The wasm backend copies a tensor for every handle on it, and gradients hold many: count the handles instead, as the cpu backend does. */
function installSharedIdentity(): void {
  const stock = (tf.getKernel('Identity', 'wasm') as tf.KernelConfig).kernelFunc;
  registerOver('Identity', 'wasm', (call) => {
    const x = call.inputs.x as tf.TensorInfo;
    if (x.dtype === 'string') return stock(call);
    (call.backend as WasmBackend).incRef(x.dataId);
    return { dataId: x.dataId, shape: x.shape, dtype: x.dtype };
  });
}
