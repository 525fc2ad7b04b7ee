/** Adam (Kingma and Ba 2015) with L2 as a term `l2 · Σ w²` of the loss. Plain loops over plain numbers: the same steps on every backend. */
export interface AdamOptions {
  readonly rate: number;
  readonly l2: number;
  readonly beta1?: number;
  readonly beta2?: number;
  /** 1e-8 as in the paper; tfjs's own default differs. */
  readonly epsilon?: number;
}

/** Moves weights in place against their gradients. */
export type AdamStep = (weights: readonly Float32Array[], gradients: readonly Float32Array[]) => void;

export function createAdam({ rate, l2, beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8 }: AdamOptions): AdamStep {
  const first: Float32Array[] = [];
  const second: Float32Array[] = [];
  let step = 0;
  return (weights, gradients) => {
    step++;
    const correct1 = 1 - beta1 ** step;
    const correct2 = 1 - beta2 ** step;
    weights.forEach((w, k) => {
      const gradient = gradients[k] as Float32Array;
      first[k] ??= new Float32Array(w.length);
      second[k] ??= new Float32Array(w.length);
      const m = first[k];
      const v = second[k];
      for (let i = 0; i < w.length; i++) {
        const g = (gradient[i] as number) + 2 * l2 * (w[i] as number);
        m[i] = beta1 * (m[i] as number) + (1 - beta1) * g;
        v[i] = beta2 * (v[i] as number) + (1 - beta2) * g * g;
        w[i] = (w[i] as number) - (rate * ((m[i] as number) / correct1)) / (Math.sqrt((v[i] as number) / correct2) + epsilon);
      }
    });
  };
}
