import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { type Command, InvalidArgumentError, Option } from 'commander';
import type { FunctionDefinition } from '../runtime/define-function.ts';
import { RUN_MODES, type RunMode } from '../runtime/run-function.ts';
import { note, print } from './output.ts';
import { dataDir } from './settings.ts';

interface ServeOptions {
  readonly port?: number;
  readonly functions?: readonly string[];
  readonly simulate?: boolean;
  readonly watch?: boolean;
}

function port(text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 0 || value > 65_535)
    throw new InvalidArgumentError('It must be a port, 0 to 65535; 0 takes a free one.');
  return value;
}

/** `demo`, `serve`, `run` and `simulate`: what runs in this process. */
export function addHostCommands(program: Command): void {
  const json = (): boolean => program.opts<{ json?: boolean }>().json === true;

  program
    .command('demo')
    .description('the main job, offline: load a month through a misbehaving exchange, prove it, build a graph, train a model, and report')
    .option('--recording <dir>', 'real candles instead of the synthetic market')
    .option('--distributed', 'one process a function on Kafka, a double of ArangoDB and MinIO, one of each kind killed while it works')
    .action(async (options: { recording?: string; distributed?: boolean }) => {
      const { runDemo } = await import('./demo/demo.ts');
      process.exitCode = await runDemo({ ...options, json: json() });
    });

  program
    .command('serve')
    .description('the platform in one process: HTTP functions on one port, the others on the embedded log')
    .option('--port <port>', 'port to listen on; default PORT, else 8080', port)
    .option('--functions <names>', 'only these, parted by commas', (text: string) => text.split(','))
    .option('--simulate', 'with a simulated exchange instead of the real one')
    .option('--watch', 'start again when a source file changes')
    .addHelpText(
      'after',
      '\nExamples:\n  streamforge serve --simulate\n  STREAMFORGE_DATA_DIR=/var/lib/streamforge streamforge serve --port 8080',
    )
    .action(async (options: ServeOptions) => (options.watch === true ? watch() : serve(options)));

  program
    .command('run <function>')
    .description('one function alone, as it runs in its container; needs Kafka')
    .addOption(new Option('--mode <mode>', 'how it is started; default: as its first trigger asks').choices([...RUN_MODES]))
    .option('--port <port>', 'port to listen on; default PORT, else 8080', port)
    .action(async (name: string, options: { mode?: RunMode; port?: number }) => runAlone(name, options));

  program
    .command('simulate')
    .description('the exchange simulator; the first line on stdout says where it listens')
    .option('--port <port>', 'port to listen on, 0 for a free one', '0')
    .option('--seed <number>', 'seed of the synthetic market')
    .option('--recording <dir>', 'serve recorded candles and trades instead')
    .option('--now <instant>', 'where its clock starts; default: just after the end of what it has')
    .option('--speed <factor>', 'simulated seconds a second')
    .option('--weight-limit <weight>', 'request weight a minute')
    .option('--faults <file>', 'faults from the beginning, as POST /_sim/faults takes them')
    .action(async (flags: Readonly<Record<string, string>>) => {
      const { runSimulator } = await import('../exchanges/simulator/main.ts');
      const argv = Object.entries(flags).flatMap(([name, value]) => [
        `--${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`,
        value,
      ]);
      process.exitCode = await runSimulator(argv);
    });
}

/** Resolves at the first SIGINT or SIGTERM; a second one ends the process at once. */
async function untilSignal(): Promise<void> {
  const signal = await Promise.race([once(process, 'SIGINT').then(() => 'SIGINT'), once(process, 'SIGTERM').then(() => 'SIGTERM')]);
  note(`${signal}: finishing what is in flight (again to end at once)`);
  for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, () => process.exit(130));
}

async function serve(options: ServeOptions): Promise<void> {
  const [{ startHost }, { FUNCTIONS }] = await Promise.all([import('../runtime/host.ts'), import('./functions.ts')]);
  const host = await startHost({
    functions: FUNCTIONS,
    ...(options.functions === undefined ? {} : { functionsFilter: options.functions }),
    ...(options.port === undefined ? {} : { port: options.port }),
    ...(options.simulate === true ? { simulate: true } : {}),
  });
  print(JSON.stringify({ url: host.url }));
  note(`StreamForge serves on ${host.url} (API: ${host.url}/docs), data in ${dataDir()}. Ctrl-C ends it.`);
  await untilSignal();
  await host.stop();
}

async function watch(): Promise<void> {
  const entry = fileURLToPath(new URL('../../bin/streamforge.mjs', import.meta.url));
  const rest = process.argv.slice(2).filter((argument) => argument !== '--watch');
  const child = spawn(process.execPath, ['--watch', '--watch-preserve-output', entry, ...rest], { stdio: 'inherit' });
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => child.kill(signal));
  const [code] = (await once(child, 'exit')) as [number | null];
  process.exitCode = code ?? 0;
}

function modeOf({ triggers }: FunctionDefinition): RunMode {
  const kind = triggers[0]?.kind;
  return kind === 'topic' ? 'kafka' : kind === 'http' ? 'http' : 'job';
}

async function runAlone(name: string, options: { readonly mode?: RunMode; readonly port?: number }): Promise<void> {
  const [{ runFunction }, { FUNCTIONS }, { AppError }] = await Promise.all([
    import('../runtime/run-function.ts'),
    import('./functions.ts'),
    import('../domain/errors.ts'),
  ]);
  const definition = FUNCTIONS.find((candidate) => candidate.name === name);
  if (definition === undefined) {
    throw new AppError(
      'invalid_request',
      `There is no function ${JSON.stringify(name)}; there are ${FUNCTIONS.map((each) => each.name).join(', ')}.`,
    );
  }
  if (process.env.KAFKA_BOOTSTRAP_SERVERS === undefined) {
    throw new AppError(
      'missing_setting',
      `A function alone shares its log with other processes: set KAFKA_BOOTSTRAP_SERVERS, or run it in the local host ("streamforge serve --functions ${name}").`,
      { fields: [{ path: 'KAFKA_BOOTSTRAP_SERVERS', problem: 'is missing' }] },
    );
  }
  const mode = options.mode ?? modeOf(definition);
  const running = await runFunction({ definition, mode, ...(options.port === undefined ? {} : { port: options.port }) });
  print(JSON.stringify({ url: running.url }));
  await Promise.race([running.ended, untilSignal()]);
  await running.stop();
  process.exitCode = await running.ended;
}
