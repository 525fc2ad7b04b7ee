import { CONTROL_MUTANTS } from './control-mutants.ts';
import { DELIVERY_MUTANTS } from './delivery-mutants.ts';
import { EXCHANGE_MUTANTS } from './exchange-mutants.ts';
import { MODEL_MUTANTS } from './model-mutants.ts';
import type { Mutant } from './mutant.ts';
import { STORE_MUTANTS } from './store-mutants.ts';

/** Guards of the platform, each taken away once: the defects of other systems planted again. */
export const MUTANTS: readonly Mutant[] = [
  ...EXCHANGE_MUTANTS,
  ...STORE_MUTANTS,
  ...DELIVERY_MUTANTS,
  ...CONTROL_MUTANTS,
  ...MODEL_MUTANTS,
];
