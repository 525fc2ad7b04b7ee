import type { TrainConfig } from '../../../functions/train/config.ts';
import { buildGraph } from '../../../shared/domain/graph/build.ts';
import { contentHash, edgePages, nodePages } from '../../../shared/domain/graph/content.ts';
import type { QueueEvent } from '../../../shared/events/queue-event.ts';
import { type Train, train } from '../../../shared/events/train.ts';
import { BACKENDS } from '../../../shared/gnn/backend-names.ts';
import type { ReceivedEvent } from '../../../shared/runtime/define-function.ts';
import type { GraphDocument } from '../../../shared/store/graph-store.ts';
import { GRAPH_PARAMS, graphInput } from '../../gnn/support/graphs.ts';
import { MARKET_START, simulateMarket } from '../../gnn/support/market.ts';
import { type ProvenMarket, prove } from '../../gnn/support/proven-market.ts';
import { createTestJobContext } from '../../support/context.ts';

/** Writes the graph of a market straight into the store. */
export async function storeGraph(store: ProvenMarket, bars: number, seed: number): Promise<GraphDocument> {
  const market = simulateMarket({ symbols: 3, bars, seed, clustering: 0.97 });
  for (const [s, candles] of market.entries()) await prove(store.market, s, candles, bars);
  const input = graphInput(market, bars);
  const graph = buildGraph(input);
  const document: GraphDocument = {
    graph_id: graph.graphId,
    exchange: input.exchange,
    interval: input.interval,
    symbols: input.symbols,
    from: input.from,
    to: input.to,
    builder_version: graph.builderVersion,
    params: GRAPH_PARAMS,
    feature_names: graph.featureNames,
    feature_version: graph.featureVersion,
    node_count: graph.grid.imputed.length,
    edge_counts: {
      next: graph.edges.next.src.length,
      visible: graph.edges.visible.src.length,
      corr: graph.edges.corr.src.length,
      leads: graph.edges.leads.src.length,
    },
    content_hash: contentHash(graph),
    created_at: MARKET_START,
  };
  const edges = {
    next: edgePages(graph, 'next'),
    visible: edgePages(graph, 'visible'),
    corr: edgePages(graph, 'corr'),
    leads: edgePages(graph, 'leads'),
  };
  await store.graphs.writeGraph(document, { nodes: nodePages(graph), edges });
  return document;
}

/** A message to train two small members on a graph for four epochs. */
export function received(graph: GraphDocument, overrides: Partial<Train> = {}): ReceivedEvent {
  const data: Train = {
    queue_id: 'wf-ausdt-api_candles_5m-20240801-a1b2c3',
    attempt: 1,
    symbol: 'AUSDT',
    graph_id: graph.graph_id,
    task: 'vol',
    horizon: 12,
    model: 'rsage',
    hidden: 8,
    epochs: 4,
    seeds: [1, 2],
    ...overrides,
  };
  return { event: train.build(data, { producer: 'workflows', time: MARKET_START }) };
}

/** A job's context over real stores. */
export function contextOf(store: ProvenMarket, overrides: Parameters<typeof createTestJobContext<TrainConfig>>[0] = {}) {
  return createTestJobContext<TrainConfig>({
    functionName: 'train',
    config: { backends: [...BACKENDS], silentSeconds: 15 },
    ports: store,
    ...overrides,
  });
}

/** What a job said on `queue-events`. */
export function newsOf(context: { readonly published: readonly { readonly data: unknown }[] }): QueueEvent[] {
  return context.published.map((event) => event.data as QueueEvent);
}
