/** Buffers kept for the next batch. */
const MOST_SPARE = 16;
/** Larger ones (depth snapshots) are left to the garbage collector. */
const LARGEST_SPARE_BYTES = 1_024 * 1_024;

/**
 * Buffers that go to the store's thread with a batch and come back with its answer, to be filled again: thousands of batches a minute would otherwise
 * leave their buffers behind in a thread whose own small heap seldom calls for a collection (measured: 60 MB more at the peak).
 */
export class SlotBuffers {
  readonly #spare: ArrayBuffer[] = [];

  /** `length` slots with any content. */
  take(length: number): Float64Array<ArrayBuffer> {
    const bytes = length * Float64Array.BYTES_PER_ELEMENT;
    const index = this.#spare.findIndex((buffer) => buffer.byteLength >= bytes);
    const [buffer] = index === -1 ? [] : this.#spare.splice(index, 1);
    return new Float64Array(buffer ?? new ArrayBuffer(bytes), 0, length);
  }

  giveBack(buffer: ArrayBuffer): void {
    if (buffer.byteLength > LARGEST_SPARE_BYTES) return;
    if (this.#spare.length >= MOST_SPARE) this.#spare.shift();
    this.#spare.push(buffer);
  }
}
