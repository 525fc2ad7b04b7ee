import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { BuildGraph } from '../../../shared/events/build-graph.ts';
import { BUILD_GRAPH_TOPIC, TRAIN_TOPIC } from '../../../shared/events/topics.ts';
import type { Train } from '../../../shared/events/train.ts';
import { type ServedWorkflows, serveWorkflows } from './serve-workflows.ts';
import { MONTH, readOn, saidBy, shardsOn, startOn, verdictOn } from './workers.ts';

const [FROM, TO] = [Date.UTC(2024, 7, 1), Date.UTC(2024, 8, 1)];

let served: ServedWorkflows;
before(async () => {
  served = await serveWorkflows();
});
after(() => served.close());

const start = async (body: object = MONTH): Promise<string> => {
  const id = await startOn(served, body);
  await served.fold();
  return id;
};
const read = (id: string) => readOn(served, id);

test('the stages behind the load follow each other, and what they found can be read', async () => {
  const id = await start({ ...MONTH, symbol: 'ADAUSDT', stages: ['load', 'build-graph', 'train'], train: { epochs: 3 } });
  await served.append(...(await shardsOn(served, id)).map((command) => verdictOn(command)));
  await served.fold();
  assert.equal((await read(id)).status, 'building');
  await served.append(saidBy('graph-builder', id, { stage: 'build-graph', detail: { graph_id: 'g1', nodes: 8_928 } }));
  await served.fold();
  assert.equal((await read(id)).status, 'training');
  const trainings = (await served.events(TRAIN_TOPIC)).filter((event) => event.queueid === id).map(({ data }) => data as Train);
  assert.deepEqual(
    trainings.map(({ graph_id, epochs }) => [graph_id, epochs]),
    [['g1', 3]],
  );
  await served.append(
    saidBy('gnn-trainer', id, { stage: 'train', status: 'error', error: { code: 'invalid_request', message: 'too few bars' } }),
  );
  await served.fold();

  const failed = await read(id);
  assert.equal(failed.status, 'error');
  assert.deepEqual([failed.error.code, failed.error.stage], ['invalid_request', 'train']);
  assert.deepEqual(
    failed.stages.map(({ status }: { status: string }) => status),
    ['completed', 'completed', 'error'],
  );
  assert.deepEqual(failed.stages[1].detail, { graph_id: 'g1', nodes: 8_928 });
});

test('the graph of a request that only trains brings symbols, range and parameters', async () => {
  const params = { lags: [1], vis_window: 10, vis_cap: 2, corr_window: 20, corr_top: 1, lead_window: 30, lead_top: 1 };
  const none = { next: [], visible: [], corr: [], leads: [] };
  await served.stores.graphs.writeGraph(
    {
      graph_id: 'graph1',
      exchange: 'binance',
      interval: '5m',
      symbols: ['BTCUSDT', 'ETHUSDT'],
      from: FROM,
      to: TO,
      builder_version: '1',
      params,
      feature_names: [],
      feature_version: '1',
      node_count: 0,
      edge_counts: { next: 0, visible: 0, corr: 0, leads: 0 },
      content_hash: 'x',
      created_at: 1,
    },
    { nodes: [], edges: none },
  );

  const id = await start({ type: 'gnn_train', train: { graph_id: 'graph1', seeds: [9] } });

  assert.match(id, /^wf-btcusdt-gnn_train-20240801-/);
  const view = await read(id);
  assert.deepEqual(
    [view.status, view.symbols, view.types, view.from, view.to],
    ['training', ['BTCUSDT', 'ETHUSDT'], ['gnn_train'], FROM, TO],
  );
  const trainings = (await served.events(TRAIN_TOPIC)).filter((event) => event.queueid === id).map(({ data }) => data as Train);
  assert.deepEqual(
    trainings.map(({ symbol, graph_id, seeds }) => [symbol, graph_id, seeds]),
    [['BTCUSDT', 'graph1', [9]]],
  );
});

test('the last stages alone run over what is proven', async () => {
  const series = 'binance:LINKUSDT:candles:1h';
  const request = { symbol: 'BTCUSDT', type: 'gnn_graph', graph: { interval: '1h' }, time_range: '2024-08-01:2024-08-31' };
  const unproven = await served.call('POST', '/workflows', request);
  assert.deepEqual([unproven.status, unproven.json().code], [409, 'state_conflict']);
  await served.stores.market.writeLedger([
    {
      series: series.replace('LINK', 'BTC'),
      month: '2024-08',
      rev: 0,
      covered: [{ from: FROM, to: TO, origin: 'rest' }],
      absent: [],
      open: [],
    },
  ]);

  const id = await start({ ...request, collection_name: 'hours' });

  assert.equal((await read(id)).status, 'building');
  const builds = (await served.events(BUILD_GRAPH_TOPIC)).filter((event) => event.queueid === id).map(({ data }) => data as BuildGraph);
  assert.deepEqual(
    builds.map(({ interval, symbols, from, to }) => [interval, symbols, from, to]),
    [['1h', ['BTCUSDT'], FROM, TO]],
  );
});
