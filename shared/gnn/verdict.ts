import type { Interval } from './bootstrap.ts';

/**
 * What may be said of a model. `better`: above every baseline, each by an interval that lies above zero. `baseline-equal`: above the majority class by such an
 * interval, and below no baseline by one that lies under zero. `no-skill`: anything else, also where there are too few days to say.
 */
export type Verdict = 'better' | 'baseline-equal' | 'no-skill';

/** Fewer blocks of days than this carry no verdict but `no-skill`. */
export const LEAST_BLOCKS = 5;

/** Computed from the paired differences in accuracy, never said by anybody. `majority` must be among the baselines. */
export function verdictOf(paired: Readonly<Record<string, { readonly diff: number; readonly ci: Interval }>>, blocks: number): Verdict {
  const intervals = Object.values(paired).map(({ ci }) => ci);
  const aboveMajority = (paired.majority?.ci[0] ?? Number.NEGATIVE_INFINITY) > 0;
  if (blocks < LEAST_BLOCKS || !aboveMajority) return 'no-skill';
  if (intervals.every(([low]) => low > 0)) return 'better';
  return intervals.every(([, high]) => high >= 0) ? 'baseline-equal' : 'no-skill';
}
