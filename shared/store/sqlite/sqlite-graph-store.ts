import { AppError } from '../../domain/errors.ts';
import {
  type GraphContent,
  type GraphDocument,
  type GraphEdge,
  type GraphNode,
  type GraphStore,
  RELATIONS,
  type Relation,
} from '../graph-store.ts';
import { decodeEdges, decodeNodes, EDGES_PER_BLOCK, encodeEdges, encodeNodes, NODES_PER_BLOCK } from './graph-blocks.ts';
import type { StorePort } from './store-client.ts';

/** The graph store on SQLite: nodes and edges in blocks of 64-bit floats, read back block by block. */
export class SqliteGraphStore implements GraphStore {
  readonly #port: StorePort;

  constructor(port: StorePort) {
    this.#port = port;
  }

  async writeGraph(document: GraphDocument, content: GraphContent, signal?: AbortSignal): Promise<'written' | 'exists'> {
    const build = await this.#port.call('beginGraph', document.graph_id, { signal });
    if (build === undefined) return 'exists';
    try {
      await this.#writeNodes(build, document, content.nodes, signal);
      for (const relation of RELATIONS) await this.#writeEdges(build, relation, content.edges[relation], signal);
      return await this.#port.call('finishGraph', { build, document }, { signal });
    } catch (error) {
      // Where this fails too, the next build cleans up.
      await this.#port.call('discardGraph', build).catch(() => undefined);
      throw error;
    }
  }

  async readGraph(graphId: string): Promise<GraphDocument | undefined> {
    const document = await this.#port.call('readGraph', graphId);
    return document === undefined ? undefined : (JSON.parse(document) as GraphDocument);
  }

  async listGraphs(): Promise<readonly GraphDocument[]> {
    const documents = await this.#port.call('listGraphs', undefined);
    return documents.map((document) => JSON.parse(document) as GraphDocument);
  }

  async *readNodes(graphId: string, signal?: AbortSignal): AsyncIterable<readonly GraphNode[]> {
    const document = await this.readGraph(graphId);
    if (document === undefined) return;
    for (let block = 0; ; block += 1) {
      const slots = await this.#port.call('readNodeBlock', { graphId, block }, { signal });
      if (slots === undefined) return;
      yield decodeNodes(document, slots);
    }
  }

  async *readEdges(graphId: string, relation: Relation, signal?: AbortSignal): AsyncIterable<readonly GraphEdge[]> {
    for (let block = 0; ; block += 1) {
      const slots = await this.#port.call('readEdgeBlock', { graphId, relation, block }, { signal });
      if (slots === undefined) return;
      yield decodeEdges(slots);
    }
  }

  async sources(graphId: string, ord: number, hops: number, relations: readonly Relation[] = RELATIONS): Promise<readonly number[]> {
    return this.#port.call('graphSources', { graphId, ord, hops, relations });
  }

  async close(): Promise<void> {
    await this.#port.close();
  }

  async #writeNodes(
    build: number,
    document: GraphDocument,
    batches: GraphContent['nodes'],
    signal: AbortSignal | undefined,
  ): Promise<void> {
    let block = 0;
    let before: GraphNode | undefined;
    for (const nodes of inBlocks(batches, NODES_PER_BLOCK)) {
      for (const node of nodes) {
        if (before !== undefined && node.ord <= before.ord) throw unordered('Nodes rise by ord', document.graph_id, node);
        before = node;
      }
      const slots = encodeNodes(document, nodes);
      await this.#port.call('putGraphBlock', { build, block, count: nodes.length, slots }, { transfer: [slots.buffer], signal });
      block += 1;
    }
  }

  async #writeEdges(
    build: number,
    relation: Relation,
    batches: Iterable<readonly GraphEdge[]>,
    signal: AbortSignal | undefined,
  ): Promise<void> {
    let block = 0;
    let before: GraphEdge | undefined;
    for (const edges of inBlocks(batches, EDGES_PER_BLOCK)) {
      for (const edge of edges) {
        if (before !== undefined && (edge.dst < before.dst || (edge.dst === before.dst && edge.src < before.src)))
          throw unordered('Edges rise by dst, then src', relation, edge);
        before = edge;
      }
      const slots = encodeEdges(edges);
      const ends = { relation, last_dst: before?.dst ?? 0 };
      await this.#port.call(
        'putGraphBlock',
        { build, block, count: edges.length, slots, edges: ends },
        { transfer: [slots.buffer], signal },
      );
      block += 1;
    }
  }
}

/** The same items in blocks of one size; the last may be smaller. */
function* inBlocks<Item>(batches: Iterable<readonly Item[]>, size: number): Generator<readonly Item[]> {
  let block: Item[] = [];
  for (const batch of batches) {
    for (let at = 0; at < batch.length; ) {
      const end = Math.min(batch.length, at + size - block.length);
      for (; at < end; at += 1) block.push(batch[at] as Item);
      if (block.length < size) continue;
      yield block;
      block = [];
    }
  }
  if (block.length > 0) yield block;
}

function unordered(rule: string, what: string, item: GraphNode | GraphEdge): AppError {
  const place = 'ord' in item ? { ord: item.ord } : { src: item.src, dst: item.dst };
  return new AppError('invalid_request', `${rule}; those of ${what} do not.`, place);
}
