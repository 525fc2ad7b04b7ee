import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync, type StatementSync } from 'node:sqlite';
import { AppError } from '../../domain/errors.ts';
import { addTables, checkSchema, createSchema } from './schema.ts';
import { sqliteCode } from './sqlite-error.ts';

/** Where the store is and how it is opened. */
export interface StoreOptions {
  /** Folder of `store.db`; made where it is missing. */
  readonly dir: string;
  /** Opens an existing store without ever writing to it, also beside a process that writes. */
  readonly readOnly?: boolean;
  /** Most bytes of `store.db`; a write beyond is refused with `storage_full`. Default: what the disk holds. */
  readonly maxBytes?: number;
  /** How long a write waits for another process's lock before it is `store_unavailable`. Default 5,000. */
  readonly busyTimeoutMs?: number;
}

const BUSY_TIMEOUT_MS = 5_000;
/** Measured with candles: a tenth faster than pages of 4 KiB; larger ones gain little and make every small write dearer. */
const PAGE_BYTES = 8_192;
/** A checkpoint moves about 8 MiB: it holds writes up for 20 to 30 ms; with 32 MiB it was 60 to 90 (measured). */
const CHECKPOINT_PAGES = 1_000;
/** Loads append at the end of each series: twice as much is no faster (measured). */
const CACHE_KIB = 8_192;
/** The write-ahead log is cut back to this after a burst that a slow reader made long. */
const LOG_LIMIT_BYTES = 64 * 1_024 * 1_024;
/** SQLITE_NOTADB */
const NOT_A_DATABASE = 26;

/** One connection and its prepared statements. */
export interface Database {
  readonly connection: DatabaseSync;
  readonly readOnly: boolean;
  /** The prepared statement of this text; prepared once. */
  statement(sql: string): StatementSync;
  close(): void;
}

/**
 * Opens `store.db`: write-ahead log, every commit synced to the disk. Throws `not_found` where a store to read is not there,
 * `invalid_setting` for a file that is no store or one of a newer version, else SQLite's own errors.
 */
export function openDatabase({ dir, readOnly = false, maxBytes, busyTimeoutMs = BUSY_TIMEOUT_MS }: StoreOptions): Database {
  const file = join(dir, 'store.db');
  if (readOnly && !existsSync(file)) throw new AppError('not_found', `There is no store in ${dir} yet; a host creates it.`, { dir });
  if (!readOnly) mkdirSync(dir, { recursive: true });
  const connection = new DatabaseSync(file, { readOnly, timeout: busyTimeoutMs });
  try {
    if (!readOnly) {
      connection.exec(`PRAGMA page_size = ${PAGE_BYTES}; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL`);
      connection.exec(`PRAGMA wal_autocheckpoint = ${CHECKPOINT_PAGES}; PRAGMA journal_size_limit = ${LOG_LIMIT_BYTES}`);
      if (maxBytes !== undefined) connection.exec(`PRAGMA max_page_count = ${Math.max(1, Math.floor(maxBytes / PAGE_BYTES))}`);
      createSchema(connection);
    }
    connection.exec(`PRAGMA cache_size = -${CACHE_KIB}; PRAGMA temp_store = MEMORY`);
    checkSchema(connection, file);
    if (!readOnly) addTables(connection);
  } catch (error) {
    connection.close();
    if (sqliteCode(error) !== NOT_A_DATABASE) throw error;
    throw new AppError('invalid_setting', `${file} is not a store: SQLite cannot read it.`, { file }, error);
  }

  const statements = new Map<string, StatementSync>();
  return {
    connection,
    readOnly,
    statement(sql) {
      let statement = statements.get(sql);
      if (statement === undefined) {
        statement = connection.prepare(sql);
        statements.set(sql, statement);
      }
      return statement;
    },
    close() {
      statements.clear();
      connection.close();
    },
  };
}
