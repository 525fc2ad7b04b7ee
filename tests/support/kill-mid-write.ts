import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { Place } from '../conformance/stores.ts';

/**
 * Runs a script of this folder on a place in a process of its own, kills it (SIGKILL) once it has told of `acknowledgements` writes, and returns
 * every line that it told before it died: what it was promised.
 */
export async function killMidWrite(script: string, place: Place<unknown>, acknowledgements: number): Promise<string[]> {
  const file = fileURLToPath(new URL(script, import.meta.url));
  const child = spawn(process.execPath, [file, place.opener, place.location], { stdio: ['ignore', 'pipe', 'inherit'] });
  const closed = once(child, 'close');
  const told: string[] = [];
  for await (const line of createInterface({ input: child.stdout })) {
    told.push(line);
    if (told.length === acknowledgements) child.kill('SIGKILL');
  }
  await closed;
  if (child.signalCode !== 'SIGKILL')
    throw new Error(`${script} ended by itself (code ${child.exitCode}) after ${told.length} acknowledgements.`);
  return told;
}
