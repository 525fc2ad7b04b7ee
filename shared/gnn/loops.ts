import type { Csr } from './csr.ts';

/**
 * Sparse times dense: `out[i, k] = Σ_e val[e] · x[col[e], k]` over the edges of row `i`. `x` is `[cols, width]`, `out` `[rows, width]`, row-major.
 * Each product and each sum is rounded to 32 bits, in the order of the edges: the SIMD kernel gives the same bits.
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

/** `out = y > 0 ? dy : 0`. */
export function reluGrad(dy: Float32Array, y: Float32Array, out: Float32Array): void {
  const count = out.length;
  for (let i = 0; i < count; i++) out[i] = (y[i] as number) > 0 ? (dy[i] as number) : 0;
}

/** `out[k] = Σ_i x[i, k]` for `x` of `[rows, width]`, every sum rounded to 32 bits. */
export function columnSums(x: Float32Array, width: number, out: Float32Array): void {
  const fround = Math.fround;
  for (let k = 0; k < width; k++) {
    let sum = 0;
    for (let at = k; at < x.length; at += width) sum = fround(sum + (x[at] as number));
    out[k] = sum;
  }
}

/** What is dropped: a seed makes the same choice again, so a gradient needs no mask. */
export interface DropoutPlan {
  /** 32 bits. */
  readonly seed: number;
  /** In [0, 1). */
  readonly share: number;
}

/** A value is dropped where its hash lies below this, unsigned; the rest is scaled up. */
export function dropoutNumbers({ share }: DropoutPlan): { readonly threshold: number; readonly scale: number } {
  return { threshold: Math.floor(share * 4_294_967_296), scale: Math.fround(1 / (1 - share)) };
}

/** Drops values by the hash of mulberry32 over their index, and scales the rest, so that the mean stays. */
export function dropout(x: Float32Array, plan: DropoutPlan, out: Float32Array): void {
  const { threshold, scale } = dropoutNumbers(plan);
  const count = out.length;
  let state = plan.seed | 0;
  for (let i = 0; i < count; i++) {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    out[i] = (t ^ (t >>> 14)) >>> 0 < threshold ? 0 : (x[i] as number) * scale;
  }
}
