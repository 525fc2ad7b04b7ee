// A trainer that computes for three seconds without a pause, and has its heart in a thread of its own as the real one has.
import { Worker } from 'node:worker_threads';

new Worker(new URL('../../../functions/train/heart.ts', import.meta.url)).unref();
process.once('disconnect', () => process.exit(1));
process.on('message', (message: { readonly kind: string }) => {
  if (message.kind !== 'train') return;
  const end = performance.now() + 3_000;
  let sum = 0;
  while (performance.now() < end) sum += 1;
  process.send?.({ kind: 'trained', experiment: { sum }, cpuSeconds: 3 });
});
process.send?.({ kind: 'backend', backend: { name: 'cpu', skipped: [], simd: false, tfjs: '4.22.0', node: process.version } });
