import { AppError } from '../domain/errors.ts';
import { WARM_UP_BARS } from '../domain/graph/features.ts';

/** Bars `[from, to)`. */
export interface BarRange {
  readonly from: number;
  readonly to: number;
}

/** Training, validation and test, in the order of time, with `gap` bars between them that nobody uses. */
export interface Split {
  readonly train: BarRange;
  readonly validation: BarRange;
  readonly test: BarRange;
  readonly warmUp: number;
  /** The labels' horizon: a label of the last training bar must be known before validation begins. */
  readonly purge: number;
  readonly embargo: number;
}

/** Bars left out behind the purge, because returns close to each other are alike. */
export const EMBARGO_BARS = 12;

const TRAIN_SHARE = 0.6;
const VALIDATION_SHARE = 0.15;
const LEAST_BARS = 200;

/**
 * Splits `bars` by time: the first 288 are dropped (features look back that far), then 60 % training, 15 % validation, 25 % test, with a purge of `horizon` and
 * an embargo of 12 bars before validation and before test. Throws `invalid_request` where fewer than 200 bars would be left.
 */
export function splitByTime(bars: number, horizon: number): Split {
  const gap = horizon + EMBARGO_BARS;
  const usable = bars - WARM_UP_BARS - horizon - 2 * gap;
  if (usable < LEAST_BARS) {
    throw new AppError(
      'invalid_request',
      `Training needs at least ${LEAST_BARS + WARM_UP_BARS + horizon + 2 * gap} bars for a horizon of ${horizon}; the graph has ${bars}.`,
      { bars, horizon },
    );
  }
  const train = { from: WARM_UP_BARS, to: WARM_UP_BARS + Math.floor(usable * TRAIN_SHARE) };
  const validation = { from: train.to + gap, to: train.to + gap + Math.floor(usable * VALIDATION_SHARE) };
  const test = { from: validation.to + gap, to: bars - horizon };
  return { train, validation, test, warmUp: WARM_UP_BARS, purge: horizon, embargo: EMBARGO_BARS };
}
