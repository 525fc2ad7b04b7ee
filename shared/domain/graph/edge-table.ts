import type { Relation } from './graph.ts';

/** What stands on the edges of each relation, beside `src` and `dst`. */
export const EDGE_COLUMNS = {
  /** Bars between the two. */
  next: ['lag'],
  /** Bars between the two, and the slope of the line of sight in log price a bar. */
  visible: ['dt', 'slope'],
  /** Correlation of returns over the `win` bars before `as_of` (the close of the newest bar that went in, epoch ms). */
  corr: ['rho', 'win', 'as_of'],
  /** The same for the return of `src`'s symbol and that of `dst`'s `lag` bars later. */
  leads: ['lag', 'rho', 'win', 'as_of'],
} as const satisfies Record<Relation, readonly string[]>;

/** Edges of one relation, by (`dst`, `src`). `columns` are those of `EDGE_COLUMNS`, one entry an edge. */
export interface EdgeTable {
  readonly src: Int32Array;
  readonly dst: Int32Array;
  readonly columns: readonly Float64Array[];
}

/** An edge table that grows. */
export interface EdgeBuffer {
  push(src: number, dst: number, ...values: readonly number[]): void;
  finish(): EdgeTable;
}

/** A buffer for edges with `columnCount` columns; edges must come by (`dst`, `src`). */
export function createEdgeBuffer(columnCount: number): EdgeBuffer {
  let capacity = 1_024;
  let count = 0;
  let src = new Int32Array(capacity);
  let dst = new Int32Array(capacity);
  let columns = Array.from({ length: columnCount }, () => new Float64Array(capacity));
  const grow = (): void => {
    capacity *= 2;
    src = grown(src, new Int32Array(capacity));
    dst = grown(dst, new Int32Array(capacity));
    columns = columns.map((column) => grown(column, new Float64Array(capacity)));
  };
  return {
    push(from, to, ...values) {
      if (count === capacity) grow();
      src[count] = from;
      dst[count] = to;
      for (let k = 0; k < columnCount; k++) (columns[k] as Float64Array)[count] = values[k] as number;
      count++;
    },
    finish: () => ({ src: src.slice(0, count), dst: dst.slice(0, count), columns: columns.map((column) => column.slice(0, count)) }),
  };
}

function grown<A extends Int32Array | Float64Array>(old: A, larger: A): A {
  larger.set(old);
  return larger;
}
