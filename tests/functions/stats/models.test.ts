import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { GraphDocument } from '../../../shared/store/graph-store.ts';
import type { ModelDocument } from '../../../shared/store/model-store.ts';
import { FROM, type ServedStats, serveStats } from './serve-stats.ts';

const aModel = (overrides: Partial<ModelDocument> = {}): ModelDocument => ({
  model_id: 'a'.repeat(64),
  status: 'ready',
  task: 'vol',
  graph_id: 'b'.repeat(64),
  card: { verdict: 'no-skill', seeds: [1, 2, 3] },
  created_at: FROM,
  ...overrides,
});

const graph: GraphDocument = {
  graph_id: 'b'.repeat(64),
  exchange: 'binance',
  interval: '5m',
  symbols: ['BTCUSDT'],
  from: FROM,
  to: FROM + 300_000,
  builder_version: '1',
  params: { lags: [1], vis_window: 48, vis_cap: 4, corr_window: 288, corr_top: 2, lead_window: 2_016, lead_top: 1 },
  feature_names: ['r1'],
  feature_version: '1',
  node_count: 0,
  edge_counts: { next: 0, visible: 0, corr: 0, leads: 0 },
  content_hash: 'c'.repeat(64),
  created_at: FROM,
};

describe('models and graphs', () => {
  let stats: ServedStats;

  before(async () => {
    stats = await serveStats();
    const { models, graphs } = stats.stores;
    await models.putModel(aModel());
    await models.putModel(aModel({ model_id: 'd'.repeat(64), created_at: FROM + 1 }));
    await models.putModel(aModel({ model_id: 'e'.repeat(64), task: 'dir', created_at: FROM + 2 }));
    await models.setActive('vol', 'a'.repeat(64), FROM);
    await graphs.writeGraph(graph, { nodes: [], edges: { next: [], visible: [], corr: [], leads: [] } });
  });
  after(() => stats.close());

  const listed = async (query: string): Promise<[string, boolean][]> => {
    const { items } = (await stats.get(`/models?${query}`)).json<{ items: { model_id: string; active: boolean }[] }>();
    return items.map(({ model_id, active }) => [model_id.charAt(0), active]);
  };

  it('lists models, the newest first, and says which are active', async () => {
    assert.deepEqual(await listed(''), [
      ['e', false],
      ['d', false],
      ['a', true],
    ]);
    assert.deepEqual(await listed('task=vol&limit=1'), [['d', false]]);
    assert.deepEqual(await listed('task=none'), []);
  });

  it('answers a model with its card', async () => {
    const answer = await stats.get(`/models/${'a'.repeat(64)}`);

    assert.deepEqual(answer.json(), { ...aModel(), active: true });
  });

  it('answers what a graph was built from', async () => {
    const answer = await stats.get(`/graphs/${'b'.repeat(64)}`);

    assert.deepEqual(answer.json(), graph);
  });
});
