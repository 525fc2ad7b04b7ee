import { RELATIONS, type Relation } from '../domain/graph/graph.ts';
import { type Csr, csrOf, rowMean, stackWithSelf } from './csr.ts';
import { spmm } from './loops.ts';

/** A graph as training takes it: typed arrays by node (`t · symbols + s`), edges by relation. Moves between processes as it is. */
export interface TrainingGraph {
  readonly symbols: number;
  readonly bars: number;
  readonly features: number;
  /** One entry a bar, epoch ms. */
  readonly openTime: Float64Array;
  readonly close: Float64Array;
  readonly imputed: Uint8Array;
  /** Row-major `[nodes, features]`. */
  readonly x: Float32Array;
  readonly edges: Readonly<Record<Relation, { readonly src: Int32Array; readonly dst: Int32Array }>>;
}

/** Mean and standard deviation of each feature over training nodes. */
export interface Scaler {
  readonly mean: readonly number[];
  readonly std: readonly number[];
}

/** Scaled features are cut here: a flash crash is large, not a hundred times as large. */
export const CLIP = 10;

/** Fits on the nodes of bars `[fromBar, toBar)` that have candles, and on nothing else. A feature that never moves gets the deviation 1. */
export function fitScaler(graph: TrainingGraph, fromBar: number, toBar: number): Scaler {
  const { symbols, features, x, imputed } = graph;
  const mean = new Float64Array(features);
  const square = new Float64Array(features);
  let count = 0;
  for (let node = fromBar * symbols; node < toBar * symbols; node++) {
    if (imputed[node] !== 0) continue;
    count++;
    for (let k = 0; k < features; k++) {
      const delta = (x[node * features + k] as number) - (mean[k] as number);
      mean[k] = (mean[k] as number) + delta / count;
      square[k] = (square[k] as number) + delta * ((x[node * features + k] as number) - (mean[k] as number));
    }
  }
  const std = Array.from(square, (sum) => Math.sqrt(sum / Math.max(1, count)));
  return { mean: Array.from(mean), std: std.map((deviation) => (deviation > 1e-9 ? deviation : 1)) };
}

/** Features as models see them: scaled, cut at `CLIP`; zeros where there is no candle. */
export function scaled(graph: TrainingGraph, scaler: Scaler): Float32Array {
  const { features, x, imputed } = graph;
  const z = new Float32Array(x.length);
  for (let i = 0; i < x.length; i++) {
    const k = i % features;
    if (imputed[(i - k) / features] !== 0) continue;
    z[i] = Math.max(-CLIP, Math.min(CLIP, ((x[i] as number) - (scaler.mean[k] as number)) / (scaler.std[k] as number)));
  }
  return z;
}

/** The relations as mean matrices, in the order of `RELATIONS`. */
export function relationMatrices(graph: TrainingGraph): Csr[] {
  const nodes = graph.bars * graph.symbols;
  return RELATIONS.map((relation) => rowMean(csrOf(nodes, graph.edges[relation].src, graph.edges[relation].dst)));
}

/** `[nodes, (R + 1) · F]`: features beside their means over each relation. They never change, so no training step has to gather them again. */
export function gatherFeatures(z: Float32Array, relations: readonly Csr[], nodes: number, features: number): Float32Array {
  const stack = stackWithSelf(relations, nodes, nodes, 0);
  const gathered = new Float32Array(stack.rows * features);
  spmm(stack, stack.val, z, features, gathered);
  return gathered;
}

/** How many bars back the longest edge reaches: the halo that one layer needs. */
export function reachOf(graph: TrainingGraph): number {
  let reach = 0;
  for (const { src, dst } of Object.values(graph.edges)) {
    for (let e = 0; e < src.length; e++) {
      reach = Math.max(reach, Math.floor((dst[e] as number) / graph.symbols) - Math.floor((src[e] as number) / graph.symbols));
    }
  }
  return reach;
}
