import type { Csr } from '../../../shared/gnn/csr.ts';

/** Matrices in double precision, row-major: what kernels and gradients are held against. */
export interface Matrix {
  readonly rows: number;
  readonly cols: number;
  readonly values: Float64Array;
}

export const matrix = (rows: number, cols: number, values: ArrayLike<number>): Matrix => ({
  rows,
  cols,
  values: Float64Array.from(values),
});

export function product(a: Matrix, b: Matrix): Matrix {
  const out = new Float64Array(a.rows * b.cols);
  for (let i = 0; i < a.rows; i++) {
    for (let q = 0; q < a.cols; q++) {
      for (let j = 0; j < b.cols; j++)
        out[i * b.cols + j] = at(out, i * b.cols + j) + at(a.values, i * a.cols + q) * at(b.values, q * b.cols + j);
    }
  }
  return { rows: a.rows, cols: b.cols, values: out };
}

export function sparse(csr: Csr, x: Matrix): Matrix {
  const out = new Float64Array(csr.rows * x.cols);
  for (let i = 0; i < csr.rows; i++) {
    for (let e = at(csr.rowPtr, i); e < at(csr.rowPtr, i + 1); e++) {
      for (let k = 0; k < x.cols; k++) {
        out[i * x.cols + k] = at(out, i * x.cols + k) + at(csr.val, e) * at(x.values, at(csr.col, e) * x.cols + k);
      }
    }
  }
  return { rows: csr.rows, cols: x.cols, values: out };
}

/** Adds a row to every row, or a matrix of the same size. */
export function plus(a: Matrix, b: ArrayLike<number>): Matrix {
  return { ...a, values: a.values.map((value, i) => value + at(b, i % b.length)) };
}

export function map(a: Matrix, f: (value: number, index: number) => number): Matrix {
  return { ...a, values: a.values.map(f) };
}

export const relu = (a: Matrix): Matrix => map(a, (value) => Math.max(0, value));

/** `[rows, cols]` read as rows of another width. */
export function reshape(a: Matrix, cols: number): Matrix {
  return { rows: a.values.length / cols, cols, values: a.values };
}

/** Mean cross-entropy of the rows with a class. */
export function crossEntropy(logits: Matrix, classes: ArrayLike<number>): number {
  let total = 0;
  let count = 0;
  for (let i = 0; i < logits.rows; i++) {
    const label = at(classes, i);
    if (label < 0) continue;
    const row = logits.values.subarray(i * logits.cols, (i + 1) * logits.cols);
    const highest = Math.max(...row);
    total += highest + Math.log(row.reduce((sum, value) => sum + Math.exp(value - highest), 0)) - at(row, label);
    count++;
  }
  return total / count;
}

function at(values: ArrayLike<number>, index: number): number {
  return values[index] as number;
}
