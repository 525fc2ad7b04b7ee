import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { after, before, describe, it } from 'node:test';
import type { TrainConfig } from '../../../functions/train/config.ts';
import { runJob } from '../../../functions/train/handle.ts';
import { objectKeys } from '../../../functions/train/publish.ts';
import { AppError } from '../../../shared/domain/errors.ts';
import { buildGraph } from '../../../shared/domain/graph/build.ts';
import { contentHash, edgePages, nodePages } from '../../../shared/domain/graph/content.ts';
import type { QueueEvent } from '../../../shared/events/queue-event.ts';
import { type Train, train } from '../../../shared/events/train.ts';
import { decodeArtefact, type ModelJson } from '../../../shared/gnn/artefact.ts';
import { loadBackend } from '../../../shared/gnn/backend.ts';
import { BACKENDS } from '../../../shared/gnn/backend-names.ts';
import type { ObjectStore } from '../../../shared/objects/object-store.ts';
import type { ReceivedEvent } from '../../../shared/runtime/define-function.ts';
import type { GraphDocument } from '../../../shared/store/graph-store.ts';
import { GRAPH_PARAMS, graphInput } from '../../gnn/support/graphs.ts';
import { MARKET_START, simulateMarket } from '../../gnn/support/market.ts';
import { openProvenMarket, type ProvenMarket, prove } from '../../gnn/support/proven-market.ts';
import { createTestJobContext } from '../../support/context.ts';
import { eventually } from '../../support/eventually.ts';

const BARS = 1_400;

