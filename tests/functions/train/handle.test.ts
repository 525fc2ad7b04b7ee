import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { after, before, describe, it } from 'node:test';
import { runJob } from '../../../functions/train/handle.ts';
import { objectKeys } from '../../../functions/train/publish.ts';
import { AppError } from '../../../shared/domain/errors.ts';
import type { Train } from '../../../shared/events/train.ts';
import { decodeArtefact, type ModelJson } from '../../../shared/gnn/artefact.ts';
import { loadBackend } from '../../../shared/gnn/backend.ts';
import type { GraphDocument } from '../../../shared/store/graph-store.ts';
import { openProvenMarket, type ProvenMarket } from '../../gnn/support/proven-market.ts';
import { contextOf, newsOf, received, storeGraph } from './a-training.ts';

describe('train', () => {
  let store: ProvenMarket;
  let graph: GraphDocument;
  let small: GraphDocument;

  before(async () => {
    store = await openProvenMarket();
    graph = await storeGraph(store, 1_400, 1);
    small = await storeGraph(store, 300, 1);
  });
  after(() => store.close());

  it('publishes weights, description and card, then the model as ready and active, and ends its stage', async () => {
    const context = contextOf(store);

    await runJob(received(graph), context);

    const news = newsOf(context);
    assert.deepEqual([news[0]?.status, news.at(-1)?.status], ['started', 'completed']);
    assert.ok(news.slice(1, -1).every(({ status, finished }) => status === 'loading' && !finished));
    assert.ok(news.length > 2, 'its progress is told');
    assert.equal(news.filter(({ finished }) => finished).length, 1);
    const modelId = String(news.at(-1)?.detail?.model_id);
    const model = await store.models.readModel(modelId);
    assert.equal(model?.status, 'ready');
    assert.equal((await store.models.readActive('vol'))?.model_id, modelId);
    const keys = objectKeys(modelId);
    const card = JSON.parse(Buffer.from(await store.objects.get(keys.card)).toString());
    assert.deepEqual(card, JSON.parse(JSON.stringify(model?.card)));
    const weights = await store.objects.get(keys.weights);
    const description = JSON.parse(Buffer.from(await store.objects.get(keys.model)).toString()) as ModelJson;
    assert.equal(createHash('sha256').update(weights).digest('hex'), description.weights_sha256);
    await loadBackend(['cpu']);
    const members = decodeArtefact({ weights, model: description });
    assert.equal(members.length, 2);
    for (const member of members) member.dispose();
  });

  it('names in the card its data, its proof, its measure and what may not be concluded', async () => {
    const [model] = await store.models.listModels({ task: 'vol' });
    const card = model?.card as Record<string, unknown>;

    assert.deepEqual(card.data_window, { exchange: 'binance', symbols: graph.symbols, interval: '5m', from: graph.from, to: graph.to });
    assert.deepEqual([card.graph_id, card.graph_content_hash], [graph.graph_id, graph.content_hash]);
    const proofs = card.proof as { series: string; complete: boolean; ranges: { from: number; to: number }[] }[];
    assert.deepEqual(
      proofs.map(({ series, complete }) => [series, complete]),
      graph.symbols.map((symbol) => [`binance:${symbol}:candles:5m`, true]),
    );
    assert.deepEqual(proofs[0]?.ranges, [{ from: graph.from, to: graph.to }]);
    assert.deepEqual(Object.keys(card.baselines as object), ['majority', 'persistence', 'logistic', 'mlp', 'sgc']);
    assert.deepEqual(
      Object.keys(card.paired as object),
      ['majority', 'persistence', 'logistic', 'mlp', 'sgc'].map((name) => `vs_${name}`),
    );
    const { pooled } = card.metrics as { pooled: { acc: number; ci: [number, number] } };
    assert.ok(pooled.ci[0] <= pooled.acc && pooled.acc <= pooled.ci[1]);
    assert.ok(['better', 'baseline-equal', 'no-skill'].includes(String(card.verdict)));
    assert.deepEqual(card.seeds, [1, 2]);
    assert.ok((card.limitations as string[]).length >= 4);
    const { train: fitted, validation, test } = card.split as Record<string, { from: number; to: number }>;
    assert.ok(fitted && validation && test && fitted.to < validation.from && validation.to < test.from && test.to < graph.to);
  });

  it('has no word for skill where the test is only a day or two long', async () => {
    const [model] = await store.models.listModels({ task: 'vol' });
    const card = model?.card as { verdict: string; intervals: { blocks: number } };

    assert.ok(card.intervals.blocks < 5);
    assert.equal(card.verdict, 'no-skill');
  });

  it('gives the same weights to the bit when the same training is done anew', async () => {
    const [before] = await store.models.listModels({ task: 'vol' });
    const modelId = String(before?.model_id);
    await store.models.putModel({ ...(before as NonNullable<typeof before>), status: 'failed' });
    const context = contextOf(store);

    await runJob(received(graph), context);

    const after = await store.models.readModel(modelId);
    assert.equal(newsOf(context).at(-1)?.detail?.model_id, modelId);
    assert.equal(after?.status, 'ready');
    assert.equal(after?.card?.weights_sha256, before?.card?.weights_sha256);
    assert.deepEqual(after?.card?.metrics, before?.card?.metrics);
  });

  it('does not train again what is published already', async () => {
    const context = contextOf(store);

    await runJob(received(graph, { queue_id: 'wf-other-api_candles_5m-20240801-zzzzzz' }), context);

    const news = newsOf(context);
    assert.deepEqual(
      news.map(({ status, finished }) => [status, finished]),
      [['completed', true]],
    );
  });

  it('trains the linear model where that is asked for, against what it can be held against', async () => {
    const context = contextOf(store);

    await runJob(received(graph, { model: 'sgc', task: 'dir', horizon: 1, epochs: 2 }), context);

    const [model] = await store.models.listModels({ task: 'dir' });
    assert.equal(newsOf(context).at(-1)?.detail?.model_id, model?.model_id);
    const card = model?.card as { baselines: object; model: { kind: string }; classes: string[] };
    assert.deepEqual(Object.keys(card.baselines), ['majority', 'persistence', 'logistic']);
    assert.deepEqual([card.model.kind, card.classes], ['sgc', ['down', 'up']]);
  });

  const refusals: [string, () => Partial<Train>, string][] = [
    ['a graph that is not stored', () => ({ graph_id: 'f'.repeat(64) }), 'invalid_request'],
    ['a graph with too few bars', () => ({ graph_id: small.graph_id }), 'invalid_request'],
    ['a backend that does not come up here', () => ({ backend: 'tensorflow-gpu' }), 'invalid_request'],
  ];
  for (const [what, overrides, code] of refusals) {
    it(`refuses ${what} with ${code}`, async () => {
      await assert.rejects(
        runJob(received(graph, overrides()), contextOf(store)),
        (error) => error instanceof AppError && error.code === code,
      );
    });
  }

  it('refuses a graph whose content is not what its hash says', async () => {
    const damaged: GraphDocument = {
      ...graph,
      graph_id: 'd'.repeat(64),
      node_count: 3,
      edge_counts: { next: 0, visible: 0, corr: 0, leads: 0 },
    };
    const first = await store.graphs.readNodes(graph.graph_id)[Symbol.asyncIterator]().next();
    const nodes = first.done === true ? [] : first.value.slice(0, 3);
    await store.graphs.writeGraph(damaged, { nodes: [nodes], edges: { next: [], visible: [], corr: [], leads: [] } });

    await assert.rejects(
      runJob(received(graph, { graph_id: damaged.graph_id }), contextOf(store)),
      (error) => error instanceof AppError && error.code === 'contract_mismatch',
    );
  });
});
