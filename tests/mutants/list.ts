import { BUDGET_MUTANTS } from './budget-mutants.ts';
import { CONTROL_MUTANTS } from './control-mutants.ts';
import { DELIVERY_MUTANTS } from './delivery-mutants.ts';
import { EXCHANGE_MUTANTS } from './exchange-mutants.ts';
import { KAFKA_MUTANTS } from './kafka-mutants.ts';
import { MODEL_MUTANTS } from './model-mutants.ts';
import type { Mutant } from './mutant.ts';
import { ROWS_MUTANTS } from './rows-mutants.ts';
import { S3_MUTANTS } from './s3-mutants.ts';
import { STORE_MUTANTS } from './store-mutants.ts';

/** Guards of the platform, each taken away once: the defects of other systems planted again. */
export const MUTANTS: readonly Mutant[] = [
  ...EXCHANGE_MUTANTS,
  ...BUDGET_MUTANTS,
  ...STORE_MUTANTS,
  ...S3_MUTANTS,
  ...DELIVERY_MUTANTS,
  ...KAFKA_MUTANTS,
  ...CONTROL_MUTANTS,
  ...MODEL_MUTANTS,
  ...ROWS_MUTANTS,
];
