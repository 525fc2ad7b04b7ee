import { Worker } from 'node:worker_threads';
import { AppError } from '../../shared/domain/errors.ts';
import type { BuiltGraph, GraphInput } from '../../shared/domain/graph/build.ts';
import type { CandleTable } from '../../shared/domain/graph/candle-table.ts';
import type { FromBuildWorker, ToBuildWorker } from './build-worker.ts';

/** A graph and the hash of its content. */
export interface Built {
  readonly graph: BuiltGraph;
  readonly contentHash: string;
}

/**
 * Builds a graph in a thread of its own, so that the event loop goes on. `candles` gives each symbol's tables in order; they move to the thread. Rejects with
 * what `buildGraph` or `candles` throws, or with the signal's reason; the thread is gone when it settles.
 */
export async function buildInWorker(
  input: Omit<GraphInput, 'tables'>,
  candles: (symbol: number) => AsyncIterable<CandleTable>,
  signal: AbortSignal,
  script = new URL('./build-worker.ts', import.meta.url),
): Promise<Built> {
  signal.throwIfAborted();
  const worker = new Worker(script, { name: 'streamforge graph' });
  const { promise: ended, resolve, reject } = Promise.withResolvers<Built>();
  worker.on('message', (message: FromBuildWorker) => {
    if (message.kind === 'built') resolve({ graph: message.graph, contentHash: message.contentHash });
    else reject(new AppError(message.code, message.message, message.context));
  });
  worker.on('error', reject);
  worker.on('exit', () => reject(new Error('the thread that builds the graph ended')));
  const abort = (): void => reject(signal.reason);
  signal.addEventListener('abort', abort, { once: true });
  try {
    const fed = feed(worker, input, candles);
    const [built] = await Promise.all([ended, fed]);
    return built;
  } finally {
    signal.removeEventListener('abort', abort);
    await worker.terminate();
  }
}

async function feed(
  worker: Worker,
  input: Omit<GraphInput, 'tables'>,
  candles: (symbol: number) => AsyncIterable<CandleTable>,
): Promise<void> {
  const post = (message: ToBuildWorker, moved: ArrayBuffer[] = []): void => worker.postMessage(message, moved);
  for (let symbol = 0; symbol < input.symbols.length; symbol++) {
    for await (const table of candles(symbol)) post({ kind: 'candles', symbol, table }, [table.buffer as ArrayBuffer]);
  }
  post({ kind: 'build', input });
}
