// Plants each defect of `list.ts` in turn and runs the tests that must notice it: a mutant that stays green fails the run.
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { MUTANTS, type Mutant } from './list.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const patch = pathToFileURL(`${root}tests/mutants/patch.mjs`).href;
const wanted = process.argv.slice(2);
const mutants = wanted.length === 0 ? MUTANTS : MUTANTS.filter((mutant) => wanted.some((word) => mutant.name.includes(word)));

/** Milliseconds that a run may take: a mutant that hangs its test is noticed too. */
const MOST_MS = 120_000;

interface Verdict {
  readonly mutant: Mutant;
  readonly outcome: 'killed' | 'survived' | 'misplaced';
  readonly seconds: number;
}

function isPlaced(mutant: Mutant): boolean {
  return readFileSync(`${root}${mutant.file}`, 'utf8').split(mutant.find).length === 2;
}

async function tryMutant(mutant: Mutant): Promise<Verdict> {
  const start = performance.now();
  if (!isPlaced(mutant)) return { mutant, outcome: 'misplaced', seconds: 0 };
  const planted = JSON.stringify({ url: pathToFileURL(`${root}${mutant.file}`).href, find: mutant.find, replace: mutant.replace });
  const pattern = mutant.pattern === undefined ? [] : ['--test-name-pattern', mutant.pattern];
  const child = spawn(process.execPath, ['--test', '--test-reporter', 'tap', ...pattern, ...mutant.tests], {
    cwd: root,
    env: { ...process.env, NODE_TEST_CONTEXT: undefined, STREAMFORGE_MUTANT: planted, NODE_OPTIONS: `--import ${patch}` },
    stdio: ['ignore', 'pipe', 'ignore'],
    detached: true,
  });
  let output = '';
  child.stdout.on('data', (chunk: Buffer) => {
    output += chunk.toString();
  });
  const timer = setTimeout(() => process.kill(-(child.pid as number), 'SIGKILL'), MOST_MS);
  const code = await new Promise<number | null>((resolve) => child.on('close', resolve));
  clearTimeout(timer);
  const ran = Number(/^# tests (\d+)/m.exec(output)?.[1] ?? (code === null ? 1 : 0));
  return { mutant, outcome: code !== 0 && ran > 0 ? 'killed' : 'survived', seconds: (performance.now() - start) / 1_000 };
}

const queue = [...mutants];
const verdicts: Verdict[] = [];
async function work(): Promise<void> {
  for (let mutant = queue.shift(); mutant !== undefined; mutant = queue.shift()) {
    const verdict = await tryMutant(mutant);
    verdicts.push(verdict);
    process.stdout.write(`${verdict.outcome.padEnd(9)} ${verdict.seconds.toFixed(1).padStart(5)} s  ${mutant.name}\n`);
  }
}
await Promise.all(Array.from({ length: Math.min(2, availableParallelism()) }, work));

const alive = verdicts.filter((verdict) => verdict.outcome !== 'killed');
process.stdout.write(`${verdicts.length - alive.length} of ${verdicts.length} mutants killed\n`);
for (const { mutant, outcome } of alive) {
  process.stdout.write(
    `${outcome}: ${mutant.name} (${mutant.file}); ${outcome === 'misplaced' ? 'its text is not there exactly once' : `the tests stayed green: ${mutant.tests.join(' ')}`}\n`,
  );
}
process.exitCode = alive.length === 0 ? 0 : 1;
