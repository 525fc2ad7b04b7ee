import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** One line of a benchmark's table. `ratio` compares with a floor measured in the same run: these machines are noisy, ratios hold. */
export interface Figure {
  readonly name: string;
  readonly value: number;
  readonly unit: string;
  /** The floor's own value, in the same unit. */
  readonly floor?: number;
  /** What the floor did. */
  readonly against?: string;
  /** What is aimed at, as text; a figure is never a test. */
  readonly goal?: string;
}

/** A benchmark: `tests/bench/<name>.bench.ts` exports one as default. It runs in a process of its own. */
export interface Bench {
  readonly name: string;
  readonly what: string;
  /** True: takes minutes, and runs only where it is named. */
  readonly onlyNamed?: boolean;
  run(): Promise<readonly Figure[]>;
}

/** A server that a benchmark needs is not there, and why: it is told in place of the table, and the others run. */
export class ServerMissing extends Error {
  override readonly name = 'ServerMissing';
}

/** A part of a size, a multiple of `step`: `BENCH_SCALE=0.02` tries a benchmark out in seconds; its figures then mean nothing. */
export function scaled(size: number, step = 1): number {
  return Math.max(1, Math.round((size * Number(process.env.BENCH_SCALE ?? 1)) / step)) * step;
}

/** Runs `lanes` workers side by side, which take turns at the numbers from 0 to `count`. */
export async function sideBySide(lanes: number, count: number, work: (number: number) => Promise<void>): Promise<void> {
  let next = 0;
  await Promise.all(
    Array.from({ length: lanes }, async () => {
      while (next < count) await work(next++);
    }),
  );
}

/** A folder for one measurement, gone afterwards. */
export async function withFolder<T>(work: (dir: string) => Promise<T>): Promise<T> {
  const dir = await mkdtemp(join(tmpdir(), 'streamforge-bench-'));
  try {
    return await work(dir);
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}

/** The fastest of `rounds` runs, in seconds: the one that was disturbed least. */
export async function fastest(rounds: number, work: () => Promise<void> | void): Promise<number> {
  let best = Number.POSITIVE_INFINITY;
  for (let round = 0; round < rounds; round += 1) {
    const start = performance.now();
    await work();
    best = Math.min(best, (performance.now() - start) / 1_000);
  }
  return best;
}

const formatNumber = (value: number): string =>
  value.toLocaleString('en-US', { maximumFractionDigits: value >= 100 ? 0 : value >= 10 ? 1 : 2 });

/** Figures as a table. */
export function renderFigures(figures: readonly Figure[]): string {
  const head = ['figure', 'value', 'floor', 'ratio', 'goal', 'floor is'];
  const rows = figures.map(({ name, value, unit, floor, against = '', goal = '' }) => [
    name,
    `${formatNumber(value)} ${unit}`,
    floor === undefined ? '' : `${formatNumber(floor)} ${unit}`,
    floor === undefined ? '' : (value / floor).toFixed(2),
    goal,
    against,
  ]);
  const widths = head.map((_, column) => Math.max(...[head, ...rows].map((row) => (row[column] ?? '').length)));
  return [head, ...rows]
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}
