import { AppError } from '../../shared/domain/errors.ts';
import { edgePages, nodePages } from '../../shared/domain/graph/content.ts';
import { type GraphParams, RELATIONS } from '../../shared/domain/graph/graph.ts';
import { countBuckets } from '../../shared/domain/interval.ts';
import { type BuildGraph, buildGraph } from '../../shared/events/build-graph.ts';
import type { JobContext, ReceivedEvent } from '../../shared/runtime/define-function.ts';
import { createStageNews } from '../../shared/runtime/stage-news.ts';
import { whileCurrent } from '../../shared/runtime/while-current.ts';
import type { GraphDocument } from '../../shared/store/graph-store.ts';
import { type Built, buildInWorker } from './build-in-worker.ts';
import type { BuildGraphConfig } from './config.ts';
import { provenSources, tablesOf } from './sources.ts';

/**
 * Builds the graph of the message and stores it under its hash; a graph that is there already is left as it is. Throws `rows_missing` where the ledger does not
 * prove every series, `invalid_request` where there is nothing to build from, or too much.
 */
export async function runJob({ event }: ReceivedEvent, context: JobContext<BuildGraphConfig>): Promise<void> {
  const asked = buildGraph.parse(event);
  await whileCurrent(context, asked, (signal) => buildAndStore(asked, context, signal));
}

async function buildAndStore(asked: BuildGraph, context: JobContext<BuildGraphConfig>, signal: AbortSignal): Promise<void> {
  const { market, graphs } = context.ports;
  const { queue_id, attempt, exchange, interval, symbols, from, to } = asked;
  const news = createStageNews(context, { stage: 'build-graph', queue_id, attempt, symbol: symbols[0] ?? '', type: 'gnn_graph' });
  const nodes = countBuckets(interval, from, to) * symbols.length;
  if (nodes > context.config.maxNodes) {
    throw new AppError('invalid_request', `The graph would have ${nodes} nodes; at most ${context.config.maxNodes} are allowed.`, {
      nodes,
    });
  }
  const sources = await provenSources(asked, market);
  await news.started(`Building the graph of ${symbols.length} symbols, ${interval}`);
  const built = await buildInWorker(
    { exchange, interval, symbols, from, to, params: paramsOf(asked) },
    (symbol) => tablesOf(sources[symbol] as (typeof sources)[number], { from, to }, market, signal),
    signal,
  );
  const document = documentOf(asked, built, context.clock.now());
  if (!(await context.holdsClaim()))
    throw new AppError('state_conflict', `The claim ${context.claim.key} is lost: the graph is not written.`);
  const { graph } = built;
  const edges = Object.fromEntries(RELATIONS.map((relation) => [relation, edgePages(graph, relation)])) as Parameters<
    typeof graphs.writeGraph
  >[1]['edges'];
  const outcome = await graphs.writeGraph(document, { nodes: nodePages(graph), edges }, signal);
  const { graph_id, content_hash, node_count, edge_counts } = document;
  const edgeCount = Object.values(edge_counts).reduce((sum, count) => sum + count, 0);
  const imputed_count = graph.grid.imputed.reduce((sum, flag) => sum + flag, 0);
  context.logger.info({ graph_id, node_count, edge_counts, imputed_count, outcome }, 'the graph is stored');
  await news.completed(`Graph of ${node_count} nodes and ${edgeCount} edges`, node_count, {
    graph_id,
    content_hash,
    node_count,
    edge_count: edgeCount,
    imputed_count,
  });
}

function paramsOf({ lags, vis_window, vis_cap, corr_window, corr_top, lead_window, lead_top }: BuildGraph): GraphParams {
  return { lags, vis_window, vis_cap, corr_window, corr_top, lead_window, lead_top };
}

function documentOf(asked: BuildGraph, { graph, contentHash }: Built, now: number): GraphDocument {
  const { exchange, interval, symbols, from, to } = asked;
  return {
    graph_id: graph.graphId,
    exchange,
    interval,
    symbols,
    from,
    to,
    builder_version: graph.builderVersion,
    params: paramsOf(asked),
    feature_names: graph.featureNames,
    feature_version: graph.featureVersion,
    node_count: graph.grid.imputed.length,
    edge_counts: {
      next: graph.edges.next.src.length,
      visible: graph.edges.visible.src.length,
      corr: graph.edges.corr.src.length,
      leads: graph.edges.leads.src.length,
    },
    content_hash: contentHash,
    created_at: now,
  };
}
