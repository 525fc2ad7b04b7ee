import { createBudgetOperations } from './budget-operations.ts';
import { createClaimOperations } from './claim-operations.ts';
import type { Database } from './database.ts';
import { createGraphOperations } from './graph-operations.ts';
import { createMarketOperations } from './market-operations.ts';
import { createModelOperations } from './model-operations.ts';
import { SeriesCatalog } from './series-catalog.ts';
import { createWorkflowOperations } from './workflow-operations.ts';

/** Everything that the store's thread does, by name; and how it forgets what a rollback undid. */
export function createOperations(database: Database) {
  const catalog = new SeriesCatalog(database);
  const operations = {
    ...createMarketOperations(database, catalog),
    ...createWorkflowOperations(database),
    ...createClaimOperations(database),
    ...createBudgetOperations(database),
    ...createGraphOperations(database),
    ...createModelOperations(database),
  };
  return { operations, forget: () => catalog.forget() };
}

/** The operations by name, for typed calls from the main thread. */
export type Operations = ReturnType<typeof createOperations>['operations'];
