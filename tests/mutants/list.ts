import { ARANGO_MUTANTS } from './arango-mutants.ts';
import { ARANGO_SERVER_MUTANTS } from './arango-server-mutants.ts';
import { BUDGET_MUTANTS } from './budget-mutants.ts';
import { CONTROL_MUTANTS } from './control-mutants.ts';
import { DELIVERY_MUTANTS } from './delivery-mutants.ts';
import { EXCHANGE_MUTANTS } from './exchange-mutants.ts';
import { KAFKA_FAULT_MUTANTS } from './kafka-fault-mutants.ts';
import { KAFKA_MUTANTS } from './kafka-mutants.ts';
import { KAFKA_RULE_MUTANTS } from './kafka-rule-mutants.ts';
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
  ...ARANGO_MUTANTS,
  ...ARANGO_SERVER_MUTANTS,
  ...S3_MUTANTS,
  ...DELIVERY_MUTANTS,
  ...KAFKA_MUTANTS,
  ...KAFKA_RULE_MUTANTS,
  ...KAFKA_FAULT_MUTANTS,
  ...CONTROL_MUTANTS,
  ...MODEL_MUTANTS,
  ...ROWS_MUTANTS,
];
