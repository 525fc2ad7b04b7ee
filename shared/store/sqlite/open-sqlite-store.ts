import type { StoreOptions } from './database.ts';
import { SqliteMarketStore } from './sqlite-market-store.ts';
import { StoreClient } from './store-client.ts';

export async function openSqliteStore(options: StoreOptions) {
  const client = await StoreClient.start(options);
  return { market: new SqliteMarketStore(client), close: () => client.close() };
}
