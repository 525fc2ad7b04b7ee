// Runs the suite: every tests/**/*.test.ts in a process of its own, two more at a time than there are cores (many wait for servers), and ends with node's summary.
// A skipped test must stand in tests/allowed-skips.json with its reason; with CI set any other skip fails the run.
import { globSync, readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { run } from 'node:test';
import { spec } from 'node:test/reporters';
import { fileURLToPath } from 'node:url';
import { BROKER_VARIABLE, lendBroker } from './support/kafka/shared-broker.ts';

const root = fileURLToPath(new URL('..', import.meta.url));
const patterns = process.argv.slice(2).filter((argument) => !argument.startsWith('-'));
// What takes minutes has a script of its own, and is named on its command line.
const exclude = patterns.length > 0 ? [] : ['tests/faults/kafka/**'];
const files = globSync(patterns.length > 0 ? patterns : 'tests/**/*.test.ts', { cwd: root, exclude })
  .map((file) => `${root}${file}`)
  .sort();
if (files.length === 0) {
  process.stderr.write(`No test file matches ${patterns.join(' ')}.\n`);
  process.exit(2);
}

// Types are stripped once for all test processes: most of them are short.
process.env.NODE_COMPILE_CACHE ??= `${root}node_modules/.cache/compile`;

// One broker for all of them; a file that runs alone starts its own.
const broker = files.some((file) => /kafka[^/]*\.test\.ts$/.test(file)) ? await lendBroker() : undefined;
if (broker !== undefined) process.env[BROKER_VARIABLE] = JSON.stringify(broker.found);

const allowed = JSON.parse(readFileSync(`${root}tests/allowed-skips.json`, 'utf8')) as Record<string, string>;
const strangers: string[] = [];
let failed = false;

const events = run({ files, cwd: root, concurrency: Math.min(6, availableParallelism() + 2), timeout: 240_000 });
events.on('test:fail', () => {
  failed = true;
});
events.on('test:pass', (test) => {
  if (test.skip !== undefined && test.skip !== false && !(test.name in allowed)) strangers.push(`${test.name} (${String(test.skip)})`);
});
events.on('end', () => {
  void broker?.remove();
  process.exitCode = failed ? 1 : 0;
  if (strangers.length === 0) return;
  process.stderr.write(`Skipped, and not in tests/allowed-skips.json:\n${strangers.map((line) => `  ${line}\n`).join('')}`);
  if (process.env.CI !== undefined) process.exitCode = 1;
});
events.compose(spec).pipe(process.stdout);
