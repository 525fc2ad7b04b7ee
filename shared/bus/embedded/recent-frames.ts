import type { ReadReply, ReadRequest } from './protocol.ts';

/** Frames that are kept in memory, of all partitions together. */
const KEPT_BYTES = 8 * 1_048_576;

interface Chunk {
  readonly base: number;
  readonly next: number;
  readonly frames: Uint8Array<ArrayBuffer>;
}

/**
 * The newest frames of the log, so that a reader that keeps up needs neither the file nor the thread. Of each partition they reach without a gap to its
 * end; the oldest leave first, whichever partition they are of.
 */
export class RecentFrames {
  /** By partition id. */
  readonly #chunks = new Map<number, Chunk[]>();
  readonly #oldest: number[] = [];
  #bytes = 0;

  /** Adds frames that are durable, behind those of the same partition that were added before. They are shared from now on: nobody writes into them. */
  add(id: number, base: number, count: number, frames: Uint8Array<ArrayBuffer>): void {
    const chunks = this.#chunks.get(id) ?? [];
    this.#chunks.set(id, chunks);
    chunks.push({ base, next: base + count, frames });
    this.#oldest.push(id);
    this.#bytes += frames.byteLength;
    while (this.#bytes > KEPT_BYTES) this.#bytes -= this.#chunks.get(this.#oldest.shift() as number)?.shift()?.frames.byteLength ?? 0;
  }

  /** What the file would answer, or undefined where it has to be asked. */
  read({ id, from, maxBytes }: ReadRequest): ReadReply | undefined {
    const chunks = this.#chunks.get(id) ?? [];
    const first = chunks.findIndex(({ base, next }) => base <= from && from < next);
    if (first < 0) return undefined;
    const taken: Uint8Array<ArrayBuffer>[] = [];
    let next = from;
    let bytes = 0;
    for (let index = first; index < chunks.length && (index === first || bytes < maxBytes); index += 1) {
      const chunk = chunks[index] as Chunk;
      taken.push(chunk.frames);
      bytes += chunk.frames.byteLength;
      next = chunk.next;
    }
    return { base: (chunks[first] as Chunk).base, next, chunks: taken };
  }
}
