import { AppError } from '../domain/errors.ts';
import { TOPICS } from '../events/topics.ts';
import { busRoutes } from './bus-routes.ts';
import { GRACE_MS, RETENTION_EVERY_MS } from './defaults.ts';
import type { FunctionDefinition } from './define-function.ts';
import { readSettings } from './host-settings.ts';
import { endOrphanedLeases } from './orphaned-leases.ts';
import { type Openers, type OpenPorts, openersFor, openPorts } from './ports.ts';
import type { PartOverrides } from './process-parts.ts';
import { createPublisher } from './publisher.ts';
import type { Replayer } from './replay.ts';
import { startSchedule } from './schedule.ts';
import { checkFor, startProcess } from './serve-process.ts';
import type { Environment } from './settings.ts';

/** How the local host is started. What is not said comes from the environment. */
export interface HostOptions extends PartOverrides {
  readonly functions: readonly FunctionDefinition[];
  /** Names of the functions to run; default: all. */
  readonly functionsFilter?: readonly string[];
  /** 0 for a free one. */
  readonly port?: number;
  readonly dataDir?: string;
  readonly env?: Environment;
  /** Starts an exchange simulator beside it and sends the functions there. */
  readonly simulate?: boolean | Parameters<typeof import('../exchanges/simulator/simulator.ts').startSimulator>[0];
  /** Default 25 s. */
  readonly graceMs?: number;
  /** Adapters other than those that the settings ask for. */
  readonly openers?: Openers;
}

/** The local host, running. */
export interface Host {
  readonly url: string;
  readonly port: number;
  readonly ports: OpenPorts;
  /** Ends it in the order of a shutdown. A second call waits for the first. */
  stop(options?: { readonly graceMs?: number }): Promise<void>;
}

/**
 * Runs functions in one process on the embedded log: HTTP functions on one port, topic triggers and jobs as consumers, schedules as timers, and `/bus/*`.
 * Resolves when everything runs. Throws with nothing left behind: `missing_setting`, `invalid_setting` (every problem named), `data_dir_locked`,
 * `not_yet_supported`. Signals of the process are the caller's to handle.
 */
export async function startHost(options: HostOptions): Promise<Host> {
  const functions = filtered(options.functions, options.functionsFilter);
  const simulator = await startSimulator(options.simulate);
  const env = { ...(options.env ?? process.env), ...(simulator === undefined ? {} : { BINANCE_API_URL: simulator.rest }) };
  try {
    const { platform, configs } = readSettings(functions, env, options);
    const served = await startProcess({
      title: 'StreamForge',
      functions,
      configs,
      platform,
      overrides: options,
      runs: ['http', 'topic', 'job', 'schedule'],
      open: (parts) => openPorts(options.openers ?? openersFor(platform, parts)),
      async prepare(ports, { clock, logger }) {
        await ports.bus.admin.ensureTopics(TOPICS);
        // The embedded log is locked: whoever held a lease is gone. Beside other processes on Kafka, leases are their own.
        if (platform.kafkaServers !== undefined) return;
        const leases = await endOrphanedLeases(ports.workflows, clock.now());
        if (leases > 0) logger.info({ leases }, 'A process before this one ended in the middle of its work: its leases are over.');
      },
      checks: (ports) => [
        checkFor('log', () => ports.bus.admin.groups()),
        checkFor('store', () => ports.workflows.listWorkflows({ limit: 1 })),
      ],
      routes: (ports, parts, consumers) =>
        busRoutes({
          bus: ports.bus,
          publisher: createPublisher(ports.bus, 'runtime', parts.metrics),
          clock: parts.clock,
          random: parts.random,
          replayers: () => replayersOf(functions, consumers()),
        }),
      // Kafka's brokers delete by themselves.
      schedules: (context) =>
        platform.kafkaServers !== undefined
          ? []
          : [
              startSchedule({
                trigger: {
                  kind: 'schedule',
                  name: 'retention',
                  everyMs: RETENTION_EVERY_MS,
                  scaling: { maxReplicas: 1, memoryMiB: 1, cpuMillis: 1 },
                },
                context,
                load: async () => ({
                  async tick({ ports, clock, logger }) {
                    const deleted = await ports.bus.admin.applyRetention(clock.now());
                    if (deleted > 0) logger.info({ deleted }, 'Records older than the retention of their topics were deleted.');
                  },
                }),
              }),
            ],
      others: simulator === undefined ? [] : [simulator.close],
    });
    const { url, port, ports, stop } = served;
    return { url, port, ports, stop: ({ graceMs = options.graceMs ?? GRACE_MS } = {}) => stop(graceMs) };
  } catch (error) {
    await simulator?.close();
    throw error;
  }
}

function filtered(functions: readonly FunctionDefinition[], names: readonly string[] | undefined): readonly FunctionDefinition[] {
  if (names === undefined) return functions;
  const unknown = names.filter((name) => !functions.some((definition) => definition.name === name));
  if (unknown.length === 0) return functions.filter(({ name }) => names.includes(name));
  const allowed = functions.map(({ name }) => name).join(', ');
  throw new AppError('invalid_setting', `There is no function ${unknown.join(', ')}; there are: ${allowed}.`, {
    fields: [{ path: 'functions', problem: `names ${unknown.join(', ')}`, allowed }],
  });
}

/** Its `close` may be called twice: by a shutdown, and by a start that failed. */
async function startSimulator(
  simulate: HostOptions['simulate'],
): Promise<{ readonly rest: string; readonly close: () => Promise<void> } | undefined> {
  if (simulate === undefined || simulate === false) return undefined;
  const { startSimulator: start } = await import('../exchanges/simulator/simulator.ts');
  const simulator = await start(simulate === true ? {} : simulate);
  let closed: Promise<void> | undefined;
  return {
    rest: simulator.rest,
    close: () => {
      closed ??= simulator.close();
      return closed;
    },
  };
}

function replayersOf(
  functions: readonly FunctionDefinition[],
  consumers: readonly { readonly name: string; readonly replay: Replayer['replay'] }[],
): readonly Replayer[] {
  return functions
    .flatMap(({ triggers }) => triggers)
    .flatMap((trigger) => {
      const consumer = consumers.find(({ name }) => name === trigger.name);
      if (consumer === undefined || (trigger.kind !== 'topic' && trigger.kind !== 'job')) return [];
      const { group } = trigger;
      if (trigger.kind === 'job') return [{ group, topics: [trigger.topic], replayable: true, replay: consumer.replay }];
      return [{ group, topics: trigger.topics, replayable: trigger.replayable !== false, replay: consumer.replay }];
    });
}
