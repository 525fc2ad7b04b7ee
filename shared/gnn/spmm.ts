import type { Csr } from './csr.ts';

/**
 * Sparse times dense: `out[i, k] = Σ_e val[e] · x[col[e], k]` over the edges of row `i`. `x` is `[cols, width]`, `out` `[rows, width]`, row-major.
 * Each product and each sum is rounded to 32 bits, in the order of the edges: the SIMD kernel (`spmm.wat`) gives the same bits.
 */
export function spmm(matrix: Csr, val: Float32Array, x: Float32Array, width: number, out: Float32Array): void {
  const { rows, rowPtr, col } = matrix;
  const fround = Math.fround;
  const inFours = width - (width % 4);
  for (let i = 0; i < rows; i++) {
    const first = rowPtr[i] as number;
    const last = rowPtr[i + 1] as number;
    const row = i * width;
    for (let k = 0; k < inFours; k += 4) {
      let s0 = 0;
      let s1 = 0;
      let s2 = 0;
      let s3 = 0;
      for (let e = first; e < last; e++) {
        const v = val[e] as number;
        const j = (col[e] as number) * width + k;
        s0 = fround(s0 + fround(v * (x[j] as number)));
        s1 = fround(s1 + fround(v * (x[j + 1] as number)));
        s2 = fround(s2 + fround(v * (x[j + 2] as number)));
        s3 = fround(s3 + fround(v * (x[j + 3] as number)));
      }
      out[row + k] = s0;
      out[row + k + 1] = s1;
      out[row + k + 2] = s2;
      out[row + k + 3] = s3;
    }
    for (let k = inFours; k < width; k++) {
      let s = 0;
      for (let e = first; e < last; e++) s = fround(s + fround((val[e] as number) * (x[(col[e] as number) * width + k] as number)));
      out[row + k] = s;
    }
  }
}
