import { DatabaseSync } from 'node:sqlite';
import { Collection } from './collection.ts';
import { badParameter, Refusal, unknownCollection } from './refusal.ts';

/** An edge definition of a named graph. */
export interface EdgeDefinition {
  readonly collection: string;
  readonly from: readonly string[];
  readonly to: readonly string[];
}

/** The rest of a result that did not fit into its first batch. */
interface Cursor {
  readonly batchSize: number;
  readonly ttlMs: number;
  rows: readonly string[];
  expires: number;
}

/** One batch of a result, rows as JSON. `id` is there while more can be had. */
export interface Batch {
  readonly rows: readonly string[];
  readonly id?: string;
}

/** One database of the double: collections in a SQLite of its own, named graphs, cursors. */
export class DoubleDatabase {
  readonly name: string;
  readonly graphs = new Map<string, readonly EdgeDefinition[]>();
  readonly #sqlite = new DatabaseSync(':memory:');
  readonly #collections = new Map<string, Collection>();
  readonly #cursors = new Map<string, Cursor>();
  #revs = 0;
  #cursorIds = 0;

  constructor(name: string) {
    this.name = name;
  }

  createCollection(name: string, isEdges: boolean): Collection {
    if (!/^[a-zA-Z][a-zA-Z0-9_-]{0,255}$/.test(name)) throw new Refusal(400, 1208, 'illegal name');
    if (this.#collections.has(name)) throw new Refusal(409, 1207, `duplicate name: ${name}`);
    const collection = new Collection(this.#sqlite, name, isEdges, () => `_r${(++this.#revs).toString(36)}`);
    this.#collections.set(name, collection);
    return collection;
  }

  collection(name: string): Collection {
    const collection = this.#collections.get(name);
    if (collection === undefined) throw unknownCollection(name);
    return collection;
  }

  get collections(): readonly Collection[] {
    return [...this.#collections.values()];
  }

  createGraph(name: string, definitions: readonly EdgeDefinition[]): void {
    if (this.graphs.has(name)) throw new Refusal(409, 1925, 'graph already exists');
    for (const { collection, from, to } of definitions) {
      if (!this.#collections.has(collection)) this.createCollection(collection, true);
      if (!this.collection(collection).isEdges) throw badParameter(`${collection} holds no edges`);
      for (const vertices of [...from, ...to]) if (!this.#collections.has(vertices)) this.createCollection(vertices, false);
    }
    this.graphs.set(name, definitions);
  }

  /** All or none: what `work` throws takes back what it wrote. */
  transact<Result>(work: () => Result): Result {
    this.#sqlite.exec('BEGIN');
    try {
      const result = work();
      this.#sqlite.exec('COMMIT');
      return result;
    } catch (error) {
      this.#sqlite.exec('ROLLBACK');
      throw error;
    }
  }

  /** The first batch of a result; a cursor keeps the rest for its time to live, in seconds. */
  firstBatch(rows: readonly string[], batchSize: number, ttl: number): Batch {
    if (rows.length <= batchSize) return { rows };
    const id = String(++this.#cursorIds);
    this.#cursors.set(id, { batchSize, ttlMs: ttl * 1_000, rows: rows.slice(batchSize), expires: Date.now() + ttl * 1_000 });
    return { rows: rows.slice(0, batchSize), id };
  }

  nextBatch(id: string): Batch {
    const cursor = this.#cursor(id);
    const rows = cursor.rows.slice(0, cursor.batchSize);
    cursor.rows = cursor.rows.slice(cursor.batchSize);
    cursor.expires = Date.now() + cursor.ttlMs;
    if (cursor.rows.length > 0) return { rows, id };
    this.#cursors.delete(id);
    return { rows };
  }

  dropCursor(id: string): void {
    this.#cursor(id);
    this.#cursors.delete(id);
  }

  dropCursors(): void {
    this.#cursors.clear();
  }

  get openCursors(): number {
    return this.#cursors.size;
  }

  close(): void {
    this.#sqlite.close();
  }

  #cursor(id: string): Cursor {
    const cursor = this.#cursors.get(id);
    if (cursor !== undefined && cursor.expires > Date.now()) return cursor;
    this.#cursors.delete(id);
    throw new Refusal(404, 1600, 'cursor not found');
  }
}
