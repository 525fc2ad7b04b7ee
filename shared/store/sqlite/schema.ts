import type { DatabaseSync } from 'node:sqlite';
import { AppError } from '../../domain/errors.ts';

/** Raised with every change of a table or of a record layout. */
export const SCHEMA_VERSION = 1;

/**
 * Rows with an integer key are clustered by series and key: one B-tree, appended to. Rows without one are clustered by time and found by key through
 * a second tree. `id_blocks` tells the times inside each 4,096 ids of a series: a read by time finds its ids there, and the trades themselves need no
 * index on time, whose second tree would make every insert cost 1.6 times as much (measured).
 */
const TABLES = `
CREATE TABLE schema_version (version INTEGER NOT NULL);

CREATE TABLE series (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, row_count INTEGER NOT NULL DEFAULT 0);
CREATE TABLE candles (series INTEGER, key INTEGER, row BLOB NOT NULL, PRIMARY KEY (series, key)) WITHOUT ROWID;
CREATE TABLE trades (series INTEGER, key INTEGER, row BLOB NOT NULL, PRIMARY KEY (series, key)) WITHOUT ROWID;
CREATE TABLE agg_trades (series INTEGER, key INTEGER, row BLOB NOT NULL, PRIMARY KEY (series, key)) WITHOUT ROWID;
CREATE TABLE id_blocks (series INTEGER, block INTEGER, first_time INTEGER NOT NULL, last_time INTEGER NOT NULL,
  PRIMARY KEY (series, block)) WITHOUT ROWID;

CREATE TABLE uuid_trades (series INTEGER, time INTEGER, tie INTEGER, key TEXT, row BLOB NOT NULL,
  PRIMARY KEY (series, time, tie, key)) WITHOUT ROWID;
CREATE UNIQUE INDEX uuid_trades_key ON uuid_trades (series, key);
CREATE TABLE quotes (series INTEGER, time INTEGER, tie INTEGER, key TEXT, row BLOB NOT NULL,
  PRIMARY KEY (series, time, tie, key)) WITHOUT ROWID;
CREATE UNIQUE INDEX quotes_key ON quotes (series, key);
CREATE TABLE depth (series INTEGER, time INTEGER, tie INTEGER, key TEXT, row BLOB NOT NULL,
  PRIMARY KEY (series, time, tie, key)) WITHOUT ROWID;
CREATE UNIQUE INDEX depth_key ON depth (series, key);
CREATE TABLE tickers (series INTEGER, time INTEGER, tie INTEGER, key TEXT, row BLOB NOT NULL,
  PRIMARY KEY (series, time, tie, key)) WITHOUT ROWID;
CREATE UNIQUE INDEX tickers_key ON tickers (series, key);
CREATE TABLE latest_quotes (series INTEGER PRIMARY KEY, update_id INTEGER NOT NULL, time INTEGER NOT NULL, key TEXT NOT NULL, row BLOB NOT NULL);
CREATE TABLE latest_tickers (series INTEGER PRIMARY KEY, update_id INTEGER NOT NULL, time INTEGER NOT NULL, key TEXT NOT NULL, row BLOB NOT NULL);

CREATE TABLE coverage (series INTEGER, month TEXT, rev INTEGER NOT NULL, document TEXT NOT NULL, PRIMARY KEY (series, month)) WITHOUT ROWID;
CREATE TABLE coverage_evidence (series INTEGER, month TEXT, document TEXT NOT NULL, PRIMARY KEY (series, month)) WITHOUT ROWID;

CREATE TABLE workflows (queue_id TEXT PRIMARY KEY, rev INTEGER NOT NULL, status TEXT NOT NULL, attempt INTEGER NOT NULL,
  symbols TEXT NOT NULL, types TEXT NOT NULL, idempotency_key TEXT UNIQUE, request_hash TEXT NOT NULL, created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL, state TEXT NOT NULL, outbox TEXT NOT NULL);
CREATE INDEX workflows_age ON workflows (created_at, queue_id);
CREATE TABLE workflow_shards (queue_id TEXT, shard TEXT, attempt INTEGER NOT NULL, status TEXT NOT NULL, document TEXT NOT NULL,
  PRIMARY KEY (queue_id, shard)) WITHOUT ROWID;
CREATE TABLE workflow_events (queue_id TEXT, seq INTEGER, event_id TEXT NOT NULL, event TEXT NOT NULL,
  PRIMARY KEY (queue_id, seq), UNIQUE (queue_id, event_id)) WITHOUT ROWID;
CREATE TABLE collections (name TEXT PRIMARY KEY, document TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE claims (key TEXT PRIMARY KEY, token TEXT NOT NULL, until INTEGER NOT NULL, done INTEGER NOT NULL) WITHOUT ROWID;
CREATE INDEX claims_open ON claims (key) WHERE done = 0;
CREATE TABLE deliveries (consumer_group TEXT, topic TEXT, "partition" INTEGER, "offset" INTEGER, tries INTEGER NOT NULL,
  error TEXT NOT NULL, at INTEGER NOT NULL, PRIMARY KEY (consumer_group, topic, "partition", "offset")) WITHOUT ROWID;
CREATE TABLE dead_letters (id INTEGER PRIMARY KEY, topic TEXT NOT NULL, queue_id TEXT, letter_key TEXT NOT NULL UNIQUE,
  document TEXT NOT NULL);
CREATE INDEX dead_letters_topic ON dead_letters (topic);

CREATE TABLE mg_builds (build INTEGER PRIMARY KEY AUTOINCREMENT, graph_id TEXT NOT NULL);
CREATE TABLE mg_graphs (graph_id TEXT PRIMARY KEY, build INTEGER NOT NULL UNIQUE, document TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE mg_nodes (build INTEGER, block INTEGER, count INTEGER NOT NULL, slots BLOB NOT NULL, PRIMARY KEY (build, block));
CREATE TABLE mg_edges (build INTEGER, relation TEXT, block INTEGER, last_dst INTEGER NOT NULL, count INTEGER NOT NULL,
  slots BLOB NOT NULL, PRIMARY KEY (build, relation, block));
CREATE INDEX mg_edges_dst ON mg_edges (build, relation, last_dst, block);

CREATE TABLE gnn_models (model_id TEXT PRIMARY KEY, task TEXT NOT NULL, created_at INTEGER NOT NULL, document TEXT NOT NULL) WITHOUT ROWID;
CREATE INDEX gnn_models_age ON gnn_models (created_at, model_id);
CREATE TABLE gnn_active (task TEXT PRIMARY KEY, model_id TEXT NOT NULL, at INTEGER NOT NULL) WITHOUT ROWID;
`;

