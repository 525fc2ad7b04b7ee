// `npm run bench [name …]`: runs each benchmark in a process of its own, one after the other, and prints its table.
import { spawn } from 'node:child_process';
import { globSync } from 'node:fs';
import { cpus, totalmem } from 'node:os';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { type Bench, renderFigures, ServerMissing } from './bench.ts';

const folder = fileURLToPath(new URL('.', import.meta.url));
const [first, file, named] = process.argv.slice(2);

if (first === '--one' && file !== undefined) {
  const { default: bench } = (await import(pathToFileURL(file).href)) as { default: Bench };
  const isSkipped = bench.onlyNamed === true && named !== 'named';
  const text = isSkipped ? `takes minutes; runs with "npm run bench ${bench.name}"` : await tableOf(bench);
  process.stdout.write(`\n${bench.name}: ${bench.what}\n${text}\n`);
  process.exit(0);
}

const wanted = process.argv.slice(2);
const files = globSync('*.bench.ts', { cwd: folder })
  .filter((name) => wanted.length === 0 || wanted.some((word) => name === `${word}.bench.ts`))
  .sort();
process.stdout.write(
  `${cpus()[0]?.model ?? 'unknown processor'}, ${cpus().length} cores, ${(totalmem() / 2 ** 30).toFixed(0)} GiB; Node ${process.version}\n`,
);
for (const name of files) {
  const code = await new Promise<number>((resolve) => {
    const one = ['--one', `${folder}${name}`, ...(wanted.length > 0 ? ['named'] : [])];
    const child = spawn(process.execPath, ['--no-warnings', fileURLToPath(import.meta.url), ...one], { stdio: 'inherit' });
    child.on('close', (status) => resolve(status ?? 1));
  });
  if (code !== 0) process.exitCode = 1;
}

async function tableOf(bench: Bench): Promise<string> {
  try {
    return renderFigures(await bench.run());
  } catch (error) {
    if (error instanceof ServerMissing) return `not measured: ${error.message}`;
    throw error;
  }
}
