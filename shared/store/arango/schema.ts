import { AppError } from '../../domain/errors.ts';
import { RELATIONS } from '../graph-store.ts';
import type { ArangoClient } from './arango-client.ts';
import { ARANGO_ERRORS, errorNumberOf } from './arango-failure.ts';

/** Raised with every change of a collection, an index or the shape of a document. */
export const SCHEMA_VERSION = 1;

const EDGES = 3;
const DOCUMENTS = 2;

interface Index {
  readonly fields: readonly string[];
  readonly unique?: boolean;
  readonly sparse?: boolean;
  /** Attributes that a query can read from the index itself. */
  readonly storedValues?: readonly string[];
}

const TEXT_ROWS: readonly Index[] = [{ fields: ['series', 'time', 'tie', 'row_key'] }];
const ID_ROWS: readonly Index[] = [{ fields: ['series', 'id'], storedValues: ['time'] }, { fields: ['series', 'time', 'id'] }];

/** Every collection of documents with its indexes. The first ones are those of the platform's contract, the last three are this adapter's own. */
const COLLECTIONS: Readonly<Record<string, readonly Index[]>> = {
  candles: [{ fields: ['series', 'open_time'], storedValues: ['close_time', 'is_closed'] }],
  trades: ID_ROWS,
  agg_trades: ID_ROWS,
  quotes: TEXT_ROWS,
  depth: TEXT_ROWS,
  tickers: TEXT_ROWS,
  latest_quotes: [],
  latest_tickers: [],
  coverage: [{ fields: ['series', 'month'] }],
  coverage_evidence: [],
  workflows: [{ fields: ['idempotency_key'], unique: true, sparse: true }, { fields: ['created_at', 'queue_id'] }],
  workflow_shards: [{ fields: ['queue_id', 'shard'] }],
  workflow_events: [{ fields: ['queue_id', 'seq'] }],
  collections: [],
  streams: [],
  gaps: [],
  dead_letters: [{ fields: ['seq'] }, { fields: ['topic', 'seq'] }, { fields: ['queue_id', 'seq'] }],
  deliveries: [],
  request_budget: [],
  claims: [{ fields: ['until'] }],
  mg_graphs: [{ fields: ['created_at'] }],
  mg_nodes: [{ fields: ['build', 'ord'] }],
  gnn_models: [{ fields: ['created_at', 'model_id'] }, { fields: ['task', 'created_at', 'model_id'] }],
  gnn_active: [],
  series: [],
  mg_builds: [{ fields: ['renewed_at'] }],
  schema_version: [],
};
const EDGE_INDEXES: readonly Index[] = [{ fields: ['build', 'n'] }];

const READ_VERSION = 'FOR entry IN schema_version FILTER entry._key == "store" RETURN entry.version';
const WRITE_VERSION = `
  INSERT { _key: "store", version: @version } INTO schema_version OPTIONS { overwriteMode: "ignore", waitForSync: true }`;

/**
 * Makes the database ready: itself, its collections, indexes and the named graph `market`. Nothing is changed where it is ready; two processes may do it at
 * once. Throws `invalid_setting` for a wrong user, a missing right or a database of another version, `store_unavailable` where it cannot be reached.
 */
export async function prepareDatabase(client: ArangoClient): Promise<void> {
  let version = await readVersion(client);
  if (version === undefined) {
    await createDatabase(client);
    await createCollections(client);
    await client.query('writing the schema version', WRITE_VERSION, { version: SCHEMA_VERSION }, { retryDuplicates: true });
    version = await readVersion(client);
  }
  if (version === SCHEMA_VERSION) return;
  const { url, database } = client.options;
  throw new AppError(
    'invalid_setting',
    `Database ${database} of ArangoDB at ${url} has schema version ${version}; this release reads version ${SCHEMA_VERSION}. Use the release that wrote it.`,
    { url, database, version: version ?? null, supported: SCHEMA_VERSION },
  );
}

/** Undefined where the database, or the collection of the version, or its document is not there. */
async function readVersion(client: ArangoClient): Promise<number | undefined> {
  try {
    return (await client.query<number>('opening the store', READ_VERSION))[0];
  } catch (error) {
    const number = causeOf(error);
    if (number === ARANGO_ERRORS.databaseNotFound || number === ARANGO_ERRORS.collectionNotFound) return undefined;
    throw asSetting(error);
  }
}

async function createDatabase(client: ArangoClient): Promise<void> {
  const { database } = client.options;
  // In a cluster everything in one shard: statements over several collections are all or none only there. A single server ignores it.
  const text = JSON.stringify({ name: database, options: { sharding: 'single' } });
  try {
    await client.send('looking for the database', { method: 'GET', path: '/_api/database/current' });
  } catch (error) {
    if (causeOf(error) !== ARANGO_ERRORS.databaseNotFound) throw asSetting(error);
    await tolerating(ARANGO_ERRORS.duplicateName, () =>
      client.send('creating the database', { method: 'POST', path: '/_api/database', text, inSystem: true }),
    ).catch((denied: unknown) => Promise.reject(asSetting(denied)));
  }
}

async function createCollections(client: ArangoClient): Promise<void> {
  const edges = RELATIONS.map((relation) => `mg_${relation}`);
  const wanted = [
    ...Object.entries(COLLECTIONS).map(([name, indexes]) => ({ name, type: DOCUMENTS, indexes })),
    ...edges.map((name) => ({ name, type: EDGES, indexes: EDGE_INDEXES })),
  ];
  await Promise.all(
    wanted.map(async ({ name, type, indexes }) => {
      const text = JSON.stringify({ name, type });
      await tolerating(ARANGO_ERRORS.duplicateName, () =>
        client.send(`creating the collection ${name}`, { method: 'POST', path: '/_api/collection', text }),
      );
      for (const index of indexes) {
        const search = { collection: name };
        const described = JSON.stringify({ type: 'persistent', ...index });
        await client.send(`creating an index of ${name}`, { method: 'POST', path: '/_api/index', search, text: described });
      }
    }),
  );
  const edgeDefinitions = edges.map((collection) => ({ collection, from: ['mg_nodes'], to: ['mg_nodes'] }));
  await tolerating(ARANGO_ERRORS.graphExists, () =>
    client.send('creating the graph market', {
      method: 'POST',
      path: '/_api/gharial',
      search: { waitForSync: 'true' },
      text: JSON.stringify({ name: 'market', edgeDefinitions }),
    }),
  );
}

/** Takes it for done where another process was first. */
async function tolerating(number: number, create: () => Promise<unknown>): Promise<void> {
  try {
    await create();
  } catch (error) {
    if (causeOf(error) !== number) throw error;
  }
}

function causeOf(error: unknown): number | undefined {
  return error instanceof AppError ? errorNumberOf(error.cause) : undefined;
}

/** What only another setting mends ends the start. */
function asSetting(error: unknown): unknown {
  const status = error instanceof AppError ? (error.cause as { readonly code?: unknown } | undefined)?.code : undefined;
  return error instanceof AppError && (status === 401 || status === 403)
    ? new AppError('invalid_setting', error.message, error.context, error.cause)
    : error;
}
