import { type CandleInterval, DAY_MS, fixedLengthMs } from '../buckets.ts';
import type { RenderedRows } from '../market.ts';

/** Candles in a block of short intervals: pages of a thousand touch two or three. */
const MOST_ROWS = 512;
/** A block of long candles is made of no more days than this: each has to be made first. */
const MOST_DAYS = 32;

/** A table's rows, and how they are rendered. */
export interface PageSource {
  /** Names table and rendering: what is rendered under one key never changes. */
  readonly key: string;
  readonly interval: CandleInterval;
  /** Rows that are final now. */
  readonly closed: number;
  render(from: number, to: number): RenderedRows;
}

/**
 * Rendered candles, because a page is asked for more often than it changes: closed candles never do. The blocks used last are kept, up to
 * `mostBytes` in all.
 */
export class PageCache {
  readonly #blocks = new Map<string, RenderedRows>();
  readonly #mostBytes: number;
  #bytes = 0;

  constructor(mostBytes: number) {
    this.#mostBytes = mostBytes;
  }

  /** Bytes of the rows `[from, to)`, without brackets; `to` is at most `source.closed`. */
  slices(source: PageSource, from: number, to: number): Buffer[] {
    const size = rowsOfBlock(source.interval);
    const slices: Buffer[] = [];
    for (let index = from; index < to; ) {
      const first = Math.floor(index / size) * size;
      const end = Math.min(to, first + size);
      const block = this.#block(source, first, end - first, Math.min(size, source.closed - first));
      slices.push(block.bytes.subarray(block.starts[index - first] as number, (block.starts[end - first] as number) - 1));
      index = end;
    }
    return slices;
  }

  /** The block that begins at row `first`, with at least `needed` rows; made with all there are, up to `available`. */
  #block(source: PageSource, first: number, needed: number, available: number): RenderedRows {
    const key = `${source.key}#${first}`;
    const known = this.#blocks.get(key);
    if (known !== undefined) {
      this.#forget(key, known);
      if (known.starts.length > needed) return this.#remember(key, known);
    }
    return this.#remember(key, source.render(first, first + available));
  }

  #remember(key: string, block: RenderedRows): RenderedRows {
    this.#blocks.set(key, block);
    this.#bytes += block.bytes.length;
    for (const [oldest, old] of this.#blocks) {
      if (this.#bytes <= this.#mostBytes || oldest === key) break;
      this.#forget(oldest, old);
    }
    return block;
  }

  #forget(key: string, block: RenderedRows): void {
    this.#blocks.delete(key);
    this.#bytes -= block.bytes.length;
  }
}

function rowsOfBlock(interval: CandleInterval): number {
  const length = fixedLengthMs(interval) ?? MOST_DAYS * DAY_MS;
  return Math.max(1, Math.min(MOST_ROWS, Math.floor((MOST_DAYS * DAY_MS) / length)));
}
