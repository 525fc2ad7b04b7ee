import { isInterval } from '../../shared/domain/interval.ts';
import { type RawRequest, refusal } from '../../shared/domain/workflow/normalise.ts';
import type { Context } from '../../shared/runtime/context.ts';

/**
 * A request that only trains takes what it does not say from the stored graph: symbols, range and interval. Throws `invalid_request` for a graph that is
 * not stored. Any other request is returned as it is.
 */
export async function withStoredGraph(raw: RawRequest, context: Context): Promise<RawRequest> {
  const graphId = raw.train?.graph_id;
  const trainsAlone = raw.stages === undefined ? raw.type === 'gnn_train' : raw.stages.join() === 'train';
  if (graphId === undefined || !trainsAlone) return raw;
  const graph = await context.ports.graphs.readGraph(graphId);
  if (graph === undefined) {
    throw refusal([
      {
        path: 'train.graph_id',
        problem: 'is not a stored graph',
        allowed: 'the id of a graph that a workflow has built',
        code: 'invalid_request',
      },
    ]);
  }
  const { exchange, interval, symbols, from, to, params } = graph;
  const { symbol: _, symbols: __, loads: ___, types: ____, ...rest } = raw;
  return {
    ...rest,
    exchange: exchange === 'bitmex' ? 'bitmex' : 'binance',
    symbols,
    type: 'gnn_train',
    time_range: `${new Date(from).toISOString()}/${new Date(to).toISOString()}`,
    graph: { ...params, symbols, ...(isInterval(interval) ? { interval } : {}) },
  };
}
