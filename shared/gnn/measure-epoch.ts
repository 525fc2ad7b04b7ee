import { createAdam } from './adam.ts';
import { cutBlocks } from './blocks.ts';
import { csrOf, rowMean } from './csr.ts';
import { gradientsOf } from './fit.ts';
import { readWeights, writeWeights } from './models/model.ts';
import { createRsage } from './models/rsage.ts';
import { createRng } from './rng.ts';
import { gatherFeatures } from './training-graph.ts';

/** A graph to measure on. One relation is the plain GraphSAGE; edges are shared out among the relations. */
export interface EpochCase {
  readonly nodes: number;
  readonly edges: number;
  readonly relations: number;
  readonly features: number;
  readonly hidden: number;
  readonly classes: number;
}

/**
 * Milliseconds of each of `epochs` full-batch epochs (forward, backward, Adam) of a two-layer GraphSAGE with a linear head on a random graph, on the backend that
 * is loaded. Neighbour means of the features are gathered before, as in training. `now` is a clock in milliseconds.
 */
export function measureEpochs(graph: EpochCase, epochs: number, now: () => number): number[] {
  const { nodes, relations, features, hidden, classes } = graph;
  const rng = createRng(1);
  const matrices = Array.from({ length: relations }, () => {
    const count = Math.floor(graph.edges / relations);
    const dst = Int32Array.from({ length: count }, (_, e) => Math.floor((e * nodes) / count));
    const src = dst.map((node) => Math.max(0, node - 1 - rng.integer(240)));
    return rowMean(csrOf(nodes, src, dst));
  });
  const x = Float32Array.from({ length: nodes * features }, () => rng.normal());
  const [block] = cutBlocks(
    {
      symbols: 1,
      gathered: gatherFeatures(x, matrices, nodes, features),
      width: (relations + 1) * features,
      relations: matrices,
      reach: 0,
      layers: 2,
      classes: Int32Array.from({ length: nodes }, () => rng.integer(classes)),
    },
    { from: 0, to: nodes },
    nodes,
  );
  if (block === undefined) return [];
  const model = createRsage({ features, relations, hidden, layers: 2, classes, wide: false }, 1);
  const adam = createAdam({ rate: 0.005, l2: 0 });
  const weights = readWeights(model);
  const times = Array.from({ length: epochs }, () => {
    const start = now();
    adam(weights, gradientsOf(model, block));
    writeWeights(model, weights);
    return now() - start;
  });
  model.dispose();
  block.dispose();
  return times;
}
