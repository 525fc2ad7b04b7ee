import { CONTROL_SAMPLES } from './control-samples.ts';
import { ROW_SAMPLES } from './row-samples.ts';
import type { Sample } from './sample.ts';

/** One sample for each contract. */
export const SAMPLES: readonly Sample[] = [...ROW_SAMPLES, ...CONTROL_SAMPLES];
