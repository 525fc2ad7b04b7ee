import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { before, describe, it } from 'node:test';
import * as tf from '@tensorflow/tfjs';
import { AppError } from '../../shared/domain/errors.ts';
import { loadBackend } from '../../shared/gnn/backend.ts';
import { csrOf, sliceCsr, stackWithSelf, transpose } from '../../shared/gnn/csr.ts';
import { allowSimd, checkAllocated, type WasmBackend } from '../../shared/gnn/heap.ts';
import { columnSums, dropout, reluGrad, spmm } from '../../shared/gnn/loops.ts';
import { kernelOps } from '../../shared/gnn/ops.ts';
import { createRng } from '../../shared/gnn/rng.ts';
import { SparseMatrix } from '../../shared/gnn/sparse-matrix.ts';
import { KERNELS_WAT_SHA256 } from '../../shared/gnn/wasm-kernels.ts';
import { matrix, sparse } from './support/float64.ts';

const rng = createRng(3);
const ROWS = 37;
const COLS = 41;
const normals = (size: number): Float32Array => Float32Array.from({ length: size }, () => rng.normal());
const csr = csrOf(
  ROWS,
  Array.from({ length: 300 }, () => rng.integer(COLS)),
  Array.from({ length: 300 }, () => rng.integer(ROWS)),
  normals(300),
  COLS,
);
const bits = (values: Float32Array): number[] => [...new Int32Array(values.buffer, values.byteOffset, values.length)];

/** Runs an operation and returns its values. */
const valuesOf = (run: () => tf.Tensor): Float32Array => tf.tidy(() => Float32Array.from(run().dataSync()));
const kernel = (name: string, inputs: tf.NamedTensorMap, attrs: object = {}): Float32Array =>
  valuesOf(() => tf.engine().runKernel(name, inputs, attrs as tf.NamedAttrMap) as tf.Tensor);

describe('the SIMD kernels', () => {
  before(async () => {
    const { simd } = await loadBackend(['wasm']);
    assert.ok(simd);
  });

  it('are assembled from the text that stands beside them', () => {
    const text = readFileSync(new URL('../../shared/gnn/kernels.wat', import.meta.url));

    assert.equal(createHash('sha256').update(text).digest('hex'), KERNELS_WAT_SHA256);
  });

  for (const width of [1, 3, 4, 7, 16, 20, 32, 37, 80]) {
    it(`multiply a sparse matrix by ${width} columns to the bit as the loop does, and rightly`, () => {
      const x = normals(COLS * width);
      const loop = new Float32Array(ROWS * width);
      spmm(csr, csr.val, x, width, loop);
      const sparseMatrix = new SparseMatrix(csr);

      const simd = valuesOf(() => kernelOps.sparseProduct(sparseMatrix, tf.tensor2d(x, [COLS, width])));
      sparseMatrix.dispose();

      assert.deepEqual(bits(simd), bits(loop));
      const exact = sparse(csr, matrix(COLS, width, x)).values;
      assert.ok(simd.every((value, i) => Math.abs(value - (exact[i] as number)) < 1e-4));
    });
  }

  for (const size of [1, 2, 3, 4, 5, 31, 64, 1_003]) {
    it(`drop, cut and add ${size} values to the bit as the loops do`, () => {
      const x = normals(size);
      const y = normals(size);
      const plan = { seed: -77, share: 0.4 };
      const dropped = new Float32Array(size);
      dropout(x, plan, dropped);
      const cut = new Float32Array(size);
      reluGrad(x, y, cut);
      const sums = new Float32Array(size);
      const tall = normals(size * 9);
      columnSums(tall, size, sums);

      assert.deepEqual(bits(kernel('Dropout', { x: tf.tensor2d(x, [1, size]) }, plan)), bits(dropped));
      assert.deepEqual(bits(kernel('ReluGrad', { dy: tf.tensor2d(x, [1, size]), y: tf.tensor2d(y, [1, size]) })), bits(cut));
      assert.deepEqual(bits(kernel('ColumnSums', { x: tf.tensor2d(tall, [9, size]) })), bits(sums));
    });
  }

  it('drop the share asked for, keep the mean, and choose anew with another seed', () => {
    const ones = new Float32Array(100_000).fill(1);
    const out = new Float32Array(ones.length);
    dropout(ones, { seed: 5, share: 0.2 }, out);
    const other = new Float32Array(ones.length);
    dropout(ones, { seed: 6, share: 0.2 }, other);

    const zeros = out.filter((value) => value === 0).length / out.length;
    const mean = out.reduce((sum, value) => sum + value, 0) / out.length;
    assert.ok(Math.abs(zeros - 0.2) < 0.005 && Math.abs(mean - 1) < 0.01);
    assert.notDeepEqual(bits(out), bits(other));
  });

  for (const [rows, inner, width] of [
    [1, 5, 8],
    [3, 80, 16],
    [4, 1, 32],
    [130, 12, 40],
  ] as const) {
    it(`multiply ${rows}x${inner} by ${inner}x${width} and the transposes as exact sums of rounded products`, () => {
      const a = normals(rows * inner);
      const b = normals(inner * width);
      const expected = summed(rows, inner, width, (i, k, j) => [a[i * inner + k] as number, b[k * width + j] as number]);
      const at = tf.tensor2d(a, [rows, inner]);
      const bt = tf.tensor2d(b, [inner, width]);

      assert.deepEqual(bits(valuesOf(() => tf.matMul(at, bt))), bits(expected));

      const left = normals(rows * 4);
      const right = normals(rows * width);
      const gradient = summed(4, rows, width, (i, k, j) => [left[k * 4 + i] as number, right[k * width + j] as number]);
      assert.deepEqual(
        bits(valuesOf(() => tf.matMul(tf.tensor2d(left, [rows, 4]), tf.tensor2d(right, [rows, width]), true, false))),
        bits(gradient),
      );
    });
  }

  it('survive a growth of the memory between two runs', () => {
    const x = normals(COLS * 8);
    const sparseMatrix = new SparseMatrix(csr);
    const xt = tf.tensor2d(x, [COLS, 8]);
    const before = valuesOf(() => kernelOps.sparseProduct(sparseMatrix, xt));
    const large = Array.from({ length: 6 }, () => tf.zeros([4_000_000]));

    const after = valuesOf(() => kernelOps.sparseProduct(sparseMatrix, xt));

    assert.deepEqual(bits(after), bits(before));
    tf.dispose([...large, xt]);
    sparseMatrix.dispose();
  });
});

