import * as tf from '@tensorflow/tfjs';
import { type Csr, edgeRows, transpose } from './csr.ts';

interface HeapTensors {
  readonly rowPtr: tf.Tensor1D;
  readonly col: tf.Tensor1D;
  readonly val: tf.Tensor1D;
}

interface EdgeTensors {
  readonly src: tf.Tensor1D;
  readonly dst: tf.Tensor1D;
  readonly val: tf.Tensor2D;
}

/** A sparse matrix on its way through tfjs: its transpose and its copies on the backend are made on first use, and live until `dispose`. */
export class SparseMatrix {
  readonly csr: Csr;
  #transposed: SparseMatrix | undefined;
  #heap: HeapTensors | undefined;
  #edges: EdgeTensors | undefined;

  constructor(csr: Csr) {
    this.csr = csr;
  }

  get transposed(): SparseMatrix {
    if (this.#transposed === undefined) {
      this.#transposed = new SparseMatrix(transpose(this.csr));
      this.#transposed.#transposed = this;
    }
    return this.#transposed;
  }

  /** The three arrays as tensors, for kernels that read the backend's memory. */
  heapTensors(): HeapTensors {
    this.#heap ??= {
      rowPtr: tf.keep(tf.tensor1d(this.csr.rowPtr, 'int32')),
      col: tf.keep(tf.tensor1d(this.csr.col, 'int32')),
      val: tf.keep(tf.tensor1d(this.csr.val, 'float32')),
    };
    return this.#heap;
  }

  /** Sender, receiver and weight of each edge as tensors, for gather and segment sum. */
  edgeTensors(): EdgeTensors {
    this.#edges ??= {
      src: tf.keep(tf.tensor1d(this.csr.col, 'int32')),
      dst: tf.keep(tf.tensor1d(edgeRows(this.csr), 'int32')),
      val: tf.keep(tf.tensor2d(this.csr.val, [this.csr.val.length, 1])),
    };
    return this.#edges;
  }

  /** Frees the tensors of the matrix and of its transpose. */
  dispose(): void {
    for (const matrix of [this, this.#transposed]) {
      if (matrix === undefined) continue;
      for (const tensors of [matrix.#heap, matrix.#edges])
        for (const tensor of Object.values(tensors ?? {})) (tensor as tf.Tensor).dispose();
      matrix.#heap = undefined;
      matrix.#edges = undefined;
    }
  }
}
