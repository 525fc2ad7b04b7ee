import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import type { Writable } from 'node:stream';

/** A process of the demo whose first line on stdout is JSON that says where it is. */
export interface Child<T> {
  readonly said: T;
  readonly exited: Promise<number | null>;
  readonly isOver: () => boolean;
  /** SIGKILL. */
  kill(): void;
  /** Asks it to end (SIGTERM, and the end of its input) and waits. */
  stop(): Promise<void>;
}

/** Starts `node …args` and waits for its first line; what it says besides goes to `log`. Rejects where it ends before. */
export async function startChild<T>(
  args: readonly string[],
  { env = process.env, log }: { readonly env?: NodeJS.ProcessEnv; readonly log?: Writable } = {},
): Promise<Child<T>> {
  const child = spawn(process.execPath, ['--no-warnings', ...args], {
    env,
    stdio: ['pipe', 'pipe', log === undefined ? 'inherit' : 'pipe'],
  }) as ChildProcess & { readonly stdout: NonNullable<ChildProcess['stdout']>; readonly stdin: NonNullable<ChildProcess['stdin']> };
  // A process that was killed leaves a broken pipe behind: that it is gone is told by its exit.
  child.stdin.on('error', () => undefined);
  if (log !== undefined) child.stderr?.on('data', (chunk: Buffer) => log.write(chunk));
  let code: number | null | undefined;
  const exited = once(child, 'exit').then(([ended]) => {
    code = ended as number | null;
    return code;
  });
  const lines = createInterface({ input: child.stdout });
  const first = await Promise.race([
    once(lines, 'line') as Promise<[string]>,
    exited.then((ended) => Promise.reject(new Error(`${args.join(' ')} ended with code ${ended} before it had started.`))),
  ]);
  if (log !== undefined) lines.on('line', (line) => log.write(`${line}\n`));
  return {
    said: JSON.parse(first[0]) as T,
    exited,
    isOver: () => code !== undefined,
    kill: () => void child.kill('SIGKILL'),
    async stop() {
      child.stdin.end();
      if (code === undefined) child.kill('SIGTERM');
      await exited;
      lines.close();
    },
  };
}
