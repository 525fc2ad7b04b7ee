import { randomBytes } from 'node:crypto';
import { AppError } from '../../domain/errors.ts';
import { type GraphContent, type GraphDocument, type GraphEdge, type GraphNode, RELATIONS, type Relation } from '../graph-store.ts';
import { ARANGO_ERRORS, errorNumberOf } from './arango-failure.ts';
import type { ArangoPort } from './arango-port.ts';
import { documentKey } from './document-key.ts';
import { jsonText } from './json-text.ts';

/** Documents of one import: about a megabyte. */
const BATCH = 5_000;
/** A build that was not heard of for so long died; what it left is removed. Each relation is a sign of life. */
const LEASE_MS = 3_600_000;

const REGISTER = 'INSERT { _key: @build, graph_id: @graph_id, renewed_at: DATE_NOW() } INTO mg_builds OPTIONS { waitForSync: true }';
const RENEW = `
  FOR build IN mg_builds FILTER build._key == @build
    UPDATE build WITH { renewed_at: DATE_NOW() } IN mg_builds OPTIONS { waitForSync: true }
    RETURN 1`;
const DEAD_BUILDS = 'FOR build IN mg_builds FILTER build.renewed_at < DATE_NOW() - @lease RETURN build._key';
const FORGET = 'FOR build IN mg_builds FILTER build._key == @build REMOVE build IN mg_builds OPTIONS { waitForSync: true }';
const REMOVE_PARTS = `
  FOR part IN @@parts FILTER part.build == @build LIMIT @limit REMOVE part IN @@parts OPTIONS { waitForSync: true } RETURN 1`;
/** The document, and with it the end of the build: nothing where another process took the build for dead. */
const FINISH = `
  LET registered = (FOR build IN mg_builds FILTER build._key == @document.build
    REMOVE build IN mg_builds OPTIONS { waitForSync: true }
    RETURN 1)
  FOR document IN LENGTH(registered) == 1 ? [@document] : []
    INSERT document INTO mg_graphs OPTIONS { waitForSync: true }
    RETURN 1`;

/**
 * Writes of graphs. Each is a *build* of its own, whose nodes and edges carry its name; the document of the graph names the build that is read. So two may
 * write one graph at once, and what a crash leaves is never seen.
 */
export class GraphBuilds {
  readonly #port: ArangoPort;

  constructor(port: ArangoPort) {
    this.#port = port;
  }

  /** Throws `invalid_request` for items out of order, or other counts than the document tells of. */
  async write(document: GraphDocument, content: GraphContent, signal: AbortSignal | undefined): Promise<'written' | 'exists'> {
    const { graph_id } = document;
    await this.#removeDead();
    const build = randomBytes(8).toString('hex');
    await this.#port.query(`beginning graph ${graph_id}`, REGISTER, { build, graph_id });
    try {
      const counts = {
        nodes: await this.#writeNodes(build, content.nodes, graph_id, signal),
        ...(await this.#writeAll(build, content, signal)),
      };
      const wrong = RELATIONS.filter((relation) => counts[relation] !== document.edge_counts[relation]);
      if (counts.nodes !== document.node_count || wrong.length > 0)
        throw new AppError('invalid_request', `The document of graph ${graph_id} tells of other counts than were written.`, {
          nodes: counts.nodes,
          wrong,
        });
      signal?.throwIfAborted();
      if (await this.#finish(build, document)) return 'written';
      await this.remove(build);
      return 'exists';
    } catch (error) {
      // Where this fails too, a later build removes what is left.
      await this.remove(build).catch(() => undefined);
      throw error;
    }
  }

  /** Removes what a build has written, then itself. */
  async remove(build: string): Promise<void> {
    for (const parts of ['mg_nodes', ...RELATIONS.map((relation) => `mg_${relation}`)]) {
      let removed = BATCH;
      while (removed === BATCH) {
        const bind = { '@parts': parts, build, limit: BATCH };
        removed = (await this.#port.query(`removing a build from ${parts}`, REMOVE_PARTS, bind)).length;
      }
    }
    await this.#port.query('forgetting a build', FORGET, { build });
  }

  async #removeDead(): Promise<void> {
    const dead = await this.#port.query<string>('looking for dead builds', DEAD_BUILDS, { lease: LEASE_MS });
    for (const build of dead) await this.remove(build);
  }

  /** False where the graph is there already. */
  async #finish(build: string, document: GraphDocument): Promise<boolean> {
    const doing = `finishing graph ${document.graph_id}`;
    try {
      const bind = { document: { _key: documentKey(document.graph_id), build, ...document } };
      if ((await this.#port.query(doing, FINISH, bind)).length === 1) return true;
    } catch (error) {
      if (error instanceof AppError && errorNumberOf(error.cause) === ARANGO_ERRORS.uniqueViolated) return false;
      throw error;
    }
    throw new AppError('store_unavailable', `Another process took this build of graph ${document.graph_id} for dead; build it again.`);
  }

  async #writeNodes(build: string, batches: GraphContent['nodes'], graphId: string, signal: AbortSignal | undefined): Promise<number> {
    let before = Number.NEGATIVE_INFINITY;
    return this.#import(build, 'mg_nodes', batches, {}, signal, (node: GraphNode) => {
      if (node.ord <= before) throw unordered('Nodes rise by ord', graphId, { ord: node.ord });
      before = node.ord;
      return { _key: `${build}:${node.ord}`, build, ...node };
    });
  }

