import { AppError } from '../../domain/errors.ts';
import type { GraphDocument, GraphEdge, GraphNode } from '../graph-store.ts';

/** Nodes of one block, which is also a page of a read. */
export const NODES_PER_BLOCK = 1_000;
/** Edges of one block, which is also a page of a read. */
export const EDGES_PER_BLOCK = 8_192;

/** Slots of a node before its features: ord, symbol, s, t, open_time, close_time, o, h, l, c, v, n, imputed, count of features. */
const NODE_SLOTS = 14;

/** Fields that an edge may have beside `src` and `dst`; bit i of a mask stands for the i-th. */
const EDGE_FIELDS = ['lag', 'dt', 'slope', 'rho', 'win', 'as_of'] as const satisfies readonly (keyof GraphEdge)[];
/** Slots before an edge block's columns: count of edges, mask of the fields that any edge has, 1 where not every edge has all of them. */
const EDGE_HEADER_SLOTS = 3;

/** Lays nodes behind each other. Throws `invalid_request` for a node whose symbol is not one of the graph's. */
export function encodeNodes(document: GraphDocument, nodes: readonly GraphNode[]): Float64Array<ArrayBuffer> {
  const slots = new Float64Array(nodes.reduce((length, node) => length + NODE_SLOTS + node.x.length, 0));
  let at = 0;
  for (const { ord, symbol, s, t, open_time, close_time, ohlcv, x, imputed } of nodes) {
    const known = document.symbols.indexOf(symbol);
    if (known === -1)
      throw new AppError('invalid_request', `Node ${ord} has the symbol ${symbol}, which the graph does not have.`, { ord });
    slots.set(
      [ord, known, s, t, open_time, close_time, ohlcv.o, ohlcv.h, ohlcv.l, ohlcv.c, ohlcv.v, ohlcv.n, imputed ? 1 : 0, x.length],
      at,
    );
    slots.set(x, at + NODE_SLOTS);
    at += NODE_SLOTS + x.length;
  }
  return slots;
}

/** The nodes of a block that `encodeNodes` made for the same graph. */
export function decodeNodes(document: GraphDocument, slots: Float64Array): GraphNode[] {
  const nodes: GraphNode[] = [];
  for (let at = 0; at < slots.length; ) {
    const [ord, symbol, s, t, open_time, close_time, o, h, l, c, v, n, imputed, width] = slots.subarray(
      at,
      at + NODE_SLOTS,
    ) as unknown as NodeHead;
    const x = Array.from(slots.subarray(at + NODE_SLOTS, at + NODE_SLOTS + width));
    const name = document.symbols[symbol] as string;
    nodes.push({ ord, symbol: name, s, t, open_time, close_time, ohlcv: { o, h, l, c, v, n }, x, imputed: imputed === 1 });
    at += NODE_SLOTS + width;
  }
  return nodes;
}

type NodeHead = readonly [
  ...[ord: number, symbol: number, s: number, t: number, open_time: number, close_time: number],
  ...[o: number, h: number, l: number, c: number, v: number, n: number, imputed: number, width: number],
];

function maskOf(edge: GraphEdge): number {
  let mask = 0;
  for (let i = 0; i < EDGE_FIELDS.length; i += 1) if (edge[EDGE_FIELDS[i] as (typeof EDGE_FIELDS)[number]] !== undefined) mask |= 1 << i;
  return mask;
}

/** Lays edges out column by column: `src`, `dst`, the masks where they differ, then each field that any edge has. */
export function encodeEdges(edges: readonly GraphEdge[]): Float64Array<ArrayBuffer> {
  const masks = edges.map(maskOf);
  const mask = masks.reduce((all, one) => all | one, 0);
  const mixed = masks.some((one) => one !== mask);
  const fields = EDGE_FIELDS.filter((_, i) => (mask & (1 << i)) !== 0);
  const slots = new Float64Array(EDGE_HEADER_SLOTS + edges.length * (2 + (mixed ? 1 : 0) + fields.length));
  slots.set([edges.length, mask, mixed ? 1 : 0]);
  let at = EDGE_HEADER_SLOTS;
  for (const { src } of edges) slots[at++] = src;
  for (const { dst } of edges) slots[at++] = dst;
  if (mixed) for (const one of masks) slots[at++] = one;
  for (const field of fields) for (const edge of edges) slots[at++] = edge[field] ?? 0;
  return slots;
}

/** The edges of a block that `encodeEdges` made. */
export function decodeEdges(slots: Float64Array): GraphEdge[] {
  const { count, src, dst } = edgeColumns(slots);
  const mask = slots[1] as number;
  const mixed = slots[2] === 1;
  const masks = EDGE_HEADER_SLOTS + 2 * count;
  const columns = masks + (mixed ? count : 0);
  const fields = EDGE_FIELDS.map((name, i) => ({ name, bit: 1 << i })).filter(({ bit }) => (mask & bit) !== 0);
  return Array.from({ length: count }, (_, i): GraphEdge => {
    const edge: { -readonly [Field in keyof GraphEdge]: GraphEdge[Field] } = { src: src[i] as number, dst: dst[i] as number };
    const own = mixed ? (slots[masks + i] as number) : mask;
    for (let f = 0; f < fields.length; f += 1) {
      const { name, bit } = fields[f] as (typeof fields)[number];
      if ((own & bit) !== 0) edge[name] = slots[columns + f * count + i] as number;
    }
    return edge;
  });
}

/** The ends of a block's edges, as views. */
export function edgeColumns(slots: Float64Array): { count: number; src: Float64Array; dst: Float64Array } {
  const count = slots[0] as number;
  const src = slots.subarray(EDGE_HEADER_SLOTS, EDGE_HEADER_SLOTS + count);
  return { count, src, dst: slots.subarray(EDGE_HEADER_SLOTS + count, EDGE_HEADER_SLOTS + 2 * count) };
}
