import { type BlockSums, type Scores, scoresOf } from './metrics.ts';
import { createRng } from './rng.ts';

/** Lower and upper bound. */
export type Interval = readonly [number, number];

/** Resamples of every interval. */
export const RESAMPLES = 2_000;
const RESAMPLE_SEED = 5;

/** Two-sided 95 % quantiles of Student's t for 1 … 30 degrees of freedom (standard table); 1.96 is the normal's. */
const T_95 = [
  12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179, 2.16, 2.145, 2.131, 2.12, 2.11, 2.101, 2.093, 2.086,
  2.08, 2.074, 2.069, 2.064, 2.06, 2.056, 2.052, 2.048, 2.045, 2.042,
];
const NORMAL_95 = 1.96;

/** 95 % intervals of the scores: whole blocks of days are drawn again, because bars of a day, and symbols at one time, are not independent. */
export function scoreIntervals(blocks: readonly BlockSums[]): { readonly [K in keyof Scores]: Interval | null } {
  const drawn = resample(blocks.length).map((picks) => scoresOf(picks.map((pick) => blocks[pick] as BlockSums)));
  const own = scoresOf(blocks);
  const of = (key: keyof Scores, most: number): Interval | null => {
    const estimate = own[key];
    if (estimate === null) return null;
    const drawnScores = drawn.map((scores) => scores[key] as number);
    const [low, high] = interval(estimate, drawnScores, blocks.length);
    return [Math.max(0, low), Math.min(most, high)];
  };
  const unbounded = Number.POSITIVE_INFINITY;
  return {
    accuracy: of('accuracy', 1),
    balanced_accuracy: of('balanced_accuracy', 1),
    cross_entropy: of('cross_entropy', unbounded),
    brier: of('brier', 2),
  };
}

/** The difference in accuracy of two predictors on the same nodes, with the interval of the same draws for both. */
export function pairedDifference(
  model: readonly BlockSums[],
  baseline: readonly BlockSums[],
): { readonly diff: number; readonly ci: Interval } {
  const difference = (picks: readonly number[]): number => {
    let hits = 0;
    let count = 0;
    for (const pick of picks) {
      hits += (model[pick] as BlockSums).hits - (baseline[pick] as BlockSums).hits;
      count += (model[pick] as BlockSums).count;
    }
    return hits / count;
  };
  const diff = difference(model.map((_, block) => block));
  return { diff, ci: interval(diff, resample(model.length).map(difference), model.length) };
}

function resample(blocks: number): number[][] {
  const rng = createRng(RESAMPLE_SEED);
  return Array.from({ length: RESAMPLES }, () => Array.from({ length: blocks }, () => rng.integer(blocks)));
}

/** Percentiles of the draws, stretched around the estimate: with few blocks the plain bootstrap is too sure of itself. */
function interval(estimate: number, drawn: readonly number[], blocks: number): Interval {
  const sorted = drawn.toSorted((a, b) => a - b);
  const factor = stretch(blocks);
  const low = sorted[Math.floor(sorted.length * 0.025)] as number;
  const high = sorted[Math.ceil(sorted.length * 0.975) - 1] as number;
  return [estimate - factor * (estimate - low), estimate + factor * (high - estimate)];
}

/** `√(n / (n - 1)) · t / z` for n blocks; 1 for a single one, whose interval says nothing anyway. */
export function stretch(blocks: number): number {
  if (blocks < 2) return 1;
  const t = T_95[blocks - 2] ?? NORMAL_95 + 2.4 / (blocks - 1);
  return (Math.sqrt(blocks / (blocks - 1)) * t) / NORMAL_95;
}
