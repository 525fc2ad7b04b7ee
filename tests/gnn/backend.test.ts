import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as tf from '@tensorflow/tfjs';
import { settings } from '../../functions/train/config.ts';
import { AppError } from '../../shared/domain/errors.ts';
import { type BackendLoaders, loadBackend } from '../../shared/gnn/backend.ts';

const failing = (message: string, code?: string) => async (): Promise<string> => {
  throw Object.assign(new Error(message), code === undefined ? {} : { code });
};
const loaders = (overrides: Partial<BackendLoaders>): BackendLoaders => ({
  'tensorflow-gpu': failing('Cannot find package', 'ERR_MODULE_NOT_FOUND'),
  tensorflow: failing('the native addon module can not be found\nat some place'),
  wasm: async () => 'wasm',
  cpu: async () => 'cpu',
  ...overrides,
});

describe('loading a backend', () => {
  it('takes the first that comes up, and says why the ones before it did not', async () => {
    const loaded = await loadBackend(undefined, loaders({ wasm: failing('no such file') }));

    assert.equal(loaded.name, 'cpu');
    assert.equal(tf.getBackend(), 'cpu');
    assert.equal(loaded.simd, false);
    assert.deepEqual(loaded.skipped, [
      { name: 'tensorflow-gpu', reason: 'not installed' },
      { name: 'tensorflow', reason: 'the native addon module can not be found' },
      { name: 'wasm', reason: 'no such file' },
    ]);
  });

  it('tries only what is asked for', async () => {
    const loaded = await loadBackend(['wasm']);

    assert.deepEqual([loaded.name, loaded.simd, loaded.skipped.length], ['wasm', true, 0]);
  });

  it('skips a backend that comes up and cannot multiply', async () => {
    tf.registerBackend('broken', () => ({ dispose: () => undefined }) as unknown as tf.KernelBackend);

    const loaded = await loadBackend(['wasm', 'cpu'], loaders({ wasm: async () => 'broken' }));

    assert.equal(loaded.name, 'cpu');
    assert.equal(loaded.skipped[0]?.name, 'wasm');
    tf.removeBackend('broken');
  });

  it('fails with every reason where none comes up', async () => {
    await assert.rejects(
      loadBackend(['tensorflow-gpu', 'wasm'], loaders({ wasm: failing('no such file') })),
      (error) =>
        error instanceof AppError &&
        error.code === 'invalid_setting' &&
        error.message.includes('tensorflow-gpu: not installed') &&
        error.message.includes('wasm: no such file'),
    );
  });
});

describe('GNN_BACKEND', () => {
  const parse = (text: string | undefined): unknown => settings.backends.schema.safeParse(text);

  it('is all backends, fastest first, unless it is set', () => {
    assert.deepEqual(parse(undefined), { success: true, data: ['tensorflow-gpu', 'tensorflow', 'wasm', 'cpu'] });
  });

  it('names one backend, or several in their order', () => {
    assert.deepEqual(parse('cpu'), { success: true, data: ['cpu'] });
    assert.deepEqual(parse('cpu, wasm'), { success: true, data: ['cpu', 'wasm'] });
  });

  it('refuses a name that is none', () => {
    assert.equal(settings.backends.schema.safeParse('webgl').success, false);
  });
});
