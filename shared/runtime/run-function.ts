import { AppError } from '../domain/errors.ts';
import { TOPICS } from '../events/topics.ts';
import { GRACE_MS } from './defaults.ts';
import type { FunctionDefinition } from './define-function.ts';
import { readSettings } from './host-settings.ts';
import { type Openers, openersFor, openPorts } from './ports.ts';
import type { PartOverrides } from './process-parts.ts';
import { startProcess } from './serve-process.ts';
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
  /** Settles when it has nothing more to do by itself: a job that is done. A server never ends by itself. */
  readonly ended: Promise<void>;
  stop(options?: { readonly graceMs?: number }): Promise<void>;
}

/**
 * Runs one function alone. `http` serves its routes and takes the events that it declares as push. `kafka` and `job` share a log with other processes, which
 * the embedded one cannot be: without Kafka they are refused with `missing_setting`. Throws as `startHost` does.
 */
export async function runFunction(options: RunOptions): Promise<RunningFunction> {
  const { definition, mode } = options;
  const { platform, configs } = readSettings([definition], options.env ?? process.env, options);
  const wanted = mode === 'http' ? 'http' : mode === 'kafka' ? 'topic' : 'job';
  if (!definition.triggers.some(({ kind }) => kind === wanted)) {
    const kinds = [...new Set(definition.triggers.map(({ kind }) => kind))].join(', ');
    throw new AppError('invalid_setting', `${definition.name} cannot run as ${mode}: it has no ${wanted} trigger (it has: ${kinds}).`);
  }
  if (mode !== 'http' && platform.kafkaServers === undefined) {
    const detail = `${definition.name} as ${mode} shares a log with other processes: set KAFKA_BOOTSTRAP_SERVERS, or run it in the local host ("streamforge serve --functions ${definition.name}").`;
    throw new AppError('missing_setting', detail, { fields: [{ path: 'KAFKA_BOOTSTRAP_SERVERS', problem: 'is missing' }] });
  }
  const { url, port, stop } = await startProcess({
    title: `StreamForge ${definition.name}`,
    functions: [definition],
    configs,
    platform,
    overrides: options,
    consume: mode !== 'http',
    // The embedded log is empty at first; on Kafka topics are declared by whoever runs it.
    prepare: async (ports) => (platform.kafkaServers === undefined ? ports.bus.admin.ensureTopics(TOPICS) : undefined),
    open: (parts) => openPorts(options.openers ?? openersFor(platform, parts)),
  });
  const ended = Promise.withResolvers<void>();
  return {
    url,
    port,
    ended: ended.promise,
    async stop({ graceMs = options.graceMs ?? GRACE_MS } = {}) {
      await stop(graceMs);
      ended.resolve();
    },
  };
}
