import { AppError } from '../domain/errors.ts';
import { TOPICS } from '../events/topics.ts';
import { GRACE_MS } from './defaults.ts';
import type { FunctionDefinition } from './define-function.ts';
import { readSettings } from './host-settings.ts';
import type { TaskEnding } from './one-job.ts';
import { type Openers, openersFor, openPorts } from './ports.ts';
import type { PartOverrides } from './process-parts.ts';
import { checkFor, startProcess } from './serve-process.ts';
import type { Environment } from './settings.ts';

/** The three ways to run a function: as a server for pushed events and requests, as a consumer, or for one task. */
export const RUN_MODES = ['http', 'kafka', 'job'] as const;
export type RunMode = (typeof RUN_MODES)[number];

/** How one function is run alone, as in its container. */
export interface RunOptions extends PartOverrides {
  readonly definition: FunctionDefinition;
  readonly mode: RunMode;
  readonly port?: number;
  readonly dataDir?: string;
  readonly env?: Environment;
  readonly graceMs?: number;
  readonly openers?: Openers;
}

/** A function that runs. */
export interface RunningFunction {
  /** Where it serves: every mode has probes and `/metrics`. */
  readonly url: string;
  readonly port: number;
  /** Settles with the exit code when it has nothing more to do by itself: its task is over. A server or a consumer never ends by itself. */
  readonly ended: Promise<number>;
  stop(options?: { readonly graceMs?: number }): Promise<void>;
}

/** Exit codes of a task. 42: its message was poison and is in the dead letters, another try would end the same way (a pod failure policy names it). */
const EXIT_CODES: Readonly<Record<TaskEnding, number>> = { done: 0, skipped: 0, idle: 0, lost: 0, failed: 42, broken: 1, stopped: 1 };

const RUNS = { http: ['http'], kafka: ['topic'], job: ['task'] } as const;
const NEEDS = { http: ['http'], kafka: ['topic'], job: ['job', 'schedule'] } as const;

/**
 * Runs one function alone. `http` serves its routes and takes the events that it declares as push. `kafka` and `job` share a log with other processes, which
 * the embedded one cannot be: without Kafka they are refused with `missing_setting`. Throws as `startHost` does.
 */
export async function runFunction(options: RunOptions): Promise<RunningFunction> {
  const { definition, mode } = options;
  const { platform, configs } = readSettings([definition], options.env ?? process.env, options);
  const wanted: readonly string[] = NEEDS[mode];
  if (!definition.triggers.some(({ kind }) => wanted.includes(kind))) {
    const kinds = [...new Set(definition.triggers.map(({ kind }) => kind))].join(', ');
    const message = `${definition.name} cannot run as ${mode}: it has no ${wanted.join(' or ')} trigger (it has: ${kinds}).`;
    throw new AppError('invalid_setting', message);
  }
  if (mode !== 'http' && platform.kafkaServers === undefined) {
    const detail = `${definition.name} as ${mode} shares a log with other processes: set KAFKA_BOOTSTRAP_SERVERS, or run it in the local host ("streamforge serve --functions ${definition.name}").`;
    throw new AppError('missing_setting', detail, { fields: [{ path: 'KAFKA_BOOTSTRAP_SERVERS', problem: 'is missing' }] });
  }
  const { url, port, task, stop } = await startProcess({
    title: `StreamForge ${definition.name}`,
    functions: [definition],
    configs,
    platform,
    overrides: options,
    runs: RUNS[mode],
    // The embedded log is empty at first; on Kafka topics are declared by whoever runs it.
    prepare: async (ports) => (platform.kafkaServers === undefined ? ports.bus.admin.ensureTopics(TOPICS) : undefined),
    open: (parts) => openPorts(options.openers ?? openersFor(platform, parts)),
    // A consumer with nothing in its hands does not notice by itself that the brokers are away.
    checks: (ports) => (mode === 'kafka' ? [checkFor('log', () => ports.bus.admin.groups())] : []),
  });
  const ended = Promise.withResolvers<number>();
  void task?.then((ending) => ended.resolve(EXIT_CODES[ending]));
  return {
    url,
    port,
    ended: ended.promise,
    async stop({ graceMs = options.graceMs ?? GRACE_MS } = {}) {
      await stop(graceMs);
      ended.resolve(0);
    },
  };
}
