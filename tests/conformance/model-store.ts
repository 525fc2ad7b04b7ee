import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { ModelDocument, ModelStore } from '../../shared/store/model-store.ts';
import type { Place, Stores, StoresFactory } from './stores.ts';

let names = 0;

/** The promises of `ModelStore`, to be kept by every adapter alike. */
export function describeModelStore(factory: StoresFactory): void {
  describe('ModelStore', () => {
    let place: Place<Stores>;
    let models: ModelStore;
    const fresh = (what: string): string => `${what}-${process.pid}-${++names}`;
    const aModel = (over: Partial<ModelDocument> = {}): ModelDocument => ({
      ...{ model_id: fresh('model'), status: 'ready' as const, task: 'vol', graph_id: 'a'.repeat(64), created_at: 1, ...over },
    });

    before(async () => {
      place = await factory();
      ({ models } = await place.open());
    });
    after(() => place.remove());

    test('a model comes back as the last one written under its id', async () => {
      const training = aModel({ status: 'training', queue_id: 'wf' });
      const objects = { weights: 'models/m/weights.bin', model: 'models/m/model.json', card: 'models/m/card.json' };
      const ready = {
        ...training,
        status: 'ready' as const,
        objects,
        card: { metrics: { accuracy: 0.1 + 0.2, ci: [0.52, 1e-17] }, verdict: null },
      };

      await models.putModel(training);
      assert.deepEqual(await models.readModel(training.model_id), training);
      await models.putModel(ready);

      assert.deepEqual(await models.readModel(training.model_id), ready);
      assert.equal(await models.readModel(fresh('model')), undefined);
    });

    test('models are listed newest first, by task', async () => {
      const task = fresh('task');
      const [old, other, newest] = [aModel({ task, created_at: 5 }), aModel({ created_at: 6 }), aModel({ task, created_at: 7 })];
      for (const model of [old, newest, other]) await models.putModel(model);

      assert.deepEqual(await models.listModels({ task }), [newest, old]);
      assert.deepEqual(await models.listModels({ task, limit: 1 }), [newest]);
      const all = await models.listModels({ limit: 1_000 });
      assert.ok(
        all.findIndex(({ model_id }) => model_id === other.model_id) > all.findIndex(({ model_id }) => model_id === newest.model_id),
      );
    });

    test('each task has one active model, the last one set, also for another process', async () => {
      const [task, other] = [fresh('task'), fresh('task')];
      await models.setActive(task, 'm1', 1);
      await models.setActive(other, 'm3', 1);
      await models.setActive(task, 'm2', 2);
      const elsewhere = await place.open();

      assert.deepEqual(await elsewhere.models.readActive(task), { model_id: 'm2', at: 2 });
      assert.deepEqual(await models.readActive(other), { model_id: 'm3', at: 1 });
      assert.equal(await models.readActive(fresh('task')), undefined);
      await elsewhere.close();
    });

    test('a closed store answers store_unavailable', async () => {
      const { models: closed } = await place.open();

      await closed.close();

      await assert.rejects(closed.readModel('m'), { code: 'store_unavailable' });
    });
  });
}
