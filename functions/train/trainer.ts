// The process that trains: arrays in, artefact out. It touches no store and no network, and ends with its parent.
import { Worker } from 'node:worker_threads';
import { toAppError } from '../../shared/domain/errors.ts';
import { RELATIONS } from '../../shared/domain/graph/graph.ts';
import { loadBackend } from '../../shared/gnn/backend.ts';
import type { BackendName } from '../../shared/gnn/backend-names.ts';
import { runExperiment } from '../../shared/gnn/experiment.ts';
import type { TrainingGraph } from '../../shared/gnn/training-graph.ts';
import type { ArrayName, FromTrainer, GraphArray, ToTrainer } from './protocol.ts';

let graph: TrainingGraph | undefined;

new Worker(new URL('./heart.ts', import.meta.url)).unref();

// A parent that died, or dropped the work, has closed the channel.
process.once('disconnect', () => process.exit(1));
process.on('message', (message: ToTrainer) => void handle(message));

try {
  const backends = JSON.parse(process.argv[2] ?? '[]') as BackendName[];
  await send({ kind: 'backend', backend: await loadBackend(backends) });
} catch (error) {
  await fail(error);
}

async function handle(message: ToTrainer): Promise<void> {
  if (message.kind === 'open') {
    graph = emptyGraph(message);
  } else if (graph === undefined) {
    await fail(new Error('the graph was not opened'));
  } else if (message.kind === 'piece') {
    arrayOf(graph, message.name).set(message.values as never, message.offset);
  } else {
    try {
      const experiment = await runExperiment(graph, message.task, { onEpoch: (progress) => void send({ kind: 'epoch', progress }) });
      const { user, system } = process.cpuUsage();
      await send({ kind: 'trained', experiment, cpuSeconds: (user + system) / 1e6 });
    } catch (error) {
      await fail(error);
    }
  }
}

function emptyGraph({ size, edges }: ToTrainer & { readonly kind: 'open' }): TrainingGraph {
  const nodes = size.bars * size.symbols;
  return {
    ...size,
    openTime: new Float64Array(size.bars),
    close: new Float64Array(nodes),
    imputed: new Uint8Array(nodes),
    x: new Float32Array(nodes * size.features),
    edges: Object.fromEntries(
      RELATIONS.map((relation) => [relation, { src: new Int32Array(edges[relation]), dst: new Int32Array(edges[relation]) }]),
    ) as TrainingGraph['edges'],
  };
}

function arrayOf(into: TrainingGraph, name: ArrayName): GraphArray {
  switch (name) {
    case 'openTime':
    case 'close':
    case 'imputed':
    case 'x':
      return into[name];
    default: {
      const [relation, end] = name.split('.') as [keyof TrainingGraph['edges'], 'src' | 'dst'];
      return into.edges[relation][end];
    }
  }
}

function send(message: FromTrainer): Promise<void> {
  return new Promise((resolve) => process.send?.(message, undefined, undefined, () => resolve()));
}

async function fail(error: unknown): Promise<void> {
  const { code, message, context } = toAppError(error);
  await send({ kind: 'failed', code, message, context });
}
