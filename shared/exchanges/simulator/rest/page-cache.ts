import type { CandleFacts } from '../market.ts';

/** Candles of one block, rendered: rows parted by commas, `starts[i]` is where row i begins, with one more for the end behind a last comma. */
interface Block {
  readonly bytes: Buffer;
  readonly starts: Uint32Array;
}

/** Candles in a block: pages of a thousand touch two or three. */
export const BLOCK_ROWS = 512;

/**
 * Rendered candles, because a page is asked for more often than it changes: closed candles never do. The blocks used last are kept, up to
 * `mostBytes` in all.
 */
export class PageCache {
  readonly #blocks = new Map<string, Block>();
  readonly #mostBytes: number;
  #bytes = 0;

  constructor(mostBytes: number) {
    this.#mostBytes = mostBytes;
  }

  /** Bytes of the rows `[from, to)`, without brackets; `makeRow` renders a row, `makeFacts` gives the rows of a block. */
  slices(key: string, from: number, to: number, makeFacts: (from: number, to: number) => CandleFacts[], makeRow: (row: CandleFacts) => string): Buffer[] {
    const slices: Buffer[] = [];
    for (let index = from; index < to; ) {
      const number = Math.floor(index / BLOCK_ROWS);
      const first = number * BLOCK_ROWS;
      const block = this.#block(`${key}#${number}`, () => render(makeFacts(first, first + BLOCK_ROWS), makeRow));
      const end = Math.min(to, first + BLOCK_ROWS);
      slices.push(block.bytes.subarray(block.starts[index - first] as number, (block.starts[end - first] as number) - 1));
      index = end;
    }
    return slices;
  }

  #block(key: string, make: () => Block): Block {
    const known = this.#blocks.get(key);
    if (known !== undefined) {
      this.#blocks.delete(key);
      this.#blocks.set(key, known);
      return known;
    }
    const made = make();
    this.#blocks.set(key, made);
    this.#bytes += made.bytes.length;
    for (const [oldest, block] of this.#blocks) {
      if (this.#bytes <= this.#mostBytes || oldest === key) break;
      this.#blocks.delete(oldest);
      this.#bytes -= block.bytes.length;
    }
    return made;
  }
}

function render(rows: readonly CandleFacts[], makeRow: (row: CandleFacts) => string): Block {
  const starts = new Uint32Array(rows.length + 1);
  let text = '';
  for (let index = 0; index < rows.length; index++) {
    const row = makeRow(rows[index] as CandleFacts);
    text += index === 0 ? row : `,${row}`;
    starts[index + 1] = text.length + 1;
  }
  return { bytes: Buffer.from(text, 'latin1'), starts };
}
