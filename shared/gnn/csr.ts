/**
 * A sparse matrix by rows: the edges of row `i` are `rowPtr[i] … rowPtr[i + 1]`, each with its column and its weight.
 * Rows are receivers, columns senders: `A x` gathers what each node hears.
 */
export interface Csr {
  readonly rows: number;
  readonly cols: number;
  /** `rows + 1` entries. */
  readonly rowPtr: Int32Array;
  readonly col: Int32Array;
  readonly val: Float32Array;
}

/** Edges `src[e] -> dst[e]` as a matrix of `rows` receivers and `cols` senders (default the same number). Weight 1 unless given; edges of a row keep their order. */
export function csrOf(rows: number, src: ArrayLike<number>, dst: ArrayLike<number>, weights?: ArrayLike<number>, cols = rows): Csr {
  const edges = src.length;
  const rowPtr = new Int32Array(rows + 1);
  for (let e = 0; e < edges; e++) rowPtr[(dst[e] as number) + 1] = (rowPtr[(dst[e] as number) + 1] as number) + 1;
  for (let i = 0; i < rows; i++) rowPtr[i + 1] = (rowPtr[i + 1] as number) + (rowPtr[i] as number);
  const next = rowPtr.slice();
  const col = new Int32Array(edges);
  const val = new Float32Array(edges);
  for (let e = 0; e < edges; e++) {
    const row = dst[e] as number;
    const at = next[row] as number;
    next[row] = at + 1;
    col[at] = src[e] as number;
    val[at] = weights === undefined ? 1 : (weights[e] as number);
  }
  return { rows, cols, rowPtr, col, val };
}

/** The row of each edge. */
export function edgeRows(matrix: Csr): Int32Array {
  const rows = new Int32Array(matrix.col.length);
  for (let i = 0; i < matrix.rows; i++) rows.fill(i, matrix.rowPtr[i], matrix.rowPtr[i + 1]);
  return rows;
}

/** The transpose, for gradients: `A^T y` sends back what came. */
export function transpose(matrix: Csr): Csr {
  return csrOf(matrix.cols, edgeRows(matrix), matrix.col, matrix.val, matrix.rows);
}

/** Weights divided by their row's sum: the mean over incoming edges. It looks at receivers only, so nothing of the future enters (a sender's degree would). */
export function rowMean(matrix: Csr): Csr {
  const val = new Float32Array(matrix.val.length);
  for (let i = 0; i < matrix.rows; i++) {
    const first = matrix.rowPtr[i] as number;
    const last = matrix.rowPtr[i + 1] as number;
    let sum = 0;
    for (let e = first; e < last; e++) sum += matrix.val[e] as number;
    if (sum !== 0) for (let e = first; e < last; e++) val[e] = (matrix.val[e] as number) / sum;
  }
  return { ...matrix, val };
}

/** Rows `[rowFrom, rowTo)` and columns `[colFrom, colTo)`, renumbered from 0. Edges from columns outside are left out, weights stay as they are. */
export function sliceCsr(matrix: Csr, rowFrom: number, rowTo: number, colFrom: number, colTo: number): Csr {
  const rows = rowTo - rowFrom;
  const rowPtr = new Int32Array(rows + 1);
  const begin = matrix.rowPtr[rowFrom] as number;
  const end = matrix.rowPtr[rowTo] as number;
  const col = new Int32Array(end - begin);
  const val = new Float32Array(end - begin);
  let count = 0;
  for (let i = 0; i < rows; i++) {
    const last = matrix.rowPtr[rowFrom + i + 1] as number;
    for (let e = matrix.rowPtr[rowFrom + i] as number; e < last; e++) {
      const c = matrix.col[e] as number;
      if (c < colFrom || c >= colTo) continue;
      col[count] = c - colFrom;
      val[count] = matrix.val[e] as number;
      count++;
    }
    rowPtr[i + 1] = count;
  }
  return { rows, cols: colTo - colFrom, rowPtr, col: col.subarray(0, count), val: val.subarray(0, count) };
}

/**
 * A node beside what its relations bring it, as one matrix: row `i · (R + 1)` picks node `i` itself, the R rows behind it are row `i` of each
 * relation. `S h` of shape `[rows · (R + 1), H]` reads as `[rows, (R + 1) · H]` without a copy: one product for all relations. The nodes
 * themselves are columns `selfFrom … selfFrom + rows`.
 */
export function stackWithSelf(relations: readonly Csr[], rows: number, cols: number, selfFrom: number): Csr {
  const width = relations.length + 1;
  const edges = relations.reduce((sum, relation) => sum + relation.col.length, rows);
  const rowPtr = new Int32Array(rows * width + 1);
  const col = new Int32Array(edges);
  const val = new Float32Array(edges);
  let count = 0;
  for (let i = 0; i < rows; i++) {
    col[count] = selfFrom + i;
    val[count] = 1;
    rowPtr[i * width + 1] = ++count;
    for (let r = 1; r < width; r++) {
      const relation = relations[r - 1] as Csr;
      const last = relation.rowPtr[i + 1] as number;
      for (let e = relation.rowPtr[i] as number; e < last; e++) {
        col[count] = relation.col[e] as number;
        val[count] = relation.val[e] as number;
        count++;
      }
      rowPtr[i * width + r + 1] = count;
    }
  }
  return { rows: rows * width, cols, rowPtr, col, val };
}

/** Kipf's normalisation `D^-1/2 (A + I) D^-1/2` for undirected graphs. On directed time edges it leaks the future: for parity tests only. */
export function symmetricNorm(matrix: Csr): Csr {
  const rows = edgeRows(matrix);
  const src: number[] = [];
  const dst: number[] = [];
  const weights: number[] = [];
  const degree = new Float64Array(matrix.rows).fill(1);
  for (let e = 0; e < rows.length; e++) {
    if (matrix.col[e] === rows[e]) continue;
    src.push(matrix.col[e] as number);
    dst.push(rows[e] as number);
    weights.push(matrix.val[e] as number);
    degree[rows[e] as number] = (degree[rows[e] as number] as number) + (matrix.val[e] as number);
  }
  for (let i = 0; i < matrix.rows; i++) {
    src.push(i);
    dst.push(i);
    weights.push(1);
  }
  const scaled = weights.map((w, e) => w / Math.sqrt((degree[src[e] as number] as number) * (degree[dst[e] as number] as number)));
  return csrOf(matrix.rows, src, dst, scaled);
}