/** Tables that came later and change nothing for a release that does not know them: the version stays, and a store without them gets them. */
const ADDED_TABLES = `
CREATE TABLE IF NOT EXISTS request_budget (exchange TEXT PRIMARY KEY, rev INTEGER NOT NULL, document TEXT NOT NULL) WITHOUT ROWID;
`;

function storedVersion(connection: DatabaseSync): number | undefined {
  const table = connection.prepare("SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = 'schema_version'").get();
  if (table === undefined) return undefined;
  return connection.prepare('SELECT version FROM schema_version').get()?.version as number | undefined;
}

function isEmpty(connection: DatabaseSync): boolean {
  return connection.prepare('SELECT 1 FROM sqlite_schema').get() === undefined;
}

/** Creates the tables in an empty file, all or none; leaves a file that holds anything as it is. */
export function createSchema(connection: DatabaseSync): void {
  if (!isEmpty(connection)) return;
  connection.exec('BEGIN IMMEDIATE');
  try {
    if (isEmpty(connection)) {
      connection.exec(TABLES);
      connection.prepare('INSERT INTO schema_version VALUES (?)').run(SCHEMA_VERSION);
    }
    connection.exec('COMMIT');
  } catch (error) {
    if (connection.isTransaction) connection.exec('ROLLBACK');
    throw error;
  }
}

/** Adds to a store of this version what it lacks. */
export function addTables(connection: DatabaseSync): void {
  connection.exec(ADDED_TABLES);
}

/** Throws `invalid_setting` for a file without our tables or with those of another version. */
export function checkSchema(connection: DatabaseSync, file: string): void {
  const version = storedVersion(connection);
  if (version === SCHEMA_VERSION) return;
  const found = version === undefined ? 'is not a store of this platform' : `has schema version ${version}`;
  throw new AppError('invalid_setting', `${file} ${found}; this release reads version ${SCHEMA_VERSION}. Use the release that wrote it.`, {
    file,
    version: version ?? null,
    supported: SCHEMA_VERSION,
  });
}
