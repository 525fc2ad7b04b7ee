import { DatabaseSync, type StatementSync } from 'node:sqlite';
import { AppError } from '../../domain/errors.ts';
import type { TopicDeclaration } from '../bus.ts';
import type {
  CommittedOffset,
  LogOptions,
  LogSnapshot,
  ReadReply,
  ReadRequest,
  RetainReply,
  RetainRequest,
  StoredTopic,
  WriteReply,
  WriteRequest,
} from './protocol.ts';

/** Rowid of a batch: partition id times this, plus the offset of its first record. Leaves 10^12 records to each of 8,192 partitions within 2^53. */
const OFFSETS_PER_PARTITION = 2 ** 40;
const MAX_PARTITIONS = 2 ** 13;

/** Larger pages than SQLite's 4 KiB: fewer WAL frames for a 250 KB value, measured at half the processor time per byte. */
const PAGE_BYTES = 16_384;
/** The WAL is copied into the file whenever it has grown by this much: some 50 ms each time on a plain disk, while appends wait. */
const CHECKPOINT_BYTES = 16 * 1_048_576;
/** Recently written pages that stay in memory: readers at the end of the log are served from there. */
const CACHE_KIB = 4 * 1_024;
/** A process that was just killed may hold its lock for a moment longer. */
const BUSY_MS = 250;

/** Rows and bytes of one step of retention: bounded, so that appends get their turn in between. */
const RETAIN_ROWS = 1_000;
const RETAIN_BYTES = 32 * 1_048_576;

const SCHEMA_VERSION = 1;
const SCHEMA = `
  CREATE TABLE topics(name TEXT PRIMARY KEY, partitions INTEGER NOT NULL, retention_ms INTEGER NOT NULL, first_partition INTEGER NOT NULL) STRICT;
  CREATE TABLE begins(partition_id INTEGER PRIMARY KEY, begin INTEGER NOT NULL) STRICT;
  CREATE TABLE batches(id INTEGER PRIMARY KEY, count INTEGER NOT NULL, appended_at INTEGER NOT NULL, frames BLOB NOT NULL) STRICT;
  CREATE TABLE offsets(group_name TEXT NOT NULL, partition_id INTEGER NOT NULL, next_offset INTEGER NOT NULL,
    PRIMARY KEY(group_name, partition_id)) STRICT, WITHOUT ROWID;
  PRAGMA user_version = ${SCHEMA_VERSION};
`;

const READ = `SELECT id, count, frames FROM batches
  WHERE id >= coalesce((SELECT max(id) FROM batches WHERE id BETWEEN :first AND :from), :from) AND id < :last ORDER BY id`;

interface BatchRow {
  readonly id: number;
  readonly count: number;
  readonly frames: Uint8Array<ArrayBuffer>;
}

/**
 * The log file: everything that touches SQLite, synchronous, for the log's own thread. One batch of consecutive records is one row; a transaction is
 * durable when it returns (WAL, `synchronous=FULL`). The file is locked for as long as it is open, by a lock that dies with the process.
 */
export class LogDatabase {
  readonly #db: DatabaseSync;
  readonly #ends = new Map<number, number>();
  readonly #begins = new Map<number, number>();
  readonly #insert: StatementSync;
  readonly #commit: StatementSync;
  #read: StatementSync;

