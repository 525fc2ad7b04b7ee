import packageJson from '../../package.json' with { type: 'json' };
import { AppError } from '../domain/errors.ts';
import type { Consumer } from './consume.ts';
import type { Context } from './context.ts';
import type { FunctionDefinition, Trigger } from './define-function.ts';
import { type Check, createHealth } from './health.ts';
import { builtInRoutes } from './http/built-in-routes.ts';
import type { MountedRoute } from './http/mounted-route.ts';
import { pushRoutes } from './http/push.ts';
import { startHttpServer } from './http-server.ts';
import type { Task, TaskEnding } from './one-job.ts';
import type { PlatformSettings } from './platform-settings.ts';
import type { OpenPorts } from './ports.ts';
import { createParts, type PartOverrides, type RuntimeParts } from './process-parts.ts';
import { createPublisher } from './publisher.ts';
import type { Schedule } from './schedule.ts';
import { type Running, shutDown } from './shutdown.ts';
import { type BoundFunction, bindFunction, type Config } from './start-function.ts';

/** What a process is made of. The local host and a single function differ in nothing but this. */
export interface ProcessPlan {
  readonly title: string;
  readonly functions: readonly FunctionDefinition[];
  readonly configs: Readonly<Record<string, Config>>;
  readonly platform: PlatformSettings;
  readonly overrides: PartOverrides;
  /** What of the functions runs here; `task` is one job or one tick, after which the process is done. */
  readonly runs: readonly (Trigger['kind'] | 'task')[];
  readonly open: (parts: RuntimeParts) => Promise<OpenPorts>;
  readonly prepare?: (ports: OpenPorts, parts: RuntimeParts) => Promise<void>;
  /** What readiness depends on, beside the consumers. */
  readonly checks?: (ports: OpenPorts) => readonly Check[];
  readonly routes?: (ports: OpenPorts, parts: RuntimeParts, consumers: () => readonly Consumer[]) => readonly MountedRoute[];
  readonly schedules?: (context: Context) => readonly Schedule[];
  readonly others?: readonly (() => Promise<void>)[];
}

/** A process that serves. */
export interface ServedProcess {
  readonly url: string;
  readonly port: number;
  readonly ports: OpenPorts;
  /** Settles when the task of this process is over; undefined where it has none. */
  readonly task: Promise<TaskEnding> | undefined;
  readonly stop: (graceMs: number) => Promise<void>;
}

/** Errors that make a process unfit for new work: what it reads or writes is away. */
const AWAY: ReadonlySet<string> = new Set(['bus_unavailable', 'store_unavailable', 'storage_full']);

/** A readiness check that is content with any answer. */
export function checkFor(name: string, ask: () => Promise<unknown>): Check {
  return {
    name,
    async run() {
      await ask();
    },
  };
}

/** Starts a process by its plan: ports, then HTTP, then consumers and timers. A failure on the way ends what had started and is thrown. */
export async function startProcess(plan: ProcessPlan): Promise<ServedProcess> {
  const { functions, platform, runs } = plan;
  const stopped = new AbortController();
  const parts = createParts(functions, platform, stopped.signal, plan.overrides);
  const checks: Check[] = [];
  const running: Running = {
    health: createHealth(checks, parts.clock),
    logger: parts.logger,
    consumers: [],
    schedules: [],
    tasks: [],
    others: [...(plan.others ?? [])],
  };
  let stopping: Promise<void> | undefined;
  const stop = (graceMs: number): Promise<void> => {
    stopping ??= shutDown(running, graceMs).finally(() => stopped.abort());
    return stopping;
  };
  try {
    const ports = await plan.open(parts);
    running.ports = ports;
    await plan.prepare?.(ports, parts);
    const bound = functions.map((definition) => bindFunction(definition, plan.configs[definition.name] ?? {}, ports, parts));
    checks.push(...(plan.checks?.(ports) ?? []), { name: 'consumers', run: async () => throwBlocked(running.consumers) });

    const served = runs.includes('http') ? await Promise.all(bound.map(({ http }) => http())) : [];
    const own = [
      ...served.flatMap(({ routes }) => routes),
      ...pushRoutes(served.flatMap(({ receivers }) => receivers)),
      ...(plan.routes?.(ports, parts, () => running.consumers) ?? []),
    ];
    const info = {
      title: plan.title,
      version: packageJson.version,
      description: functions.map(({ name }) => name).join(', '),
      needsToken: platform.apiToken !== undefined,
    };
    const routes: readonly MountedRoute[] = [...own, ...builtInRoutes(running.health, parts.metrics, info, () => routes)];
    parts.metrics.allow(
      'route',
      routes.map(({ path }) => path),
    );
    const { host, port, apiToken } = platform;
    running.server = await startHttpServer({ ...parts, host, port, apiToken, routes });

    const kinds = runs.filter((kind) => kind === 'topic' || kind === 'job');
    running.consumers = (await Promise.all(bound.map(({ consume }) => consume(kinds)))).flat();
    if (runs.includes('schedule')) {
      running.schedules = [...bound.flatMap(({ schedule }) => schedule()), ...(plan.schedules?.(runtimeContext(ports, parts)) ?? [])];
    }
    const task = runs.includes('task') ? await startTask(bound) : undefined;
    if (task !== undefined) {
      running.tasks.push(task);
      checks.push({ name: 'task', run: async () => throwWaiting(task) });
    }
    running.health.phase = 'running';
    parts.logger.info({ url: running.server.url, functions: functions.map(({ name }) => name) }, 'Started.');
    return { url: running.server.url, port: running.server.port, ports, task: task?.ended, stop };
  } catch (error) {
    await stop(0);
    throw error;
  }
}

async function startTask([bound]: readonly BoundFunction[]): Promise<Task> {
  if (bound === undefined) throw new AppError('invalid_setting', 'There is no function to run.');
  return await bound.startTask();
}

/** Not ready while it waits for its message: whoever scales by ready tasks starts no more of them than there are messages. */
function throwWaiting(task: Task): void {
  const error = task.waitsFor();
  if (error !== undefined) throw error;
}

async function throwBlocked(consumers: readonly Consumer[]): Promise<void> {
  for (const consumer of consumers) {
    const error = consumer.blockedBy();
    if (error !== undefined && AWAY.has(error.code)) throw new AppError(error.code, `${consumer.name} waits: ${error.message}`, {}, error);
  }
}

/** The context of what the runtime does by itself. */
function runtimeContext(ports: OpenPorts, { clock, random, logger, metrics, signal }: RuntimeParts): Context {
  const publisher = createPublisher(ports.bus, 'runtime', metrics);
  return {
    functionName: 'runtime',
    config: {},
    clock,
    random,
    logger: logger.child({ function: 'runtime' }),
    metrics,
    ports,
    publisher,
    signal,
  };
}
