import * as tf from '@tensorflow/tfjs';
import { heapOf, type KernelBackendName } from './heap.ts';
import { spmm } from './loops.ts';
import { matrixOf, registerOver, runSparse } from './register-kernel.ts';

let gradientsInstalled = false;

/** Kernels of graph attention, where the edge weights are a tensor themselves. `w` and scores have one entry an edge, in the order of the rows. */
export function installAttentionKernels(name: KernelBackendName): void {
  if (!gradientsInstalled) {
    gradientsInstalled = true;
    installGradients();
  }
  registerOver('SpMMWeighted', name, ({ inputs, backend, attrs }) => {
    const { csr } = matrixOf(attrs as tf.NamedAttrMap);
    const x = inputs.x as tf.TensorInfo;
    const width = x.shape[1] as number;
    const heap = heapOf(name, backend);
    const out = heap.output([csr.rows, width], 'float32');
    const weights = heap.view(inputs.w as tf.TensorInfo) as Float32Array;
    spmm(csr, weights, heap.view(x) as Float32Array, width, heap.view(out) as Float32Array);
    return out;
  });
  registerOver('SpMMWeightedTransposed', name, ({ inputs, backend, attrs }) => {
    const { csr } = matrixOf(attrs as tf.NamedAttrMap);
    const y = inputs.y as tf.TensorInfo;
    const width = y.shape[1] as number;
    const heap = heapOf(name, backend);
    const out = heap.output([csr.cols, width], 'float32');
    const weights = heap.view(inputs.w as tf.TensorInfo);
    const values = heap.view(y);
    const sums = heap.view(out).fill(0);
    forEachEdge(csr, (row, col, e) => {
      const weight = weights[e] as number;
      for (let k = 0; k < width; k++)
        sums[col * width + k] = (sums[col * width + k] as number) + weight * (values[row * width + k] as number);
    });
    return out;
  });
  registerOver('EdgeDot', name, ({ inputs, backend, attrs }) => {
    const { csr } = matrixOf(attrs as tf.NamedAttrMap);
    const x = inputs.x as tf.TensorInfo;
    const width = x.shape[1] as number;
    const heap = heapOf(name, backend);
    const out = heap.output([csr.col.length], 'float32');
    const rows = heap.view(inputs.y as tf.TensorInfo);
    const cols = heap.view(x);
    const dots = heap.view(out);
    forEachEdge(csr, (row, col, e) => {
      let sum = 0;
      for (let k = 0; k < width; k++) sum += (rows[row * width + k] as number) * (cols[col * width + k] as number);
      dots[e] = sum;
    });
    return out;
  });
  installEdgeSoftmax(name);
}

function installEdgeSoftmax(name: KernelBackendName): void {
  registerOver('EdgeSoftmax', name, ({ inputs, backend, attrs }) => {
    const { csr } = matrixOf(attrs as tf.NamedAttrMap);
    const heap = heapOf(name, backend);
    const out = heap.output([csr.col.length], 'float32');
    const scores = heap.view(inputs.scores as tf.TensorInfo);
    const shares = heap.view(out);
    for (let i = 0; i < csr.rows; i++) {
      const first = csr.rowPtr[i] as number;
      const last = csr.rowPtr[i + 1] as number;
      let highest = Number.NEGATIVE_INFINITY;
      for (let e = first; e < last; e++) highest = Math.max(highest, scores[e] as number);
      let total = 0;
      for (let e = first; e < last; e++) {
        const share = Math.exp((scores[e] as number) - highest);
        shares[e] = share;
        total += share;
      }
      for (let e = first; e < last; e++) shares[e] = (shares[e] as number) / total;
    }
    return out;
  });
  registerOver('EdgeSoftmaxGrad', name, ({ inputs, backend, attrs }) => {
    const { csr } = matrixOf(attrs as tf.NamedAttrMap);
    const heap = heapOf(name, backend);
    const out = heap.output([csr.col.length], 'float32');
    const shares = heap.view(inputs.shares as tf.TensorInfo);
    const dy = heap.view(inputs.dy as tf.TensorInfo);
    const gradient = heap.view(out);
    for (let i = 0; i < csr.rows; i++) {
      const first = csr.rowPtr[i] as number;
      const last = csr.rowPtr[i + 1] as number;
      let mean = 0;
      for (let e = first; e < last; e++) mean += (shares[e] as number) * (dy[e] as number);
      for (let e = first; e < last; e++) gradient[e] = (shares[e] as number) * ((dy[e] as number) - mean);
    }
    return out;
  });
}

function installGradients(): void {
  tf.registerGradient({
    kernelName: 'SpMMWeighted',
    inputsToSave: ['w', 'x'],
    gradFunc: (dy, saved, attrs) => {
      const [w, x] = saved as [tf.Tensor, tf.Tensor];
      const matrix = matrixOf(attrs);
      return {
        w: () => runSparse('EdgeDot', { y: dy as tf.Tensor, x }, matrix),
        x: () => runSparse('SpMMWeightedTransposed', { w, y: dy as tf.Tensor }, matrix),
      };
    },
  });
  tf.registerGradient({
    kernelName: 'EdgeSoftmax',
    outputsToSave: [true],
    gradFunc: (dy, saved, attrs) => {
      const [shares] = saved as [tf.Tensor];
      return { scores: () => runSparse('EdgeSoftmaxGrad', { shares, dy: dy as tf.Tensor }, matrixOf(attrs)) };
    },
  });
}

function forEachEdge(
  csr: { readonly rows: number; readonly rowPtr: Int32Array; readonly col: Int32Array },
  visit: (row: number, col: number, edge: number) => void,
): void {
  for (let i = 0; i < csr.rows; i++) {
    for (let e = csr.rowPtr[i] as number; e < (csr.rowPtr[i + 1] as number); e++) visit(i, csr.col[e] as number, e);
  }
}
