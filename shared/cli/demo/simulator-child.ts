import { fileURLToPath } from 'node:url';
import { type Child, startChild } from './child.ts';

const entry = fileURLToPath(new URL('../../exchanges/simulator/main.ts', import.meta.url));

/** The exchange simulator in a process of its own, as a real exchange would be. */
export async function startSimulatorChild(flags: readonly string[]): Promise<{ readonly rest: string; stop(): Promise<void> }> {
  const child: Child<{ readonly rest: string }> = await startChild([entry, '--port', '0', ...flags]);
  return { rest: child.said.rest, stop: child.stop };
}
