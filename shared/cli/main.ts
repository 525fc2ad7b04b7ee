import { readFileSync } from 'node:fs';
import { Command, CommanderError, Option } from 'commander';
import { addBusCommands } from './bus-commands.ts';
import { addDataCommands } from './data-commands.ts';
import { addHostCommands } from './host-commands.ts';
import { describeError, EXIT, note, print } from './output.ts';
import { addWorkflowCommands } from './workflow-commands.ts';

const version = (JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as { version: string }).version;

/** Builds the command line. Every command imports its work when it runs, so that `--help` is quick. */
export function createProgram(): Command {
  const program = new Command('streamforge')
    .description('Crypto market data that is proven complete: loads history, proves it whole, builds graphs of it and trains models on it.')
    .version(version)
    .addOption(new Option('--json', 'print one JSON document on stdout; progress and logs stay on stderr'))
    .showHelpAfterError('(try --help)')
    .exitOverride()
    .configureHelp({ showGlobalOptions: true })
    .addHelpText(
      'after',
      `
Examples:
  streamforge demo                                       the main job, offline, in a minute
  streamforge serve                                      the platform in one process, on http://127.0.0.1:8080
  streamforge workflow start --symbol BTCUSDT --type api_candles_5m --range 2024-08-01:2024-08-31 --wait
  streamforge coverage binance:BTCUSDT:candles:5m --from 2024-08-01 --to 2024-09-01
  streamforge export binance:BTCUSDT:candles:5m --from 2024-08-01 --to 2024-09-01 --out btcusdt-5m.csv

Exit codes: 0 done, 1 failed, 2 bad use.`,
    );
  addHostCommands(program);
  addWorkflowCommands(program);
  addDataCommands(program);
  addBusCommands(program);
  return program;
}

/** Runs one command line. Sets the exit code and returns when the command is done; a closed pipe (`| head`) is no failure. */
export async function main(argv: readonly string[]): Promise<void> {
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit(EXIT.done);
    throw error;
  });
  const program = createProgram();
  try {
    await program.parseAsync(argv, { from: 'user' });
  } catch (error) {
    process.exitCode = reportFailure(error, program.opts<{ json?: boolean }>().json === true);
  }
}

function reportFailure(error: unknown, json: boolean): number {
  if (error instanceof CommanderError) {
    if (error.exitCode === 0) return EXIT.done;
    if (json) print(JSON.stringify({ error: { code: 'invalid_request', message: error.message } }));
    return EXIT.badUse;
  }
  const { text, json: document, exitCode } = describeError(error);
  if (json) print(JSON.stringify(document));
  note(text);
  return exitCode;
}
