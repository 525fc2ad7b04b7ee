/** What is predicted: `vol` the tercile of realised volatility over the next `horizon` bars, `dir` the sign of the return over them. */
export const LABEL_CLASSES = { vol: ['low', 'middle', 'high'], dir: ['down', 'up'] } as const;
export type Task = keyof typeof LABEL_CLASSES;

/** The prices of a graph, time-major (`t · symbols + s`). */
export interface Prices {
  readonly symbols: number;
  readonly bars: number;
  readonly close: Float64Array;
  readonly imputed: Uint8Array;
}

/**
 * The value behind the label of every node, NaN where there is none: the root mean square of the next `horizon` log returns (`vol`), or the log return over
 * them (`dir`). A node has a label where it and all `horizon` bars after it have candles; the label is known `horizon` bars later, not before.
 */
export function labelValues(prices: Prices, task: Task, horizon: number): Float64Array {
  const { symbols, bars, close, imputed } = prices;
  const values = new Float64Array(bars * symbols).fill(Number.NaN);
  for (let s = 0; s < symbols; s++) {
    for (let t = 0; t + horizon < bars; t++) {
      const value = labelAt(s + t * symbols);
      if (value !== undefined) values[t * symbols + s] = value;
    }
  }
  return values;

  function labelAt(node: number): number | undefined {
    if (imputed[node] !== 0) return undefined;
    let squares = 0;
    for (let k = 1; k <= horizon; k++) {
      const next = node + k * symbols;
      if (imputed[next] !== 0) return undefined;
      const step = Math.log((close[next] as number) / (close[next - symbols] as number));
      squares += step * step;
    }
    return task === 'vol' ? Math.sqrt(squares / horizon) : Math.log((close[node + horizon * symbols] as number) / (close[node] as number));
  }
}

/**
 * The cuts between classes, from training values alone: terciles of `vol` (sorted, the value at one and two thirds), zero for `dir`. A value above a cut
 * belongs to the class behind it.
 */
export function classCuts(task: Task, trainingValues: Float64Array): readonly number[] {
  if (task === 'dir') return [0];
  const sorted = trainingValues.filter((value) => !Number.isNaN(value)).sort();
  return [1 / 3, 2 / 3].map((share) => sorted[Math.floor(sorted.length * share)] ?? 0);
}

/** Class of every value; -1 where there is no label. */
export function classify(values: Float64Array, cuts: readonly number[]): Int32Array {
  return Int32Array.from(values, (value) => (Number.isNaN(value) ? -1 : cuts.filter((cut) => value > cut).length));
}
