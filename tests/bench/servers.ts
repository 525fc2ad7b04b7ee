import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { type BrokerAddress, startBroker } from '../support/kafka/broker.ts';
import { withoutMinio } from '../support/minio/minio-binary.ts';
import { ServerMissing } from './bench.ts';

/** Runs `work` with a real broker of its own. Throws `ServerMissing` where there can be none. */
export async function withBroker<T>(work: (address: BrokerAddress) => Promise<T>): Promise<T> {
  const broker = await startBroker().catch((error: unknown) => {
    const cause = error instanceof Error ? error.message.split('\n')[0] : String(error);
    throw new ServerMissing(`a real Kafka broker needs Java 17, Maven and its registry, or a filled cache (${cause})`);
  });
  try {
    return await work(broker.address);
  } finally {
    await broker.remove();
  }
}

/** Throws `ServerMissing` where no MinIO was built. */
export function requireMinio(): void {
  const missing = withoutMinio();
  if (missing !== false) throw new ServerMissing(missing.replace('skipped, because ', ''));
}

/** A program of ours in a process of its own. */
export interface ScriptProcess {
  readonly pid: number | undefined;
  /** Its first line on stdout, parsed. */
  readonly said: unknown;
  /** Resolves with its next line on stdout, parsed. */
  next(): Promise<unknown>;
  /** Ends it and waits; SIGTERM unless told otherwise. */
  end(signal?: NodeJS.Signals): Promise<void>;
}

/** Starts `node <flags> <script> <args>`, its path seen from the tests' folder; resolves with its first line on stdout, which is JSON. */
export async function startScript(
  script: string,
  args: readonly string[] = [],
  { flags = [], env = {} }: { readonly flags?: readonly string[]; readonly env?: Readonly<Record<string, string>> } = {},
): Promise<ScriptProcess> {
  const path = resolve(import.meta.dirname, '..', script);
  const child = spawn(process.execPath, ['--no-warnings', ...flags, path, ...args], {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const kill = (): void => void child.kill('SIGKILL');
  process.once('exit', kill);
  const exited = once(child, 'exit');
  void exited.then(() => process.off('exit', kill));
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const next = async (): Promise<unknown> => {
    const line = await lines.next();
    if (line.done !== true) return JSON.parse(line.value) as unknown;
    const [code, signal] = await exited;
    throw new Error(`${script} ended with ${signal ?? code}`);
  };
  const said = await next();
  return {
    pid: child.pid,
    said,
    next,
    async end(signal = 'SIGTERM') {
      child.kill(signal);
      await exited;
    },
  };
}
