import { createRequire } from 'node:module';
import { dirname } from 'node:path';
import util from 'node:util';
import * as tf from '@tensorflow/tfjs';
import { AppError } from '../domain/errors.ts';
import { BACKENDS, type BackendName, type LoadedBackend } from './backend-names.ts';
import { type KernelBackendName, simdOf } from './heap.ts';
import { installKernels } from './kernels.ts';

/** How a backend is loaded, by name; tests put failures in. Resolves to the tfjs name of the backend. */
export type BackendLoaders = Readonly<Record<BackendName, () => Promise<string>>>;

const LOADERS: BackendLoaders = {
  'tensorflow-gpu': () => importNative('@tensorflow/tfjs-node-gpu'),
  tensorflow: () => importNative('@tensorflow/tfjs-node'),
  wasm: async () => {
    const { setWasmPaths } = await import('@tensorflow/tfjs-backend-wasm');
    const main = createRequire(import.meta.url).resolve('@tensorflow/tfjs-backend-wasm');
    setWasmPaths(`${dirname(main)}/`);
    return 'wasm';
  },
  cpu: async () => 'cpu',
};

/**
 * Loads the first backend of `wanted` (default: all, fastest first) that comes up and multiplies two small matrices rightly.
 * Throws `invalid_setting` with every reason where none does.
 */
export async function loadBackend(wanted: readonly BackendName[] = BACKENDS, loaders: BackendLoaders = LOADERS): Promise<LoadedBackend> {
  tf.env().set('PROD', true);
  const skipped: { name: BackendName; reason: string }[] = [];
  for (const name of wanted) {
    try {
      const backendName = await loaders[name]();
      if (!(await tf.setBackend(backendName))) throw new Error('the backend did not start');
      if (backendName === 'cpu' || backendName === 'wasm') installKernels(backendName as KernelBackendName);
      smokeTest();
      return { name, skipped, simd: simdOf(backendName, tf.backend()) !== undefined, tfjs: tf.version_core, node: process.version };
    } catch (error) {
      skipped.push({ name, reason: reasonOf(error) });
    }
  }
  throw new AppError('invalid_setting', `No backend came up: ${skipped.map(({ name, reason }) => `${name}: ${reason}`).join('; ')}.`, {
    skipped,
  });
}

async function importNative(packageName: string): Promise<string> {
  // tfjs-node 4.22 calls functions that Node 23 took away (tfjs#8609).
  const legacy = util as unknown as Record<string, unknown>;
  legacy.isNullOrUndefined ??= (value: unknown): boolean => value === null || value === undefined;
  legacy.isArray ??= Array.isArray;
  await import(packageName);
  return 'tensorflow';
}

function smokeTest(): void {
  const product = tf.tidy(() => tf.matMul(tf.tensor2d([1, 2, 3, 4], [2, 2]), tf.tensor2d([5, 6, 7, 8], [2, 2])).dataSync());
  if ([...product].join() !== '19,22,43,50') throw new Error(`a product of two matrices came out as ${[...product].join()}`);
}

function reasonOf(error: unknown): string {
  const { code, message } = error as { code?: string; message?: string };
  return code === 'ERR_MODULE_NOT_FOUND' ? 'not installed' : (message ?? String(error)).split('\n', 1)[0]!.slice(0, 300);
}
