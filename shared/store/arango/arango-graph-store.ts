import {
  type GraphContent,
  type GraphDocument,
  type GraphEdge,
  type GraphNode,
  type GraphStore,
  RELATIONS,
  type Relation,
} from '../graph-store.ts';
import type { ArangoPort } from './arango-port.ts';
import { documentKey } from './document-key.ts';
import { GraphBuilds } from './graph-builds.ts';
import { READ_DOCUMENT } from './workflow-statements.ts';

const PAGE_NODES = 5_000;
const PAGE_EDGES = 10_000;

const LIST_GRAPHS = `
  FOR graph_build IN mg_graphs SORT graph_build.created_at DESC, graph_build._key RETURN UNSET(graph_build, "_key", "_id", "_rev", "build")`;
const READ_NODES = 'FOR node IN mg_nodes FILTER node.build == @build SORT node.ord RETURN UNSET(node, "_key", "_id", "_rev", "build")';
const READ_EDGES = `
  FOR edge IN @@edges FILTER edge.build == @build SORT edge.n
    RETURN UNSET(edge, "_key", "_id", "_rev", "_from", "_to", "build", "n")`;
const SOURCES = `
  FOR node IN 1..@hops INBOUND @start GRAPH "market"
    OPTIONS { order: "bfs", uniqueVertices: "global", edgeCollections: @edges }
    FILTER node != null
    RETURN node.ord`;

/** The graph store on ArangoDB: a vertex a node and an edge an edge, in the named graph `market`. */
export class ArangoGraphStore implements GraphStore {
  readonly #port: ArangoPort;
  readonly #builds: GraphBuilds;

  constructor(port: ArangoPort) {
    this.#port = port;
    this.#builds = new GraphBuilds(port);
  }

  async writeGraph(document: GraphDocument, content: GraphContent, signal?: AbortSignal): Promise<'written' | 'exists'> {
    signal?.throwIfAborted();
    if ((await this.#find(document.graph_id)) !== undefined) return 'exists';
    return this.#builds.write(document, content, signal);
  }

  async readGraph(graphId: string): Promise<GraphDocument | undefined> {
    const found = await this.#find(graphId);
    if (found === undefined) return undefined;
    const { build: _, ...document } = found;
    return document;
  }

  async listGraphs(): Promise<readonly GraphDocument[]> {
    return this.#port.query<GraphDocument>('listing graphs', LIST_GRAPHS);
  }

  async *readNodes(graphId: string, signal?: AbortSignal): AsyncIterable<readonly GraphNode[]> {
    const found = await this.#find(graphId);
    if (found === undefined) return;
    yield* this.#port.pages<GraphNode>(`reading nodes of ${graphId}`, READ_NODES, { build: found.build }, PAGE_NODES, signal);
  }

  async *readEdges(graphId: string, relation: Relation, signal?: AbortSignal): AsyncIterable<readonly GraphEdge[]> {
    const found = await this.#find(graphId);
    if (found === undefined) return;
    const bind = { '@edges': `mg_${relation}`, build: found.build };
    yield* this.#port.pages<GraphEdge>(`reading edges of ${graphId}`, READ_EDGES, bind, PAGE_EDGES, signal);
  }

  async sources(graphId: string, ord: number, hops: number, relations: readonly Relation[] = RELATIONS): Promise<readonly number[]> {
    const found = await this.#find(graphId);
    if (found === undefined || hops < 1 || relations.length === 0) return [];
    const bind = { start: `mg_nodes/${found.build}:${ord}`, hops, edges: relations.map((relation) => `mg_${relation}`) };
    const reached = await this.#port.query<number>(`looking for sources in ${graphId}`, SOURCES, bind);
    return reached.filter((one) => one !== ord).sort((a, b) => a - b);
  }

  async close(): Promise<void> {
    await this.#port.close();
  }

  async #find(graphId: string): Promise<(GraphDocument & { readonly build: string }) | undefined> {
    const bind = { '@collection': 'mg_graphs', key: documentKey(graphId) };
    return (await this.#port.query<GraphDocument & { readonly build: string }>(`reading graph ${graphId}`, READ_DOCUMENT, bind))[0];
  }
}
