import { once } from 'node:events';
import { BadFault } from './faults.ts';
import { BadOption, parseSimulatorArguments } from './options.ts';
import { startSimulator } from './simulator.ts';

/**
 * The simulator as a process of its own: prints `{"rest":"http://…","ws":"ws://…"}` as its first line and runs until SIGTERM or SIGINT,
 * or until the process that started it with a channel is gone.
 * Returns the exit code: 2 for bad use.
 */
export async function runSimulator(argv: readonly string[]): Promise<number> {
  try {
    const simulator = await startSimulator(parseSimulatorArguments(argv));
    for (const note of simulator.notes) process.stderr.write(`passed over ${note}\n`);
    process.stdout.write(`${JSON.stringify({ rest: simulator.rest, ws: simulator.ws })}\n`);
    await Promise.race(['SIGTERM', 'SIGINT', 'disconnect'].map((end) => once(process, end)));
    await simulator.close();
    return 0;
  } catch (error) {
    if (!(error instanceof BadOption || error instanceof BadFault)) throw error;
    process.stderr.write(`${error.message}\n`);
    return 2;
  }
}

if (import.meta.main) {
  process.exitCode = await runSimulator(process.argv.slice(2));
  if (process.connected) process.disconnect();
}
