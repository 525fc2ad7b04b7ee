// Plants each defect of `list.ts` in turn and runs the tests that must notice it: a mutant that stays green fails the run.
// Words on the command line choose mutants by name; `--control` runs the same tests without any defect, which must leave them green.
import { spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { stripTypeScriptTypes } from 'node:module';
import { availableParallelism } from 'node:os';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { BROKER_VARIABLE, lendBroker } from '../support/kafka/shared-broker.ts';
import { MUTANTS } from './list.ts';
import type { Mutant } from './mutant.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const patch = pathToFileURL(`${root}tests/mutants/patch.mjs`).href;
// The check of a mutant's syntax is marked experimental: said once more at every run it would only hide the verdicts.
process.removeAllListeners('warning');
const isControl = process.argv.includes('--control');
const wanted = process.argv.slice(2).filter((argument) => !argument.startsWith('--'));
const mutants = wanted.length === 0 ? MUTANTS : MUTANTS.filter((mutant) => wanted.some((word) => mutant.name.includes(word)));

/** Milliseconds that a run may take: a mutant that hangs its test is noticed too. */
const MOST_MS = 120_000;

/** Longest wait for what a defect keeps from happening; the control shows that it is enough without one. */
const MOST_WAIT_MS = 6_000;

/** `killed` is what a mutant has to be. `misplaced`: its text is not there exactly once, or its tests are not there. `broken`: it fails by its own words, not by the test's. */
type Outcome = 'killed' | 'survived' | 'misplaced' | 'broken';

interface Verdict {
  readonly mutant: Mutant;
  readonly outcome: Outcome;
  readonly seconds: number;
}

interface TestRun {
  readonly failed: boolean;
  readonly ran: boolean;
  readonly output: string;
}

/** What is wrong with the mutant itself, before any test is run. */
function flawOf({ file, find, replace, tests }: Mutant): 'misplaced' | 'broken' | undefined {
  const source = readFileSync(`${root}${file}`, 'utf8');
  if (source.split(find).length !== 2 || !tests.every((test) => existsSync(`${root}${test}`))) return 'misplaced';
  try {
    stripTypeScriptTypes(source.replace(find, () => replace));
    return undefined;
  } catch {
    return 'broken';
  }
}

async function runTests({ file, find, replace, tests, pattern, env }: Mutant, planted: boolean): Promise<TestRun> {
  const plant = JSON.stringify({ url: pathToFileURL(`${root}${file}`).href, find, replace });
  const child = spawn(
    process.execPath,
    ['--test', '--test-force-exit', '--test-reporter', 'tap', ...(pattern === undefined ? [] : ['--test-name-pattern', pattern]), ...tests],
    {
      cwd: root,
      env: {
        ...process.env,
        ...env,
        NODE_TEST_CONTEXT: undefined,
        NODE_NO_WARNINGS: '1',
        STREAMFORGE_TEST_MOST_WAIT_MS: String(MOST_WAIT_MS),
        ...(planted ? { STREAMFORGE_MUTANT: plant, NODE_OPTIONS: `--import ${patch}` } : {}),
      },
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true,
    },
  );
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk: Buffer) => {
      output += chunk.toString();
    });
  }
  let timedOut = false;
  const timer = setTimeout(() => {
    timedOut = true;
    if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
  }, MOST_MS);
  const code = await new Promise<number | null>((resolve) => child.on('close', resolve));
  clearTimeout(timer);
  const count = Number(/^# tests (\d+)/m.exec(output)?.[1] ?? 0);
  return { failed: code !== 0, ran: timedOut || count > 0, output };
}

async function tryMutant(mutant: Mutant): Promise<Verdict> {
  const start = performance.now();
  const verdict = (outcome: Outcome): Verdict => ({ mutant, outcome, seconds: (performance.now() - start) / 1_000 });
  const flaw = flawOf(mutant);
  if (flaw !== undefined) return verdict(flaw);
  const { failed, ran, output } = await runTests(mutant, true);
  if (/ReferenceError/.test(output)) return verdict('broken');
  return verdict(failed && ran ? 'killed' : 'survived');
}

/** One more at a time than there are cores: many wait for a server. */
async function eachOf<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
  const queue = [...items];
  const worker = async (): Promise<void> => {
    for (let item = queue.shift(); item !== undefined; item = queue.shift()) await work(item);
  };
  await Promise.all(Array.from({ length: Math.min(4, availableParallelism() + 1) }, worker));
}

const WHY: Readonly<Record<Outcome, string>> = {
  killed: '',
  survived: 'the tests stayed green',
  misplaced: 'its text is not there exactly once, or its tests are not there',
  broken: 'it is no program, so no test has noticed it',
};

async function plantAll(): Promise<void> {
  const verdicts: Verdict[] = [];
  const begun = performance.now();
  await eachOf(mutants, async (mutant) => {
    const verdict = await tryMutant(mutant);
    verdicts.push(verdict);
    process.stdout.write(`${verdict.outcome.padEnd(9)} ${verdict.seconds.toFixed(1).padStart(5)} s  ${mutant.name}\n`);
  });
  const alive = verdicts.filter((verdict) => verdict.outcome !== 'killed');
  const seconds = Math.round((performance.now() - begun) / 1_000);
  process.stdout.write(`${verdicts.length - alive.length} of ${verdicts.length} mutants killed in ${seconds} s\n`);
  for (const { mutant, outcome } of alive) {
    process.stdout.write(`${outcome}: ${mutant.name} (${mutant.file}); ${WHY[outcome]}: ${mutant.tests.join(' ')}\n`);
  }
  process.exitCode = alive.length === 0 ? 0 : 1;
}

/** The tests of the list, each choice of them once, with nothing planted. */
async function runControl(): Promise<void> {
  const choices = new Map(mutants.map((mutant) => [JSON.stringify([mutant.tests, mutant.pattern, mutant.env]), mutant]));
  process.exitCode = 0;
  await eachOf([...choices.values()], async (mutant) => {
    const { failed, ran } = await runTests(mutant, false);
    if (!failed && ran) return;
    process.exitCode = 1;
    process.stdout.write(`${ran ? 'red' : 'nothing ran'} without a defect: ${mutant.tests.join(' ')} ${mutant.pattern ?? ''}\n`);
  });
  process.stdout.write(`${choices.size} choices of tests tried without a defect\n`);
}

// One broker for all of them: a mutant is about what hangs on it.
const broker = mutants.some(({ tests }) => tests.some((file) => file.includes('kafka'))) ? await lendBroker() : undefined;
if (broker !== undefined) process.env[BROKER_VARIABLE] = JSON.stringify(broker.found);
try {
  await (isControl ? runControl() : plantAll());
} finally {
  await broker?.remove();
}