describe('memory of the wasm backend', () => {
  it('is refused where its allocator answers address 0, which is its way of saying that there is none', () => {
    const full = { getMemoryOffset: () => 0 } as unknown as WasmBackend;

    assert.throws(
      () => checkAllocated(full, { dataId: {}, shape: [3, 3], dtype: 'float32' }),
      (error) => error instanceof AppError && error.code === 'invalid_request',
    );
    assert.doesNotThrow(() => checkAllocated(full, { dataId: {}, shape: [0, 3], dtype: 'float32' }));
  });
});

for (const backend of ['cpu', 'wasm'] as const) {
  for (const simd of backend === 'wasm' ? [true, false] : [true]) {
    describe(`mended kernels on ${backend}${backend === 'wasm' && !simd ? ' without SIMD' : ''}`, () => {
      before(async () => {
        await loadBackend([backend]);
        allowSimd(simd);
      });

      it('sum segments, and leave out ids that are none', () => {
        const values = tf.tensor2d([1, 2, 3, 4, 5, 6, 7, 8], [4, 2]);

        const sums = valuesOf(() => tf.unsortedSegmentSum(values, tf.tensor1d([2, 0, 2, 0], 'int32'), 3));

        assert.deepEqual([...sums], [10, 12, 0, 0, 6, 8]);
      });

      it('gather rows, and refuse one that is not there', () => {
        const values = tf.tensor2d([1, 2, 3, 4, 5, 6], [3, 2]);

        assert.deepEqual([...valuesOf(() => tf.gather(values, tf.tensor1d([2, 0, 2], 'int32')))], [5, 6, 1, 2, 5, 6]);
        assert.throws(() => tf.gather(values, tf.tensor1d([3], 'int32')), RangeError);
      });

      for (const [transposeA, transposeB] of [
        [false, false],
        [true, false],
        [false, true],
        [true, true],
      ] as const) {
        it(`multiply ${transposeA ? 'a transposed' : 'a'} by ${transposeB ? 'b transposed' : 'b'}`, () => {
          const a = tf.tensor2d(transposeA ? [1, 3, 5, 2, 4, 6] : [1, 2, 3, 4, 5, 6], transposeA ? [2, 3] : [3, 2]);
          const b = tf.tensor2d(transposeB ? [1, 0, 2, 1] : [1, 2, 0, 1], [2, 2]);

          assert.deepEqual([...valuesOf(() => tf.matMul(a, b, transposeA, transposeB))], [1, 4, 3, 10, 5, 16]);
        });
      }

      it('share a tensor between its handles, and free it with the last one', () => {
        const numbers = tf.memory().numTensors;
        const x = tf.tensor1d([1, 2, 3]);
        const copy = x.clone();
        x.dispose();

        assert.deepEqual([...copy.dataSync()], [1, 2, 3]);
        copy.dispose();
        assert.equal(tf.memory().numTensors, numbers);
        allowSimd(true);
      });
    });
  }
}

describe('sparse matrices', () => {
  it('give themselves back when transposed twice', () => {
    const again = transpose(transpose(csr));

    const x = matrix(COLS, 5, normals(COLS * 5));
    assert.deepEqual(sparse(again, x).values.map(Math.fround), sparse(csr, x).values.map(Math.fround));
    assert.deepEqual([again.rows, again.cols, again.col.length], [ROWS, COLS, csr.col.length]);
  });

  it('keep the edges of a slice, and drop those from outside', () => {
    const whole = csrOf(4, [0, 1, 2, 3, 0], [1, 2, 3, 3, 3]);

    const slice = sliceCsr(whole, 2, 4, 1, 4);

    assert.deepEqual([...slice.rowPtr], [0, 1, 3]);
    assert.deepEqual([...slice.col], [0, 1, 2]);
  });

  it('stack a node before its relations', () => {
    const before = csrOf(3, [0, 1], [1, 2]);

    const stacked = stackWithSelf([before], 3, 3, 0);

    const x = matrix(3, 1, [10, 20, 30]);
    assert.deepEqual([...sparse(stacked, x).values], [10, 0, 20, 10, 30, 20]);
  });
});

/** `Σ_k a · b`, each product and each sum rounded to 32 bits, in the order of k. */
function summed(rows: number, inner: number, width: number, pair: (i: number, k: number, j: number) => [number, number]): Float32Array {
  const out = new Float32Array(rows * width);
  for (let i = 0; i < rows; i++) {
    for (let j = 0; j < width; j++) {
      let sum = 0;
      for (let k = 0; k < inner; k++) {
        const [x, y] = pair(i, k, j);
        sum = Math.fround(sum + Math.fround(x * y));
      }
      out[i * width + j] = sum;
    }
  }
  return out;
}
