import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const entry = fileURLToPath(new URL('../../exchanges/simulator/main.ts', import.meta.url));

/** The exchange simulator in a process of its own, as a real exchange would be. */
export async function startSimulatorChild(flags: readonly string[]): Promise<{ readonly rest: string; stop(): Promise<void> }> {
  const child = spawn(process.execPath, ['--no-warnings', entry, '--port', '0', ...flags], { stdio: ['ignore', 'pipe', 'inherit'] });
  const exited = once(child, 'exit');
  const lines = createInterface({ input: child.stdout });
  const first = await Promise.race([
    once(lines, 'line') as Promise<[string]>,
    exited.then(([code]) => Promise.reject(new Error(`The simulator ended with code ${code}.`))),
  ]);
  const { rest } = JSON.parse(first[0]) as { rest: string };
  return {
    rest,
    async stop() {
      if (child.exitCode === null && child.signalCode === null) child.kill('SIGTERM');
      await exited;
      lines.close();
    },
  };
}
