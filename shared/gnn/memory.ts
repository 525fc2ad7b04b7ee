import { AppError } from '../domain/errors.ts';
import type { BlockSource } from './blocks.ts';

/** Half of what WebAssembly can address: its allocator fails without a word, so we stop long before. */
const MOST_BYTES = 2 * 1024 ** 3;

/** Copies of a layer's values that live at once while its gradient is taken: forward, saved handles, gradients, transposes. */
const LIVE_COPIES = 8;

/** Bytes on the backend that training on blocks of `blockBars` bars takes at most: all edges, forth and back, and one block's layers. */
export function trainingBytes(source: BlockSource, hidden: number, blockBars: number): number {
  const parts = source.relations.length + 1;
  const nodes = source.gathered.length / source.width;
  const edges = source.relations.reduce((sum, relation) => sum + relation.col.length, nodes);
  const stacks = (source.layers - 1) * (2 * edges * 8 + (parts + 1) * nodes * 4);
  const blockNodes = (blockBars + source.layers * source.reach) * source.symbols;
  const block = blockNodes * (2 * source.width + LIVE_COPIES * parts * hidden) * 4;
  return stacks + block;
}

/** Throws `invalid_request` where a training would not fit. */
export function checkMemory(source: BlockSource, hidden: number, blockBars: number): void {
  const bytes = trainingBytes(source, hidden, blockBars);
  if (bytes > MOST_BYTES) {
    throw new AppError(
      'invalid_request',
      `This training would take ${Math.ceil(bytes / 2 ** 20)} MiB on the backend, more than ${MOST_BYTES / 2 ** 20}; use fewer bars, symbols or hidden units.`,
      { bytes },
    );
  }
}
