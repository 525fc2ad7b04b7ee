import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type { OutgoingRecord } from '../../shared/bus/bus.ts';
import { openEmbeddedBus } from '../../shared/bus/embedded/embedded-bus.ts';
import { type Bench, type Figure, fastest, scaled, sideBySide, withFolder } from './bench.ts';

const ROUNDS = 3;
/** Callers that publish at once, each awaiting its own: as `fetch` does. */
const LANES = 12;
const MEBIBYTE = 1_048_576;
/** Bytes of a transaction of the floor: as many as the log takes into one. */
const TRANSACTION_BYTES = 2 * MEBIBYTE;

/** So many records of so many bytes, so many a call. */
interface Shape {
  readonly name: string;
  readonly bytes: number;
  readonly perCall: number;
  readonly calls: number;
}

const shapes: readonly Shape[] = [
  { name: '250 KB', bytes: 250_000, perCall: 1, calls: scaled(400) },
  { name: '200 byte', bytes: 200, perCall: 500, calls: scaled(400) },
];

/** Seconds of an append and a read of everything. */
interface Times {
  readonly append: number;
  readonly read: number;
}

async function throughTheBus(dir: string, { name, bytes, perCall, calls }: Shape): Promise<Times> {
  const bus = await openEmbeddedBus({ dir });
  const topics = Array.from({ length: ROUNDS }, (_, round) => `bench.${round}`);
  await bus.admin.ensureTopics(topics.map((topic) => ({ name: topic, partitions: 12, retentionMs: 3_600_000 })));
  const value = Buffer.alloc(bytes, name);
  let round = 0;
  const append = await fastest(ROUNDS, () => {
    const topic = topics[round++] as string;
    return sideBySide(LANES, calls, async (call) => {
      const record: OutgoingRecord = { topic, key: `key-${call}`, headers: { 'ce-id': String(call) }, value };
      await bus.publish(Array.from({ length: perCall }, () => record));
    });
  });
  round = 0;
  const read = await fastest(ROUNDS, async () => {
    let count = 0;
    for await (const batch of bus.read({ topic: topics[round++] as string, from: 'earliest', untilEnd: true })) count += batch.length;
    if (count !== calls * perCall) throw new Error(`${count} of ${calls * perCall} records were read`);
  });
  await bus.close();
  return { append, read };
}

async function throughSqlite(dir: string, { name, bytes, perCall, calls }: Shape): Promise<Times> {
  const database = new DatabaseSync(join(dir, 'plain.db'));
  database.exec('PRAGMA page_size = 16384; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA cache_size = -16384');
  const value = Buffer.alloc(bytes, name);
  const count = perCall * calls;
  const perTransaction = Math.ceil(TRANSACTION_BYTES / bytes);
  const tables = Array.from({ length: ROUNDS }, (_, round) => `records_${round}`);
  for (const table of tables) database.exec(`CREATE TABLE ${table} (id INTEGER PRIMARY KEY, value BLOB NOT NULL)`);
  let round = 0;
  const append = await fastest(ROUNDS, () => {
    const insert = database.prepare(`INSERT INTO ${tables[round++]} VALUES (?, ?)`);
    for (let id = 0; id < count; ) {
      database.exec('BEGIN IMMEDIATE');
      for (const end = Math.min(count, id + perTransaction); id < end; id += 1) insert.run(id, value);
      database.exec('COMMIT');
    }
  });
  round = 0;
  const read = await fastest(ROUNDS, () => {
    let found = 0;
    for (const row of database.prepare(`SELECT id, value FROM ${tables[round++]} ORDER BY id`).iterate()) {
      found += (row.value as Uint8Array).length;
    }
    if (found !== count * bytes) throw new Error(`${found} of ${count * bytes} bytes were read`);
  });
  database.close();
  return { append, read };
}

function figuresOf(shape: Shape, bus: Times, plain: Times): Figure[] {
  const count = shape.perCall * shape.calls;
  const isLarge = shape.bytes > MEBIBYTE / 8;
  const amount = isLarge ? (count * shape.bytes) / MEBIBYTE : count;
  const unit = isLarge ? 'MiB/s' : 'records/s';
  return (['append', 'read'] as const).map((what) => ({
    name: `${what} ${count.toLocaleString('en-US')} ${shape.name} records`,
    value: amount / bus[what],
    unit,
    floor: amount / plain[what],
    against: what === 'append' ? 'node:sqlite, equal bytes, a row each, 2 MiB a transaction' : 'node:sqlite, the same rows',
  }));
}

/** The embedded log beside SQLite itself. */
const bench: Bench = {
  name: 'log',
  what: `the embedded log: durable appends of ${LANES} callers at once, and reading all of it`,
  async run() {
    const figures: Figure[] = [];
    for (const shape of shapes) {
      const plain = await withFolder((dir) => throughSqlite(dir, shape));
      const bus = await withFolder((dir) => throughTheBus(dir, shape));
      figures.push(...figuresOf(shape, bus, plain));
    }
    return figures;
  },
};

export default bench;