/** Writes the graph of a market straight into the store. */
async function storeGraph(store: ProvenMarket, bars: number, seed: number): Promise<GraphDocument> {
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

describe('train', () => {
  let store: ProvenMarket;
  let graph: GraphDocument;
  let small: GraphDocument;

  before(async () => {
    store = await openProvenMarket();
    graph = await storeGraph(store, BARS, 1);
    small = await storeGraph(store, 300, 1);
  });
  after(() => store.close());

  const received = (overrides: Partial<Train> = {}): ReceivedEvent => {
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
  };
  const contextOf = (overrides: Parameters<typeof createTestJobContext<TrainConfig>>[0] = {}) =>
    createTestJobContext<TrainConfig>({ functionName: 'train', config: { backends: [...BACKENDS] }, ports: store, ...overrides });
  const newsOf = (context: { readonly published: readonly { readonly data: unknown }[] }): QueueEvent[] =>
    context.published.map((event) => event.data as QueueEvent);

  it('publishes weights, description and card, then the model as ready and active, and ends its stage', async () => {
    const context = contextOf();

    await runJob(received(), context);

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
    const context = contextOf();

    await runJob(received(), context);

    const after = await store.models.readModel(modelId);
    assert.equal(newsOf(context).at(-1)?.detail?.model_id, modelId);
    assert.equal(after?.status, 'ready');
    assert.equal(after?.card?.weights_sha256, before?.card?.weights_sha256);
    assert.deepEqual(after?.card?.metrics, before?.card?.metrics);
  });

  it('does not train again what is published already', async () => {
    const context = contextOf();

    await runJob(received({ queue_id: 'wf-other-api_candles_5m-20240801-zzzzzz' }), context);

    const news = newsOf(context);
    assert.deepEqual(
      news.map(({ status, finished }) => [status, finished]),
      [['completed', true]],
    );
  });

  it('gives another model id for other seeds, another task or another graph', async () => {
    const ids = new Set<string>();
    for (const overrides of [{}, { seeds: [3] }, { task: 'dir' as const, horizon: 1 }, { model: 'sgc' as const }]) {
      const context = contextOf();
      await runJob(received({ epochs: 1, ...overrides }), context);
      ids.add(String(newsOf(context).at(-1)?.detail?.model_id));
    }

    assert.equal(ids.size, 4);
  });

  const refusals: [string, () => Partial<Train>, string][] = [
    ['a graph that is not stored', () => ({ graph_id: 'f'.repeat(64) }), 'invalid_request'],
    ['a graph with too few bars', () => ({ graph_id: small.graph_id }), 'invalid_request'],
    ['a backend that does not come up here', () => ({ backend: 'tensorflow-gpu' }), 'invalid_request'],
  ];
  for (const [what, overrides, code] of refusals) {
    it(`refuses ${what} with ${code}`, async () => {
      await assert.rejects(runJob(received(overrides()), contextOf()), (error) => error instanceof AppError && error.code === code);
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
      runJob(received({ graph_id: damaged.graph_id }), contextOf()),
      (error) => error instanceof AppError && error.code === 'contract_mismatch',
    );
  });

  describe('case 71: a model upload torn at any write', () => {
    for (const failing of ['weights.bin', 'model.json', 'card.json'] as const) {
      it(`shows no model where the write of ${failing} fails, and all of it when it is done again`, async () => {
        const seeds = [{ 'weights.bin': 11, 'model.json': 12, 'card.json': 13 }[failing]];
        const known = (await store.models.listModels()).length;
        const active = await store.models.readActive('vol');
        const objects: ObjectStore = {
          ...bound(store.objects),
          async put(key, body, options) {
            if (key.endsWith(failing)) throw new AppError('storage_full', 'the disk is full');
            return store.objects.put(key, body, options);
          },
        };

        await assert.rejects(
          runJob(received({ seeds, epochs: 1 }), contextOf({ ports: { ...store, objects } })),
          (error) => error instanceof AppError && error.code === 'storage_full',
        );

        assert.equal((await store.models.listModels()).length, known);
        assert.deepEqual(await store.models.readActive('vol'), active);
        const context = contextOf();
        await runJob(received({ seeds, epochs: 1 }), context);
        const modelId = String(newsOf(context).at(-1)?.detail?.model_id);
        assert.equal((await store.models.readModel(modelId))?.status, 'ready');
        for (const key of Object.values(objectKeys(modelId))) assert.ok(await store.objects.has(key));
      });
    }
  });

  it('publishes nothing once its claim is lost', async () => {
    const known = (await store.models.listModels()).length;
    const context = contextOf({ holdsClaim: async () => false });

    await assert.rejects(
      runJob(received({ seeds: [21], epochs: 1 }), context),
      (error) => error instanceof AppError && error.code === 'state_conflict',
    );

    assert.equal((await store.models.listModels()).length, known);
    assert.ok(!newsOf(context).some(({ finished }) => finished));
  });

  describe('case 72: a training that is stopped', () => {
    const long = { seeds: Array.from({ length: 20 }, (_, i) => 100 + i), epochs: 10_000 };

    it('ends within a second of the abort, publishes nothing and leaves no process behind', async () => {
      const stop = new AbortController();
      const known = (await store.models.listModels()).length;
      const objects = (await store.objects.list('models/')).length;
      const context = contextOf({ signal: stop.signal });
      const running = runJob(received(long), context);
      running.catch(() => undefined);
      await eventually(() => newsOf(context).some(({ status }) => status === 'loading'), { deadlineMs: 30_000, what: 'the tenth epoch' });

      const asked = performance.now();
      stop.abort(new AppError('timeout', 'the host stops'));
      await assert.rejects(running, (error) => error instanceof AppError && error.code === 'timeout');

      assert.ok(performance.now() - asked < 1_000, `it took ${performance.now() - asked} ms`);
      assert.ok(!process.getActiveResourcesInfo().includes('ProcessWrap'), 'a process is left');
      assert.equal((await store.models.listModels()).length, known);
      assert.equal((await store.objects.list('models/')).length, objects);
      assert.ok(!newsOf(context).some(({ finished }) => finished));
    });

    it('is dropped when its workflow was stopped, and its message is acknowledged', async () => {
      const queueId = 'wf-ausdt-api_candles_5m-20240801-stop00';
      const pending = {
        queue_id: queueId,
        rev: 0,
        status: 'pending' as const,
        attempt: 1,
        symbols: ['AUSDT'],
        types: ['api_candles_5m'],
        request_hash: 'a'.repeat(64),
        created_at: MARKET_START,
        updated_at: MARKET_START,
        state: {},
        outbox: [],
      };
      const { stored } = await store.workflows.insertPending(pending);
      const known = (await store.models.listModels()).length;
      const context = contextOf();
      const running = runJob(received({ ...long, queue_id: queueId }), context);
      await eventually(() => newsOf(context).some(({ status }) => status === 'loading'), { deadlineMs: 30_000, what: 'the tenth epoch' });

      await store.workflows.commitChanges([{ document: { ...stored, status: 'interrupted' }, shards: [], events: [] }]);
      await context.clock.advance(500);
      await running;

      assert.equal((await store.models.listModels()).length, known);
      assert.ok(!newsOf(context).some(({ finished }) => finished));
    });
  });
});

/** The methods of a store as own properties, so that one of them can be put in another's place. */
function bound(objects: ObjectStore): ObjectStore {
  return {
    put: (...args) => objects.put(...args),
    get: (...args) => objects.get(...args),
    has: (key) => objects.has(key),
    list: (prefix) => objects.list(prefix),
    delete: (key) => objects.delete(key),
    close: () => objects.close(),
  };
}
