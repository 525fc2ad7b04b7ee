import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { modelIdOf } from '../../../functions/train/identity.ts';
import type { LoadedBackend } from '../../../shared/gnn/backend-names.ts';
import type { TrainingTask } from '../../../shared/gnn/hyper.ts';
import type { GraphDocument } from '../../../shared/store/graph-store.ts';
import { GRAPH_PARAMS } from '../../gnn/support/graphs.ts';

const graph: GraphDocument = {
  graph_id: 'a'.repeat(64),
  exchange: 'binance',
  interval: '5m',
  symbols: ['AUSDT'],
  from: 0,
  to: 300_000,
  builder_version: '1',
  params: GRAPH_PARAMS,
  feature_names: ['return_1'],
  feature_version: '1',
  node_count: 1,
  edge_counts: { next: 0, visible: 0, corr: 0, leads: 0 },
  content_hash: 'b'.repeat(64),
  created_at: 1,
};
const task: TrainingTask = { task: 'vol', horizon: 12, model: 'rsage', hidden: 32, epochs: 60, seeds: [1, 2, 3] };
const backend: LoadedBackend = { name: 'wasm', skipped: [], simd: true, tfjs: '4.22.0', node: 'v24.0.0' };

describe('the identity of a model', () => {
  const own = modelIdOf(graph, task, backend);

  it('does not know clocks, machines or what was skipped on the way', () => {
    const elsewhere = { ...backend, node: 'v24.9.0', skipped: [{ name: 'tensorflow' as const, reason: 'not installed' }] };

    assert.match(own, /^[0-9a-f]{64}$/);
    assert.equal(modelIdOf({ ...graph, created_at: 2 }, { ...task }, elsewhere), own);
  });

  const others: [string, string][] = [
    ['another graph', modelIdOf({ ...graph, graph_id: 'c'.repeat(64) }, task, backend)],
    ['another content', modelIdOf({ ...graph, content_hash: 'c'.repeat(64) }, task, backend)],
    ['another task', modelIdOf(graph, { ...task, task: 'dir' }, backend)],
    ['another horizon', modelIdOf(graph, { ...task, horizon: 6 }, backend)],
    ['another model', modelIdOf(graph, { ...task, model: 'sgc' }, backend)],
    ['another width', modelIdOf(graph, { ...task, hidden: 16 }, backend)],
    ['more epochs', modelIdOf(graph, { ...task, epochs: 61 }, backend)],
    ['other seeds', modelIdOf(graph, { ...task, seeds: [1, 2, 4] }, backend)],
    ['another backend', modelIdOf(graph, task, { ...backend, name: 'cpu' })],
    ['no SIMD', modelIdOf(graph, task, { ...backend, simd: false })],
  ];
  it('is another for all that decides the weights', () => {
    const seen = new Set([own]);
    for (const [what, id] of others) {
      assert.ok(!seen.has(id), what);
      seen.add(id);
    }
  });
});
