import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { type ApiClient, createApiClient } from '../../shared/cli/client.ts';

const ENTRY = resolve(import.meta.dirname, '../../bin/streamforge.mjs');
/** A `cacheDir` for who starts many children: the second start is quicker than the first. */
export const KEPT_CODE = resolve(import.meta.dirname, '../../node_modules/.cache/streamforge-tests');

/** `streamforge serve` in a process of its own. */
export interface HostProcess {
  readonly url: string;
  readonly client: ApiClient;
  readonly process: ChildProcess;
  /** JSON log lines, newest last. */
  readonly logs: readonly Readonly<Record<string, unknown>>[];
  /** SIGKILL; resolves when the process is gone. */
  kill(): Promise<void>;
  /** SIGTERM; resolves with the exit code. */
  terminate(): Promise<number | null>;
}

/** The environment of a child: nothing of the caller's but what finds programs and folders. Compiled code is kept in `cacheDir`, where one is given. */
export function childEnvironment(own: Readonly<Record<string, string>>, cacheDir?: string): NodeJS.ProcessEnv {
  const { PATH, HOME, TMPDIR } = process.env;
  const found = Object.entries({ PATH, HOME, TMPDIR, NODE_COMPILE_CACHE: cacheDir }).filter(([, value]) => value !== undefined);
  return { ...Object.fromEntries(found), ...own };
}

/** Starts a host, or another command that serves, on a free port; resolves when it serves. Rejects with its last words where it ends before. */
export async function startHostProcess(options: {
  /** Default: `serve`. */
  readonly command?: readonly string[];
  readonly dir: string;
  readonly exchange: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly cacheDir?: string;
}): Promise<HostProcess> {
  const { command = ['serve'], dir, exchange, env, cacheDir } = options;
  const child = spawn(process.execPath, [ENTRY, ...command, '--port', '0'], {
    env: childEnvironment({ STREAMFORGE_DATA_DIR: dir, BINANCE_API_URL: exchange, ...env }, cacheDir),
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const closed = once(child, 'close');
  // A test that ends by an exception of its own must not leave a host behind.
  const killOrphan = (): void => void child.kill('SIGKILL');
  process.once('exit', killOrphan);
  void closed.then(() => process.off('exit', killOrphan));
  const logs: Record<string, unknown>[] = [];
  const words: string[] = [];
  createInterface({ input: child.stderr }).on('line', (line) => {
    if (line.startsWith('{')) logs.push(JSON.parse(line) as Record<string, unknown>);
    else words.push(line);
  });
  const lines = createInterface({ input: child.stdout });
  const [line] = (await Promise.race([
    once(lines, 'line'),
    closed.then(([code, signal]) => Promise.reject(new Error(`The host ended with ${signal ?? code}: ${words.slice(-5).join(' | ')}`))),
  ])) as [string];
  const { url } = JSON.parse(line) as { url: string };
  const end = async (signal: 'SIGKILL' | 'SIGTERM'): Promise<number | null> => {
    child.kill(signal);
    await closed;
    return child.exitCode;
  };
  return {
    url,
    client: createApiClient(url),
    process: child,
    logs,
    kill: async () => void (await end('SIGKILL')),
    terminate: () => end('SIGTERM'),
  };
}

/** What a command of the command line said. */
export interface CommandResult {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs `streamforge <args>` to its end. */
export async function runCommand(
  args: readonly string[],
  env: Readonly<Record<string, string>>,
  cacheDir?: string,
): Promise<CommandResult> {
  const child = spawn(process.execPath, [ENTRY, ...args], { env: childEnvironment(env, cacheDir), stdio: ['ignore', 'pipe', 'pipe'] });
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  await once(child, 'close');
  return { code: child.exitCode, stdout, stderr };
}
