import { RELATIONS } from '../../shared/domain/graph/graph.ts';
import { loadBackend } from '../../shared/gnn/backend.ts';
import { allowSimd } from '../../shared/gnn/heap.ts';
import { type EpochCase, measureEpochs } from '../../shared/gnn/measure-epoch.ts';
import { type Bench, type Figure, scaled } from './bench.ts';

/** The first epochs compile kernels and fill pools. */
const EPOCHS = 15;
const NODES = scaled(50_000, 1_000);
const EDGES_PER_NODE = 8;

/** Milliseconds of the fastest epoch. */
function fastestEpoch(relations: number): number {
  const graph: EpochCase = { nodes: NODES, edges: NODES * EDGES_PER_NODE, relations, features: 16, hidden: 32, classes: 3 };
  return Math.min(...measureEpochs(graph, EPOCHS, () => performance.now()));
}

function figureOf(name: string, relations: number, goal?: string): Figure {
  const value = fastestEpoch(relations);
  allowSimd(false);
  const floor = fastestEpoch(relations);
  allowSimd(true);
  return { name, value, unit: 'ms', floor, against: 'the sparse products as loops in JavaScript', ...(goal === undefined ? {} : { goal }) };
}

/** One epoch of training, whole batch. */
const bench: Bench = {
  name: 'train',
  what: `one full-batch epoch of a two-layer GraphSAGE, ${NODES.toLocaleString('en-US')} nodes, ${(NODES * EDGES_PER_NODE).toLocaleString('en-US')} edges, 16 features, H=32, wasm with SIMD`,
  async run() {
    const { simd } = await loadBackend(['wasm']);
    if (!simd) throw new Error('this engine has no WebAssembly SIMD');
    return [figureOf('plain', 1, '62 ms'), figureOf(`relational, ${RELATIONS.length} relations`, RELATIONS.length)];
  },
};

export default bench;