  /** Opens or creates the file. Throws SQLite's errors as they are (5: locked), `invalid_setting` for a log of another version. */
  constructor({ path, maxBytes }: LogOptions) {
    this.#db = new DatabaseSync(path, { timeout: BUSY_MS });
    try {
      this.#db.exec(`
        PRAGMA page_size = ${PAGE_BYTES}; PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;
        PRAGMA wal_autocheckpoint = ${CHECKPOINT_BYTES / PAGE_BYTES}; PRAGMA cache_size = -${CACHE_KIB}; PRAGMA temp_store = MEMORY;
      `);
      if (maxBytes !== undefined) this.#db.exec(`PRAGMA max_page_count = ${Math.max(1, Math.floor(maxBytes / PAGE_BYTES))}`);
      this.#transaction(() => this.#prepareSchema(path));
      this.#insert = this.#db.prepare('INSERT INTO batches VALUES (?, ?, ?, ?)');
      this.#commit = this.#db.prepare(`INSERT INTO offsets VALUES (?, ?, ?)
        ON CONFLICT DO UPDATE SET next_offset = max(next_offset, excluded.next_offset)`);
      this.#read = this.#db.prepare(READ);
    } catch (error) {
      this.#db.close();
      throw error;
    }
  }

  /** The log's contents but for the records. */
  snapshot(): LogSnapshot {
    const topics = this.#topics();
    for (const row of this.#db.prepare('SELECT partition_id AS id, begin FROM begins').all() as { id: number; begin: number }[]) {
      this.#begins.set(row.id, row.begin);
    }
    const last = this.#db.prepare('SELECT id, count FROM batches WHERE id BETWEEN ? AND ? ORDER BY id DESC LIMIT 1');
    for (const id of topics.flatMap(partitionIds)) {
      const row = last.get(rowOf(id, 0), rowOf(id + 1, 0) - 1) as unknown as BatchRow | undefined;
      this.#ends.set(id, row === undefined ? this.#beginOf(id) : (row.id % OFFSETS_PER_PARTITION) + row.count);
    }
    return {
      topics,
      bounds: [...this.#ends].map(([id, end]) => ({ id, begin: this.#beginOf(id), end })),
      offsets: this.#offsetsWithinBounds(),
    };
  }

  /** Appends and commits in one transaction. */
  write({ buffer, timestamp, appends, commits }: WriteRequest): WriteReply {
    const ends = new Map<number, number>();
    const bases: number[] = [];
    this.#transaction(() => {
      for (const { id, count, at, bytes } of appends) {
        const base = ends.get(id) ?? this.#ends.get(id) ?? 0;
        this.#insert.run(rowOf(id, base), count, timestamp, new Uint8Array(buffer, at, bytes));
        ends.set(id, base + count);
        bases.push(base);
      }
      for (const { group, id, nextOffset } of commits) this.#commit.run(group, id, nextOffset);
    });
    for (const [id, end] of ends) this.#ends.set(id, end);
    return { bases, buffer };
  }

  /** Rows of a partition from the one that holds `from`, until `maxBytes` are reached. */
  read(request: ReadRequest): ReadReply {
    try {
      return this.#readRows(request);
    } catch (error) {
      // A statement whose iterator failed throws the same once more the next time it is used, wherever that reads.
      this.#read = this.#db.prepare(READ);
      throw error;
    }
  }

  /** Creates the topics that are missing and takes over new retention times. Throws `invalid_setting` where a partition count differs: then nothing changes. */
  createTopics(declarations: readonly TopicDeclaration[]): readonly StoredTopic[] {
    const find = this.#db.prepare('SELECT partitions FROM topics WHERE name = ?');
    const next = this.#db.prepare('SELECT coalesce(max(first_partition + partitions), 0) AS id FROM topics');
    const insert = this.#db.prepare(
      'INSERT INTO topics VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE SET retention_ms = excluded.retention_ms',
    );
    this.#transaction(() => {
      for (const { name, partitions, retentionMs } of declarations) {
        const known = find.get(name) as { partitions: number } | undefined;
        if (known !== undefined && known.partitions !== partitions) throw otherPartitionCount(name, known.partitions, partitions);
        const { id } = next.get() as { id: number };
        if (id + partitions > MAX_PARTITIONS) throw tooManyPartitions(name);
        insert.run(name, partitions, retentionMs, id);
      }
    });
    return this.#topics();
  }

  /** One step of retention of one partition: deletes old rows from the front. Offsets below the new begin are raised when the log is opened. */
  retain({ id, before }: RetainRequest): RetainReply {
    const rows = this.#db
      .prepare('SELECT id, count, appended_at, length(frames) AS bytes FROM batches WHERE id BETWEEN ? AND ? ORDER BY id LIMIT ?')
      .all(rowOf(id, 0), rowOf(id + 1, 0) - 1, RETAIN_ROWS) as unknown as {
      id: number;
      count: number;
      appended_at: number;
      bytes: number;
    }[];
    let begin = this.#beginOf(id);
    let [old, deleted, bytes] = [0, 0, 0];
    for (const row of rows) {
      if (row.appended_at >= before || bytes >= RETAIN_BYTES) break;
      begin = (row.id % OFFSETS_PER_PARTITION) + row.count;
      old += 1;
      deleted += row.count;
      bytes += row.bytes;
    }
    if (old === 0) return { begin, deleted: 0, more: false };
    this.#transaction(() => {
      this.#db.prepare('DELETE FROM batches WHERE id >= ? AND id < ?').run(rowOf(id, 0), rowOf(id, begin));
      this.#db.prepare('INSERT INTO begins VALUES (?, ?) ON CONFLICT DO UPDATE SET begin = excluded.begin').run(id, begin);
    });
    this.#begins.set(id, begin);
    const stopped = rows[old];
    return { begin, deleted, more: stopped === undefined ? rows.length === RETAIN_ROWS : stopped.appended_at < before };
  }

  /** Sets offsets, lower ones too. */
  moveOffsets(offsets: readonly CommittedOffset[]): null {
    const set = this.#db.prepare('INSERT INTO offsets VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET next_offset = excluded.next_offset');
    this.#transaction(() => {
      for (const { group, id, nextOffset } of offsets) set.run(group, id, nextOffset);
    });
    return null;
  }

  deleteGroup(group: string): null {
    this.#db.prepare('DELETE FROM offsets WHERE group_name = ?').run(group);
    return null;
  }

  close(): null {
    this.#db.close();
    return null;
  }

  #readRows({ id, from, maxBytes }: ReadRequest): ReadReply {
    const chunks: Uint8Array<ArrayBuffer>[] = [];
    let base = from;
    let next = from;
    let bytes = 0;
    const rows = this.#read.iterate({ first: rowOf(id, 0), from: rowOf(id, from), last: rowOf(id + 1, 0) });
    for (const row of rows as Iterable<unknown> as Iterable<BatchRow>) {
      const first = row.id % OFFSETS_PER_PARTITION;
      if (first + row.count <= from) continue;
      if (chunks.length === 0) base = first;
      next = first + row.count;
      chunks.push(row.frames);
      bytes += row.frames.byteLength;
      if (bytes >= maxBytes) break;
    }
    return { base, next, chunks };
  }

  #topics(): readonly StoredTopic[] {
    const rows = this.#db
      .prepare(
        'SELECT name, partitions, retention_ms AS retentionMs, first_partition AS firstPartition FROM topics ORDER BY first_partition',
      )
      .all() as unknown as StoredTopic[];
    // Plain objects: rows of SQLite have no prototype.
    return rows.map((row) => ({ ...row }));
  }

  /**
   * Committed offsets. One behind the log's end is of another log (somebody put an older file back): what is there now may never have been read, so that
   * group starts at the begin again.
   */
  #offsetsWithinBounds(): readonly CommittedOffset[] {
    const rows = this.#db.prepare('SELECT group_name AS "group", partition_id AS id, next_offset AS nextOffset FROM offsets').all();
    const offsets = (rows as unknown as CommittedOffset[]).map(({ group, id, nextOffset }) => {
      const inside = nextOffset <= (this.#ends.get(id) ?? 0) && nextOffset >= this.#beginOf(id);
      return { group, id, nextOffset: inside ? nextOffset : this.#beginOf(id), inside };
    });
    const moved = offsets.filter(({ inside }) => !inside);
    if (moved.length > 0) this.moveOffsets(moved);
    return offsets.map(({ group, id, nextOffset }) => ({ group, id, nextOffset }));
  }

  #prepareSchema(path: string): void {
    const { user_version: version } = this.#db.prepare('PRAGMA user_version').get() as { user_version: number };
    const { tables } = this.#db.prepare('SELECT count(*) AS tables FROM sqlite_schema').get() as { tables: number };
    if (version === 0 && tables === 0) this.#db.exec(SCHEMA);
    else if (version !== SCHEMA_VERSION) {
      throw new AppError(
        'invalid_setting',
        `${path} is a log of version ${version}; this program reads version ${SCHEMA_VERSION}. Choose another data directory, or the program that wrote it.`,
        { path, version },
      );
    }
  }

  /** All or nothing. The lock of the file is taken by the first one. */
  #transaction(work: () => void): void {
    this.#db.exec('BEGIN IMMEDIATE');
    try {
      work();
      this.#db.exec('COMMIT');
    } catch (error) {
      // SQLite has rolled back by itself after a full disk or an I/O error.
      if (this.#db.isTransaction) this.#db.exec('ROLLBACK');
      throw error;
    }
  }

  #beginOf(id: number): number {
    return this.#begins.get(id) ?? 0;
  }
}

function rowOf(partitionId: number, offset: number): number {
  return partitionId * OFFSETS_PER_PARTITION + offset;
}

function partitionIds({ firstPartition, partitions }: StoredTopic): number[] {
  return Array.from({ length: partitions }, (_, index) => firstPartition + index);
}

function otherPartitionCount(name: string, partitions: number, asked: number): AppError {
  return new AppError(
    'invalid_setting',
    `Topic ${name} has ${partitions} partitions and is declared with ${asked}: a topic is never altered, its keys would move. Declare ${partitions}, or another topic.`,
    { topic: name, partitions, asked },
  );
}

function tooManyPartitions(name: string): AppError {
  return new AppError('invalid_setting', `No room for topic ${name}: the embedded log holds ${MAX_PARTITIONS} partitions in all.`, {
    topic: name,
  });
}
