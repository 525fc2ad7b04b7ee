import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import type { Distribution } from './distribution.ts';
import { awaitBroker } from './metadata-probe.ts';
import { JVM_FLAGS } from './settings.ts';

/** A broker process over its folder (`server.properties`, `data`, `broker.log`): it can die and come back with the same data. */
export class NodeProcess {
  readonly dir: string;
  readonly port: number;
  readonly #distribution: Distribution;
  readonly #root: string;
  #child: ChildProcess | undefined;
  #guard: ChildProcess | undefined;

  /** `root` is what goes when the test process does. */
  constructor(distribution: Distribution, dir: string, port: number, root = dir) {
    this.#distribution = distribution;
    this.dir = dir;
    this.port = port;
    this.#root = root;
  }

  /** Starts the process; `ready` says when it serves. */
  async start(): Promise<void> {
    const { classPath, archive } = this.#distribution;
    const log = await open(join(this.dir, 'broker.log'), 'a');
    const flags = [...JVM_FLAGS, `-XX:SharedArchiveFile=${archive}`, '-Xlog:cds=off', '-Xlog:cds+dynamic=off'];
    const child = spawn('java', [...flags, '-cp', classPath, 'kafka.Kafka', join(this.dir, 'server.properties')], {
      stdio: ['ignore', log.fd, log.fd],
    });
    await once(child, 'spawn');
    await log.close();
    // A test process that is killed runs no hook: the guard sees its standard input end, and takes the broker and its data with it.
    const command = 'cat >/dev/null; kill -9 "$0" 2>/dev/null; rm -rf "$1"';
    this.#guard = spawn('sh', ['-c', command, String(child.pid), this.#root], { stdio: ['pipe', 'ignore', 'ignore'] });
    this.#guard.unref();
    this.#child = child;
    child.unref();
  }

  async ready(brokers = 1): Promise<void> {
    await awaitBroker(this.port, {
      deadlineMs: 60_000,
      brokers,
      alive: () => {
        if (this.#child?.exitCode === null && this.#child.signalCode === null) return;
        throw new Error(`The broker ended: ${readFileSync(join(this.dir, 'broker.log'), 'utf8').slice(-2_000)}`);
      },
    });
  }

  /** Of the broker's own process; undefined where none runs, or it has ended. */
  get pid(): number | undefined {
    return this.#child?.exitCode === null && this.#child.signalCode === null ? this.#child.pid : undefined;
  }

  /** Sends a signal to the broker's own process. */
  signal(name: NodeJS.Signals): void {
    this.#child?.kill(name);
  }

  /** Ends the process, by `SIGKILL` unless told otherwise, and resolves when it is gone. */
  async end(name: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    const child = this.#child;
    if (child === undefined) return;
    this.#child = undefined;
    if (child.exitCode === null && child.signalCode === null) {
      child.ref();
      const gone = once(child, 'exit');
      child.kill(name);
      await gone;
    }
    this.#guard?.kill('SIGKILL');
    this.#guard = undefined;
  }
}