  async #writeAll(build: string, content: GraphContent, signal: AbortSignal | undefined): Promise<Readonly<Record<Relation, number>>> {
    const counts = { next: 0, visible: 0, corr: 0, leads: 0 };
    for (const relation of RELATIONS) {
      await this.#port.query('renewing a build', RENEW, { build });
      counts[relation] = await this.#writeEdges(build, relation, content.edges[relation], signal);
    }
    return counts;
  }

  async #writeEdges(
    build: string,
    relation: Relation,
    batches: Iterable<readonly GraphEdge[]>,
    signal: AbortSignal | undefined,
  ): Promise<number> {
    let before: GraphEdge | undefined;
    let n = 0;
    const ends = { fromPrefix: 'mg_nodes', toPrefix: 'mg_nodes' };
    return this.#import(build, `mg_${relation}`, batches, ends, signal, (edge: GraphEdge) => {
      if (before !== undefined && (edge.dst < before.dst || (edge.dst === before.dst && edge.src < before.src)))
        throw unordered('Edges rise by dst, then src', relation, { src: edge.src, dst: edge.dst });
      before = edge;
      n += 1;
      return { _key: `${build}:${n}`, _from: `${build}:${edge.src}`, _to: `${build}:${edge.dst}`, build, n, ...edge };
    });
  }

  /** Imports all items in batches of one size; the same batch twice, after an answer that was lost, is one. Returns how many there were. */
  async #import<Item>(
    build: string,
    collection: string,
    batches: Iterable<readonly Item[]>,
    search: Readonly<Record<string, string>>,
    signal: AbortSignal | undefined,
    toDocument: (item: Item) => object,
  ): Promise<number> {
    let lines: string[] = [];
    let count = 0;
    const flush = async (): Promise<void> => {
      const full = lines;
      lines = [];
      count += full.length;
      await this.#port.import(
        `writing build ${build} to ${collection}`,
        collection,
        full,
        { ...search, onDuplicate: 'replace' },
        { signal },
      );
    };
    for (const batch of batches) {
      signal?.throwIfAborted();
      for (const item of batch) {
        lines.push(jsonText(toDocument(item)));
        if (lines.length === BATCH) await flush();
      }
    }
    if (lines.length > 0) await flush();
    return count;
  }
}

function unordered(rule: string, what: string, place: Readonly<Record<string, number>>): AppError {
  return new AppError('invalid_request', `${rule}; those of ${what} do not.`, place);
}
