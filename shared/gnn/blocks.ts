import * as tf from '@tensorflow/tfjs';
import { type Csr, sliceCsr, stackWithSelf } from './csr.ts';
import type { RowLabels } from './dense-kernels.ts';
import type { ModelInput } from './models/model.ts';
import { SparseMatrix } from './sparse-matrix.ts';
import type { BarRange } from './split.ts';

/** What blocks are cut from. `width` is that of a row of `gathered`; without relations a model sees nothing but its own rows. */
export interface BlockSource {
  readonly symbols: number;
  readonly gathered: Float32Array;
  readonly width: number;
  readonly relations: readonly Csr[];
  /** Bars that one layer looks back. */
  readonly reach: number;
  readonly layers: number;
  /** Class of every node, -1 for none. */
  readonly classes: Int32Array;
}

/** A range of time with all that its nodes can hear through the layers: the first layer is gathered already, each further one adds a halo of `reach` bars. */
export interface Block {
  /** First node of the block, and the node behind its last. */
  readonly from: number;
  readonly to: number;
  readonly labels: RowLabels;
  /** The block as tensors; the caller disposes `gathered` and `own`, the stacks stay. */
  input(): ModelInput;
  dispose(): void;
}

/** Cuts `[range.from, range.to)` into blocks of at most `blockBars` bars. */
export function cutBlocks(source: BlockSource, range: BarRange, blockBars: number): Block[] {
  const blocks: Block[] = [];
  for (let bar = range.from; bar < range.to; bar += blockBars) blocks.push(cutBlock(source, bar, Math.min(range.to, bar + blockBars)));
  return blocks;
}

function cutBlock(source: BlockSource, fromBar: number, toBar: number): Block {
  const { symbols, relations, reach, layers, gathered, width } = source;
  const to = toBar * symbols;
  const startOf = (layer: number): number => Math.max(0, fromBar - (relations.length === 0 ? 0 : (layers - 1 - layer) * reach)) * symbols;
  const from = startOf(layers - 1);
  const halo = startOf(0);
  const stacks = Array.from({ length: relations.length === 0 ? 0 : layers - 1 }, (_, l) => {
    const before = startOf(l);
    const own = startOf(l + 1);
    const cut = relations.map((relation) => sliceCsr(relation, own, to, before, to));
    return new SparseMatrix(stackWithSelf(cut, to - own, to - before, own - before));
  });
  const classes = source.classes.slice(from, to);
  return {
    from,
    to,
    labels: { classes, count: classes.reduce((sum, label) => sum + (label >= 0 ? 1 : 0), 0) },
    input() {
      const rows = (first: number): tf.Tensor2D => tf.tensor2d(gathered.subarray(first * width, to * width), [to - first, width]);
      const all = rows(halo);
      return { gathered: all, own: halo === from ? all : rows(from), stacks };
    },
    dispose: () => {
      for (const stack of stacks) stack.dispose();
    },
  };
}
