/** Rows of a recording, kept as the bytes they came in: nothing is lost by reading, and text is cut up only when it is asked for. */
export interface RowTable {
  readonly length: number;
  /** Open time (epoch ms) of a candle, id of a trade or aggregate; rising. */
  readonly keys: Float64Array;
  /** Next open time (epoch ms) of a candle, time in epoch µs of a trade or aggregate. */
  readonly times: Float64Array;
  /** Decimals that prices and quantities have at most, zeros at the end not counted. */
  readonly priceDecimals: number;
  readonly quantityDecimals: number;
  /** The row's columns, as written. */
  columns(index: number): string[];
}

const FIRST_SIZE = 1_024;

/** Gathers rows of any number of files in any order; `finish` sorts them by key and keeps the first of equal keys. */
export class RowTableBuilder {
  readonly #files: Buffer[] = [];
  #keys = new Float64Array(FIRST_SIZE);
  #times = new Float64Array(FIRST_SIZE);
  #starts = new Uint32Array(FIRST_SIZE);
  #ends = new Uint32Array(FIRST_SIZE);
  #fileOf = new Uint16Array(FIRST_SIZE);
  #length = 0;
  priceDecimals = 0;
  quantityDecimals = 0;

  get length(): number {
    return this.#length;
  }

  /** Rows added after this lie in `bytes`. */
  addFile(bytes: Buffer): void {
    this.#files.push(bytes);
  }

  addRow(key: number, time: number, start: number, end: number): void {
    if (this.#length === this.#keys.length) this.#grow();
    const index = this.#length++;
    this.#keys[index] = key;
    this.#times[index] = time;
    this.#starts[index] = start;
    this.#ends[index] = end;
    this.#fileOf[index] = this.#files.length - 1;
  }

  finish(): RowTable {
    const order = this.#order();
    const files = this.#files;
    const [starts, ends, fileOf] = [this.#starts, this.#ends, this.#fileOf];
    const keys = Float64Array.from(order, (row) => this.#keys[row] as number);
    const times = Float64Array.from(order, (row) => this.#times[row] as number);
    return {
      length: order.length,
      keys,
      times,
      priceDecimals: this.priceDecimals,
      quantityDecimals: this.quantityDecimals,
      columns(index) {
        const row = order[index] as number;
        const file = files[fileOf[row] as number] as Buffer;
        return file.toString('latin1', starts[row], ends[row]).split(',');
      },
    };
  }

  /** Row numbers by rising key, the first row of each key only. */
  #order(): Uint32Array {
    const keys = this.#keys;
    let order = Uint32Array.from({ length: this.#length }, (_, row) => row);
    const isSorted = order.every((row) => row === 0 || (keys[row - 1] as number) < (keys[row] as number));
    if (isSorted) return order;
    order.sort((a, b) => (keys[a] as number) - (keys[b] as number) || a - b);
    order = order.filter((row, place) => place === 0 || keys[row] !== keys[order[place - 1] as number]);
    return order;
  }

  #grow(): void {
    const size = this.#keys.length * 2;
    const moved = <T extends Float64Array | Uint32Array | Uint16Array>(from: T, to: T): T => {
      to.set(from);
      return to;
    };
    this.#keys = moved(this.#keys, new Float64Array(size));
    this.#times = moved(this.#times, new Float64Array(size));
    this.#starts = moved(this.#starts, new Uint32Array(size));
    this.#ends = moved(this.#ends, new Uint32Array(size));
    this.#fileOf = moved(this.#fileOf, new Uint16Array(size));
  }
}

/** Index of the first of `values[0..length)` (rising) at or above `wanted`. */
export function firstAtOrAbove(values: Float64Array, length: number, wanted: number): number {
  let [low, high] = [0, length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((values[middle] as number) < wanted) low = middle + 1;
    else high = middle;
  }
  return low;
}
