import { type ChildProcess, fork } from 'node:child_process';
import { AppError } from '../../shared/domain/errors.ts';
import { RELATIONS } from '../../shared/domain/graph/graph.ts';
import type { BackendName, LoadedBackend } from '../../shared/gnn/backend-names.ts';
import type { Experiment } from '../../shared/gnn/experiment.ts';
import type { TrainingTask } from '../../shared/gnn/hyper.ts';
import type { Progress } from '../../shared/gnn/train-members.ts';
import type { TrainingGraph } from '../../shared/gnn/training-graph.ts';
import { type ArrayName, backendsArgument, type FromTrainer, type GraphArray, type ToTrainer } from './protocol.ts';

/** Values of one message: 2 MiB of doubles at most, so that copying one holds the event loop for a moment only. */
const PIECE = 262_144;
/** A trainer that does not end by SIGTERM within this time is killed. */
const KILL_AFTER_MS = 300;
/** Some thirty signs of life that do not come. */
const SILENT_MS = 15_000;
/** Looks for a sign of life within the time of silence: counted, so that a machine that slept has one look more and not a dead trainer. */
const LOOKS = 4;
/** What is kept of its standard error, for the message where it dies. */
const STDERR_CHARS = 2_000;

/** A trainer process. It is gone when `stop` resolves. */
export interface Trainer {
  readonly pid: number | undefined;
  readonly backend: Promise<LoadedBackend>;
  train(graph: TrainingGraph, task: TrainingTask): Promise<{ readonly experiment: Experiment; readonly cpuSeconds: number }>;
  stop(): Promise<void>;
}

/** How a trainer is watched: after `silentMs` without a sign of life it is taken for frozen and killed. One that is only slow gives signs all the same. */
export interface TrainerOptions {
  readonly silentMs?: number;
  readonly script?: URL;
}

/**
 * Starts a trainer: a process of its own, because training computes for seconds without a pause and WebAssembly memory never shrinks. Its promises reject with
 * its error, with the signal's reason, with `timeout` where it is frozen, or where it ended unasked.
 */
export function startTrainer(
  backends: readonly BackendName[],
  signal: AbortSignal,
  onEpoch: (progress: Progress) => void,
  { silentMs = SILENT_MS, script = new URL('./trainer.ts', import.meta.url) }: TrainerOptions = {},
): Trainer {
  const child = fork(script, [backendsArgument(backends)], {
    serialization: 'advanced',
    execArgv: ['--no-warnings'],
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  });
  const backend = Promise.withResolvers<LoadedBackend>();
  const trained = Promise.withResolvers<{ experiment: Experiment; cpuSeconds: number }>();
  const exited = new Promise<void>((resolve) => {
    child.once('exit', () => resolve());
    // A process that could not be started has no exit.
    child.once('error', () => child.pid === undefined && resolve());
  });
  const fail = (error: unknown): void => {
    backend.reject(error);
    trained.reject(error);
  };
  // Whoever waits hears of it; nobody has to wait.
  backend.promise.catch(() => undefined);
  trained.promise.catch(() => undefined);
  let stderr = '';
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    stderr = (stderr + text).slice(-STDERR_CHARS);
  });
  child.on('message', (message: FromTrainer) => {
    if (message.kind === 'backend') backend.resolve(message.backend);
    else if (message.kind === 'epoch') onEpoch(message.progress);
    else if (message.kind === 'trained') trained.resolve(message);
    else fail(new AppError(message.code, message.message, message.context));
  });
  child.on('error', fail);
  let looks = 0;
  child.stdout?.on('data', () => {
    looks = 0;
  });
  const watching = setInterval(() => {
    looks += 1;
    if (looks <= LOOKS) return;
    clearInterval(watching);
    fail(
      new AppError('timeout', `The trainer gave no sign of life for ${silentMs / 1_000} s and is killed: it was frozen.`, {
        pid: child.pid,
      }),
    );
    void end(child, exited);
  }, silentMs / LOOKS);
  child.on('exit', (code, killedBy) => {
    clearInterval(watching);
    fail(new AppError('unclassified', `The trainer ended with ${killedBy ?? `code ${code}`} before its result: ${stderr.trim()}`));
  });
  const abort = (): void => {
    fail(signal.reason);
    void end(child, exited);
  };
  if (signal.aborted) abort();
  else signal.addEventListener('abort', abort, { once: true });
  return {
    pid: child.pid,
    backend: backend.promise,
    async train(graph, task) {
      await sendGraph(child, graph);
      await send(child, { kind: 'train', task });
      return trained.promise;
    },
    async stop() {
      signal.removeEventListener('abort', abort);
      await end(child, exited);
    },
  };
}

/** Ends the process and waits for it: by SIGTERM, then by SIGKILL. */
async function end(child: ChildProcess, exited: Promise<void>): Promise<void> {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
  child.kill('SIGTERM');
  const timer = setTimeout(() => child.kill('SIGKILL'), KILL_AFTER_MS);
  await exited;
  clearTimeout(timer);
}

async function sendGraph(child: ChildProcess, graph: TrainingGraph): Promise<void> {
  const { symbols, bars, features, openTime, close, imputed, x, edges } = graph;
  const counts = Object.fromEntries(RELATIONS.map((relation) => [relation, edges[relation].src.length])) as Record<
    (typeof RELATIONS)[number],
    number
  >;
  await send(child, { kind: 'open', size: { symbols, bars, features }, edges: counts });
  const arrays: [ArrayName, GraphArray][] = [
    ['openTime', openTime],
    ['close', close],
    ['imputed', imputed],
    ['x', x],
    ...RELATIONS.flatMap((relation): [ArrayName, GraphArray][] => [
      [`${relation}.src`, edges[relation].src],
      [`${relation}.dst`, edges[relation].dst],
    ]),
  ];
  for (const [name, array] of arrays) {
    for (let offset = 0; offset < array.length; offset += PIECE) {
      await send(child, { kind: 'piece', name, offset, values: array.slice(offset, offset + PIECE) });
    }
  }
}

function send(child: ChildProcess, message: ToTrainer): Promise<void> {
  return new Promise((resolve, reject) => {
    if (!child.connected) {
      resolve();
      return;
    }
    // A trainer that died tells so by its exit, with its last words.
    child.send(message, (error) => (error === null || !child.connected ? resolve() : reject(error)));
  });
}
