import { DatabaseSync } from 'node:sqlite';

/** A table in a SQLite file of its own. */
export interface PlainTable {
  /** One prepared statement writes all rows, and is durable when it returns. `values` are the rows' columns, one row after the other. */
  upsert(values: readonly number[]): void;
  close(): void;
}

/** A floor for whatever stores rows: nothing but numbers by a two-column key (the first two columns), overwritten where the key is there. */
export function openPlainTable(file: string, columns: readonly string[], rowsPerUpsert: number): PlainTable {
  const database = new DatabaseSync(file);
  database.exec('PRAGMA page_size = 8192; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA cache_size = -16384');
  const [first, second, ...others] = columns;
  const real = others.map((column) => `${column} REAL`).join(', ');
  database.exec(`CREATE TABLE rows (${first} INTEGER, ${second} INTEGER, ${real}, PRIMARY KEY (${first}, ${second})) WITHOUT ROWID`);
  const places = `(${columns.map(() => '?').join(', ')})`;
  const updates = others.map((column) => `${column} = excluded.${column}`).join(', ');
  const statement = database.prepare(
    `INSERT INTO rows VALUES ${Array.from({ length: rowsPerUpsert }, () => places).join(', ')} ON CONFLICT DO UPDATE SET ${updates}`,
  );
  return {
    upsert: (values) => void statement.run(...values),
    close: () => database.close(),
  };
}
