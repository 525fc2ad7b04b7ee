import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { runJob } from '../../../functions/train/handle.ts';
import { objectKeys } from '../../../functions/train/publish.ts';
import { AppError } from '../../../shared/domain/errors.ts';
import type { ObjectStore } from '../../../shared/objects/object-store.ts';
import type { GraphDocument } from '../../../shared/store/graph-store.ts';
import { MARKET_START } from '../../gnn/support/market.ts';
import { openProvenMarket, type ProvenMarket } from '../../gnn/support/proven-market.ts';
import { eventually } from '../../support/eventually.ts';
import { contextOf, newsOf, received, storeGraph } from './a-training.ts';

describe('a training that does not come to its end', () => {
  let store: ProvenMarket;
  let graph: GraphDocument;

  before(async () => {
    store = await openProvenMarket();
    graph = await storeGraph(store, 1_400, 1);
  });
  after(() => store.close());

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
          runJob(received(graph, { seeds, epochs: 1, model: 'sgc' }), contextOf(store, { ports: { ...store, objects } })),
          (error) => error instanceof AppError && error.code === 'storage_full',
        );

        assert.equal((await store.models.listModels()).length, known);
        assert.deepEqual(await store.models.readActive('vol'), active);
        const context = contextOf(store);
        await runJob(received(graph, { seeds, epochs: 1, model: 'sgc' }), context);
        const modelId = String(newsOf(context).at(-1)?.detail?.model_id);
        assert.equal((await store.models.readModel(modelId))?.status, 'ready');
        for (const key of Object.values(objectKeys(modelId))) assert.ok(await store.objects.has(key));
      });
    }
  });

  it('publishes nothing once its claim is lost', async () => {
    const known = (await store.models.listModels()).length;
    const context = contextOf(store, { holdsClaim: async () => false });

    await assert.rejects(
      runJob(received(graph, { seeds: [21], epochs: 1, model: 'sgc' }), context),
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
      const context = contextOf(store, { signal: stop.signal });
      const running = runJob(received(graph, long), context);
      running.catch(() => undefined);
      await eventually(() => newsOf(context).some(({ status }) => status === 'loading'), { deadlineMs: 30_000, what: 'the tenth epoch' });

      const asked = performance.now();
      stop.abort(new AppError('timeout', 'the host stops'));
      await assert.rejects(running, (error) => error instanceof AppError && error.code === 'timeout');

      assert.ok(performance.now() - asked < 1_000, `it took ${performance.now() - asked} ms`);
      await eventually(() => !process.getActiveResourcesInfo().includes('ProcessWrap'), { what: 'the end of the process' });
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
      const context = contextOf(store);
      const running = runJob(received(graph, { ...long, queue_id: queueId }), context);
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
