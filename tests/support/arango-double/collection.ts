import type { DatabaseSync, SQLInputValue, StatementSync } from 'node:sqlite';
import { exactJson } from './exact-json.ts';
import { badParameter, Refusal, uniqueViolated } from './refusal.ts';

/** A document's own attributes, without `_key`, `_id` and `_rev`. */
export type Attributes = Readonly<Record<string, unknown>>;

/** A stored document. */
export interface Stored {
  readonly _key: string;
  readonly _rev: string;
  readonly attributes: Attributes;
}

/** An index as `POST /_api/index` describes it. */
export interface IndexDescription {
  readonly id: string;
  readonly name: string;
  readonly fields: readonly string[];
  readonly unique: boolean;
  readonly sparse: boolean;
}

/** Letters of a document key, as ArangoDB's manual lists them; at most 254 bytes. */
const KEY = /^[a-zA-Z0-9_\-:.@()+,=;$!*'%]{1,254}$/;

/**
 * One collection: a table of documents. Each attribute that an index names has a column of its own, so that the hand-written meanings of queries can
 * search and sort by it; a query whose index was never created fails, as it would crawl on a real server.
 */
export class Collection {
  readonly name: string;
  readonly isEdges: boolean;
  readonly indexes: IndexDescription[] = [];
  readonly #database: DatabaseSync;
  readonly #nextRev: () => string;
  readonly #statements = new Map<string, StatementSync>();
  #columns: string[] = [];
  #put: StatementSync | undefined;
  #get: StatementSync | undefined;

  constructor(database: DatabaseSync, name: string, isEdges: boolean, nextRev: () => string) {
    this.#database = database;
    this.#nextRev = nextRev;
    this.name = name;
    this.isEdges = isEdges;
    database.exec(`CREATE TABLE "${name}" (_key TEXT PRIMARY KEY, _rev TEXT NOT NULL, document TEXT NOT NULL) WITHOUT ROWID`);
    if (isEdges) this.#addColumns(['_from', '_to']);
    if (isEdges)
      database.exec(`CREATE INDEX "${name}/edge_to" ON "${name}" ("_to"); CREATE INDEX "${name}/edge_from" ON "${name}" ("_from")`);
  }

  /** Returns the index and whether it is new. */
  ensureIndex(
    fields: readonly string[],
    unique: boolean,
    sparse: boolean,
    name: string | undefined,
  ): { index: IndexDescription; isNew: boolean } {
    const known = this.indexes.find((index) => index.unique === unique && index.fields.join() === fields.join());
    if (known !== undefined) return { index: known, isNew: false };
    const id = `${this.name}/${1_000 + this.indexes.length}`;
    const index = { id, name: name ?? `idx_${1_000 + this.indexes.length}`, fields, unique, sparse };
    this.#addColumns(fields);
    const columns = fields.map((field) => `"${field}"`).join(', ');
    // SQLite's unique indexes take rows with a NULL in them as different: what ArangoDB calls sparse.
    if (unique && !sparse) throw badParameter('the double has no unique index that is not sparse');
    this.#database.exec(`CREATE ${unique ? 'UNIQUE ' : ''}INDEX "${id}" ON "${this.name}" (${columns})`);
    this.indexes.push(index);
    return { index, isNew: true };
  }

  get(key: string): Stored | undefined {
    this.#get ??= this.#database.prepare(`SELECT _rev, document FROM "${this.name}" WHERE _key = ?`);
    const line = this.#get.get(key);
    return line === undefined ? undefined : toStored(key, line._rev as string, line.document as string);
  }

  /** Throws 1210 where the key is taken. */
  insert(document: Attributes): void {
    const key = keyOf(document);
    if (this.get(key) !== undefined) throw uniqueViolated('primary', key);
    this.put(document);
  }

  /** Inserts, or replaces what is stored under the key. */
  put(document: Attributes): void {
    const key = keyOf(document);
    if (this.isEdges && (typeof document._from !== 'string' || typeof document._to !== 'string'))
      throw new Refusal(400, 1233, 'edge attribute missing or invalid');
    this.#put ??= this.#database.prepare(this.#putText());
    try {
      const columns = this.#columns.map((column) => toColumn(document[column]));
      this.#put.run(key, this.#nextRev(), exactJson(withoutSystem(document)), ...columns);
    } catch (error) {
      if (error instanceof Error && error.message.includes('UNIQUE')) throw uniqueViolated(error.message, key);
      throw error;
    }
  }

  remove(key: string): void {
    this.statement(`DELETE FROM "${this.name}" WHERE _key = ?`).run(key);
  }

  truncate(): void {
    this.statement(`DELETE FROM "${this.name}"`).run();
  }

  /** Documents by SQL behind `WHERE`, on the columns of indexed attributes. */
  find(where: string, ...values: readonly SQLInputValue[]): Stored[] {
    return this.statement(`SELECT _key, _rev, document FROM "${this.name}" WHERE ${where}`)
      .all(...values)
      .map((line) => toStored(line._key as string, line._rev as string, line.document as string));
  }

  /** The documents' own attributes, as JSON. */
  findTexts(where: string, ...values: readonly SQLInputValue[]): string[] {
    return this.statement(`SELECT document FROM "${this.name}" WHERE ${where}`)
      .all(...values)
      .map((line) => line.document as string);
  }

  statement(sql: string): StatementSync {
    let statement = this.#statements.get(sql);
    if (statement === undefined) {
      statement = this.#database.prepare(sql);
      this.#statements.set(sql, statement);
    }
    return statement;
  }

  #addColumns(fields: readonly string[]): void {
    for (const field of fields) {
      if (this.#columns.includes(field)) continue;
      this.#database.exec(`ALTER TABLE "${this.name}" ADD COLUMN "${field}"`);
      this.#database.prepare(`UPDATE "${this.name}" SET "${field}" = document ->> ?`).run(`$.${field}`);
      this.#columns = [...this.#columns, field];
    }
    this.#statements.clear();
    this.#put = undefined;
    this.#get = undefined;
  }

  #putText(): string {
    const names = ['_key', '_rev', 'document', ...this.#columns].map((column) => `"${column}"`);
    const changes = names.slice(1).map((column) => `${column} = excluded.${column}`);
    return `INSERT INTO "${this.name}" (${names.join()}) VALUES (${names.map(() => '?').join()})
      ON CONFLICT (_key) DO UPDATE SET ${changes.join()}`;
  }
}

/** The whole document as a query returns it. */
export function whole(collection: Collection, { _key, _rev, attributes }: Stored): Attributes {
  return { _key, _id: `${collection.name}/${_key}`, _rev, ...attributes };
}

function keyOf({ _key }: Attributes): string {
  if (typeof _key === 'string' && KEY.test(_key)) return _key;
  throw new Refusal(400, 1221, `illegal document key: ${String(_key)}`);
}

function withoutSystem({ _key: _, _id: __, _rev: ___, ...attributes }: Attributes): Attributes {
  return attributes;
}

function toStored(_key: string, _rev: string, document: string): Stored {
  return { _key, _rev, attributes: JSON.parse(document) as Attributes };
}

function toColumn(value: unknown): SQLInputValue {
  if (typeof value === 'string' || typeof value === 'number') return value;
  if (typeof value === 'boolean') return value ? 1 : 0;
  if (value === undefined || value === null) return null;
  throw badParameter('the double indexes plain values alone');
}
