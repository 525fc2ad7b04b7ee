import type { GraphStore } from '../graph-store.ts';
import type { MarketStore } from '../market-store.ts';
import type { ModelStore } from '../model-store.ts';
import type { WorkflowStore } from '../workflow-store.ts';
import { ArangoClient } from './arango-client.ts';
import { ArangoGraphStore } from './arango-graph-store.ts';
import { ArangoMarketStore } from './arango-market-store.ts';
import { ArangoModelStore } from './arango-model-store.ts';
import { type ArangoOptions, withDefaults } from './arango-options.ts';
import { ArangoPort } from './arango-port.ts';
import { ArangoWorkflowStore } from './arango-workflow-store.ts';
import { prepareDatabase } from './schema.ts';

/** The four stores of one database of ArangoDB. */
export interface ArangoStores {
  readonly market: MarketStore;
  readonly workflows: WorkflowStore;
  readonly graphs: GraphStore;
  readonly models: ModelStore;
  /** Waits for every request that was made, tries included; a call that would need another one fails with `store_unavailable`. */
  close(): Promise<void>;
}

/**
 * Opens the stores, and makes database, collections, indexes and the named graph where they are missing. Throws `invalid_setting` (user, right, a newer schema)
 * and `store_unavailable`.
 */
export async function openArangoStores(options: ArangoOptions): Promise<ArangoStores> {
  const client = new ArangoClient(withDefaults(options));
  try {
    await prepareDatabase(client);
  } catch (error) {
    await client.close();
    throw error;
  }
  const ports = Array.from({ length: 4 }, () => new ArangoPort(client, leave));
  let open = ports.length;
  async function leave(): Promise<void> {
    open -= 1;
    if (open === 0) await client.close();
  }
  const [market, workflows, graphs, models] = ports as [ArangoPort, ArangoPort, ArangoPort, ArangoPort];
  return {
    market: new ArangoMarketStore(market),
    workflows: new ArangoWorkflowStore(workflows),
    graphs: new ArangoGraphStore(graphs),
    models: new ArangoModelStore(models),
    async close() {
      await Promise.all(ports.map((port) => port.close()));
    },
  };
}
