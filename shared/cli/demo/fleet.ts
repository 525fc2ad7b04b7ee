import type { Writable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { RunMode } from '../../runtime/run-function.ts';
import { type Child, startChild } from './child.ts';
import { freePorts } from './free-ports.ts';

const entry = fileURLToPath(new URL('../../../bin/streamforge.mjs', import.meta.url));
/** How long after its end a process is started again. */
const RESTART_MS = 250;

/** One deployable: a function in one mode, in so many processes. */
export interface Deployable {
  readonly name: string;
  readonly functionName: string;
  readonly mode: RunMode;
  readonly count: number;
  /** Wait before a process that ended is started again: a CronJob's beat. Default 250 ms. */
  readonly restartMs?: number;
}

/** Processes that are kept running, as a cluster would: whatever ends is started again. */
export interface Fleet {
  /** Where a deployable with HTTP listens; the port stays over restarts. */
  url(name: string): string;
  /** Kills one process of a deployable with SIGKILL; false where none runs just now. */
  kill(name: string): boolean;
  /** How often each deployable was killed. */
  readonly killed: ReadonlyMap<string, number>;
  stop(): Promise<void>;
}

/** Starts every process and waits until each runs. */
export async function startFleet(deployables: readonly Deployable[], env: NodeJS.ProcessEnv, log: Writable): Promise<Fleet> {
  const stopping = new AbortController();
  const killed = new Map<string, number>();
  const ports = new Map<string, number>();
  const running = new Map<string, Set<Child<unknown>>>();
  const keepers: Promise<void>[] = [];

  async function start({ name, functionName, mode }: Deployable): Promise<Child<unknown>> {
    const child = await startChild<unknown>([entry, 'run', functionName, '--mode', mode, '--port', String(ports.get(name) ?? 0)], {
      env,
      log,
    });
    running.get(name)?.add(child);
    return child;
  }

  async function keep(deployable: Deployable, first: Child<unknown>): Promise<void> {
    for (let child: Child<unknown> | undefined = first; !stopping.signal.aborted; ) {
      if (child !== undefined) {
        await child.exited;
        running.get(deployable.name)?.delete(child);
      }
      await sleep(deployable.restartMs ?? RESTART_MS, undefined, { signal: stopping.signal }).catch(() => undefined);
      if (stopping.signal.aborted) return;
      child = await start(deployable).catch((error: unknown) => {
        log.write(`${deployable.name} did not start: ${String(error)}\n`);
        return undefined;
      });
    }
  }

  for (const deployable of deployables) {
    running.set(deployable.name, new Set());
  }
  const withPort = deployables.filter(({ mode }) => mode === 'http');
  const free = await freePorts(withPort.length);
  for (const [index, { name }] of withPort.entries()) ports.set(name, free[index] as number);
  const replicas = deployables.flatMap((deployable) => Array.from({ length: deployable.count }, () => deployable));
  const started = await Promise.allSettled(replicas.map(start));
  const stop = async (): Promise<void> => {
    stopping.abort();
    await Promise.all([...running.values()].flatMap((children) => [...children].map((child) => child.stop())));
    await Promise.all(keepers);
    // One that was being started in this very moment.
    await Promise.all([...running.values()].flatMap((children) => [...children].map((child) => child.stop())));
  };
  const failed = started.find((result) => result.status === 'rejected');
  if (failed !== undefined) {
    await stop();
    throw failed.reason;
  }
  for (const [index, result] of started.entries()) {
    const deployable = replicas[index];
    if (result.status === 'fulfilled' && deployable !== undefined) keepers.push(keep(deployable, result.value));
  }
  return {
    url: (name) => `http://127.0.0.1:${ports.get(name)}`,
    killed,
    kill(name) {
      const [child] = [...(running.get(name) ?? [])].filter((each) => !each.isOver());
      if (child === undefined) return false;
      killed.set(name, (killed.get(name) ?? 0) + 1);
      child.kill();
      return true;
    },
    stop,
  };
}
