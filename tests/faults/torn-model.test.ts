import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type FinishedModel, objectKeys, publishModel } from '../../functions/train/publish.ts';
import { AppError } from '../../shared/domain/errors.ts';
import { overriding } from '../runtime/overriding.ts';
import { createTestJobContext } from '../support/context.ts';
import { folderPlace, sqlitePlace } from '../support/places.ts';

const MODEL = { modelId: 'a1b2c3', queueId: 'wf-btcusdt-api_candles_5m-20240801-a1b2c3', task: 'vol', graphId: 'g1' };
const KEYS = objectKeys(MODEL.modelId);
const WRITES = [KEYS.weights, KEYS.model, KEYS.card];

for (const [index, failing] of [...WRITES, 'the document'].entries()) {
  test(`case 71: where the write of ${failing} fails, no card tells of a model that is not whole, and none is shown`, async () => {
    const [folder, place] = await Promise.all([folderPlace(), sqlitePlace()]);
    const [objects, { models, close }] = await Promise.all([folder.open(), place.open()]);
    const torn = new AppError('storage_full', 'the disk is full');
    const context = createTestJobContext({
      ports: {
        objects: overriding(objects, {
          put: (key, body, options) => (key === failing ? Promise.reject(torn) : objects.put(key, body, options)),
        }),
        models: overriding(models, failing === 'the document' ? { putModel: () => Promise.reject(torn) } : {}),
      },
    });
    const model: FinishedModel = { ...MODEL, artefact: { weights: new Uint8Array([1, 2, 3]), model: { layers: [] } } as never, card: {} };

    try {
      await assert.rejects(publishModel(model, context, context.signal), { code: 'storage_full' });

      const there = await Promise.all(WRITES.map((key) => objects.has(key)));
      assert.deepEqual(
        there,
        WRITES.map((_, write) => write < index),
        'written in order, the card last',
      );
      assert.deepEqual([await models.listModels(), await models.readActive('vol')], [[], undefined]);
    } finally {
      await Promise.all([objects.close(), close()]);
      await Promise.all([folder.remove(), place.remove()]);
    }
  });
}
