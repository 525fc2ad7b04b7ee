import type { GraphStore } from '../graph-store.ts';
import type { MarketStore } from '../market-store.ts';
import type { ModelStore } from '../model-store.ts';
import type { WorkflowStore } from '../workflow-store.ts';
import type { StoreOptions } from './database.ts';
import { SqliteGraphStore } from './sqlite-graph-store.ts';
import { SqliteMarketStore } from './sqlite-market-store.ts';
import { SqliteModelStore } from './sqlite-model-store.ts';
import { SqliteWorkflowStore } from './sqlite-workflow-store.ts';
import { StoreClient } from './store-client.ts';

/** The four stores of one `store.db`. */
export interface SqliteStore {
  readonly market: MarketStore;
  readonly workflows: WorkflowStore;
  readonly graphs: GraphStore;
  readonly models: ModelStore;
  /** Resolves when everything that was called is done and the file is closed. */
  close(): Promise<void>;
}

/**
 * Opens the embedded store: `store.db` in the folder, in a worker thread of its own. Writes that arrive together share a transaction and its sync to
 * the disk; each promise resolves after the commit. Other processes may open it for reading at the same time.
 * Throws `not_found` (reading a store that is not there), `invalid_setting` (no store, or one of a newer version), `store_unavailable`, `storage_full`.
 */
export async function openSqliteStore(options: StoreOptions): Promise<SqliteStore> {
  const client = await StoreClient.start(options);
  return {
    market: new SqliteMarketStore(client.openPort()),
    workflows: new SqliteWorkflowStore(client.openPort()),
    graphs: new SqliteGraphStore(client.openPort()),
    models: new SqliteModelStore(client.openPort()),
    close: () => client.close(),
  };
}
