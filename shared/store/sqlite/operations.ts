import type { Database } from './database.ts';
import { createMarketOperations } from './market-operations.ts';
import { SeriesCatalog } from './series-catalog.ts';

/** Everything that the store's thread does, by name; and how it forgets what a rollback undid. */
export function createOperations(database: Database) {
  const catalog = new SeriesCatalog(database);
  const operations = {
    ...createMarketOperations(database, catalog),
  };
  return { operations, forget: () => catalog.forget() };
}

/** The operations by name, for typed calls from the main thread. */
export type Operations = ReturnType<typeof createOperations>['operations'];
