import { AppError } from '../../shared/domain/errors.ts';
import { RELATIONS, type Relation } from '../../shared/domain/graph/graph.ts';
import { type ContentHasher, createContentHasher } from '../../shared/domain/graph/identity.ts';
import type { TrainingGraph } from '../../shared/gnn/training-graph.ts';
import type { GraphDocument, GraphStore } from '../../shared/store/graph-store.ts';

/**
 * Reads a stored graph as training takes it, and checks that it is the one that was built: every node and edge in its place, and the content hash. Throws
 * `contract_mismatch` where it is not.
 */
export async function loadGraph(document: GraphDocument, graphs: GraphStore, signal: AbortSignal): Promise<TrainingGraph> {
  const hasher = createContentHasher();
  const nodes = await readNodes(document, graphs, hasher, signal);
  const edges: Partial<Record<Relation, TrainingGraph['edges'][Relation]>> = {};
  for (const relation of RELATIONS) edges[relation] = await readEdges(document, relation, graphs, hasher, signal);
  const found = hasher.digest();
  if (found !== document.content_hash) throw damaged(document, `its content has the hash ${found}, not ${document.content_hash}`);
  return { ...nodes, edges: edges as TrainingGraph['edges'] };
}

async function readNodes(
  document: GraphDocument,
  graphs: GraphStore,
  hasher: ContentHasher,
  signal: AbortSignal,
): Promise<Omit<TrainingGraph, 'edges'>> {
  const symbols = document.symbols.length;
  const features = document.feature_names.length;
  const count = document.node_count;
  const bars = count / symbols;
  const openTime = new Float64Array(bars);
  const close = new Float64Array(count);
  const imputed = new Uint8Array(count);
  const x = new Float32Array(count * features);
  let ord = 0;
  for await (const page of graphs.readNodes(document.graph_id, signal)) {
    hasher.addNodes(page);
    for (const node of page) {
      const { t, s } = node;
      if (
        node.ord !== ord ||
        ord >= count ||
        t * symbols + s !== ord ||
        node.symbol !== document.symbols[s] ||
        node.x.length !== features
      ) {
        throw damaged(document, `node ${ord} is not in its place`);
      }
      openTime[t] = node.open_time;
      close[ord] = node.ohlcv.c;
      imputed[ord] = node.imputed ? 1 : 0;
      x.set(node.x, ord * features);
      ord++;
    }
  }
  if (ord !== count) throw damaged(document, `it has ${ord} of ${count} nodes`);
  return { symbols, bars, features, openTime, close, imputed, x };
}

async function readEdges(
  document: GraphDocument,
  relation: Relation,
  graphs: GraphStore,
  hasher: ContentHasher,
  signal: AbortSignal,
): Promise<TrainingGraph['edges'][Relation]> {
  const count = document.edge_counts[relation];
  const src = new Int32Array(count);
  const dst = new Int32Array(count);
  let at = 0;
  for await (const page of graphs.readEdges(document.graph_id, relation, signal)) {
    if (at + page.length > count) throw damaged(document, `it has more than ${count} edges of ${relation}`);
    hasher.addEdges(relation, page);
    for (const edge of page) {
      src[at] = edge.src;
      dst[at] = edge.dst;
      at++;
    }
  }
  if (at !== count) throw damaged(document, `it has ${at} of ${count} edges of ${relation}`);
  return { src, dst };
}

function damaged(document: GraphDocument, problem: string): AppError {
  return new AppError('contract_mismatch', `The graph ${document.graph_id} is not as it was built: ${problem}. Build it again.`, {
    graph_id: document.graph_id,
  });
}
