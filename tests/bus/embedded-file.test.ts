import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { after, afterEach, describe, it } from 'node:test';
import type { Worker } from 'node:worker_threads';
import { type EmbeddedBus, type EmbeddedBusOptions, openEmbeddedBus } from '../../shared/bus/embedded/embedded-bus.ts';
import { aRecord, commitAll, idsOf, records } from '../conformance/bus-fixture.ts';
import { eventually } from '../support/eventually.ts';

const TOPIC = { name: 'topic', partitions: 1, retentionMs: 3_600_000 };
const MODULE = new URL('../../shared/bus/embedded/embedded-bus.ts', import.meta.url).href;

describe('embedded log', async () => {
  const root = await mkdtemp(join(tmpdir(), 'streamforge-log-'));
  after(() => rm(root, { recursive: true }));
  let count = 0;
  const freshDir = (): string => join(root, `data-${count++}`, 'deep');
  const opened: EmbeddedBus[] = [];
  const open = async (options: EmbeddedBusOptions): Promise<EmbeddedBus> => {
    const bus = await openEmbeddedBus(options);
    opened.push(bus);
    return bus;
  };
  afterEach(async () => {
    for (const bus of opened.splice(0)) await bus.close();
  });

  it('belongs to one bus: a second one in the same process is refused with data_dir_locked, and told what to do', async () => {
    const dir = freshDir();
    const bus = await open({ dir });

    await assert.rejects(open({ dir }), (error: { code?: unknown; message: string }) => {
      assert.equal(error.code, 'data_dir_locked');
      assert.match(error.message, /log\.db.*STREAMFORGE_DATA_DIR/);
      return true;
    });
    await bus.admin.ensureTopics([TOPIC]);
    await bus.close();

    const next = await open({ dir });
    assert.equal((await next.admin.topics()).length, 1);
    await next.close();
  });

  it('refuses another process with data_dir_locked', async () => {
    const dir = freshDir();
    const bus = await open({ dir });
    const script = `import(${JSON.stringify(MODULE)}).then((m) => m.openEmbeddedBus({ dir: ${JSON.stringify(dir)} })).catch((error) => console.log(error.code))`;

    const other = spawnSync(process.execPath, ['-e', script], { encoding: 'utf8', timeout: 20_000 });
    await bus.close();

    assert.equal(other.stdout.trim(), 'data_dir_locked', other.stderr);
  });

  it('refuses what is no log, a log of another version, and a directory that cannot be', async () => {
    const [foreign, later] = [freshDir(), freshDir()];
    await mkdir(foreign, { recursive: true });
    await writeFile(join(foreign, 'log.db'), 'not a database, but long enough to be taken for one'.repeat(100));
    await (await open({ dir: later })).close();
    change(later, 'PRAGMA user_version = 99');
    await writeFile(join(root, 'file'), '');

    await assert.rejects(open({ dir: foreign }), { code: 'invalid_setting' });
    await assert.rejects(open({ dir: later }), { code: 'invalid_setting' });
    await assert.rejects(open({ dir: join(root, 'file', 'below') }), { code: 'invalid_setting' });
  });

  it('stamps records by the clock that it was given', async () => {
    const bus = await open({ dir: freshDir(), clock: { now: () => 1_234.5 } });
    await bus.admin.ensureTopics([TOPIC]);

    await bus.publish([aRecord('topic', 'k')]);

    assert.deepEqual(
      (await readAll(bus)).map(({ timestamp }) => timestamp),
      [1_234],
    );
    await bus.close();
  });

  it('case 64: a full log refuses appends with storage_full, loses nothing, and takes records again when there is room', async () => {
    const dir = freshDir();
    let now = 1_000;
    const bus = await open({ dir, clock: { now: () => now }, maxBytes: 2 * 1_048_576 });
    await bus.admin.ensureTopics([TOPIC]);
    const large = (id: number) => ({ ...aRecord('topic', 'k', id), value: new Uint8Array(200_000) });
    let stored = 0;

    await assert.rejects(
      async () => {
        for (; stored < 100; stored++) await bus.publish([large(stored)]);
      },
      { code: 'storage_full' },
    );
    const before = (await readAll(bus)).length;
    now += 2 * TOPIC.retentionMs;
    await bus.admin.applyRetention(now);
    const [position] = await bus.publish([large(stored)]);

    assert.ok(before === stored && stored > 3 && stored < 11, `${stored} records fitted`);
    assert.equal(position?.offset, stored);
    await bus.close();
  });

  it('starts a group at the begin whose offset lies behind the end of the log', async () => {
    const dir = freshDir();
    const bus = await open({ dir });
    await bus.admin.ensureTopics([TOPIC]);
    await bus.publish(records('topic', ['k'], 5));
    await bus.admin.resetOffsets('group', 'topic', 'latest');
    await bus.close();
    change(dir, 'UPDATE offsets SET next_offset = 1000');

    const again = await open({ dir });
    const got: string[] = [];
    const subscription = await again.subscribe({
      group: 'group',
      topics: ['topic'],
      onBatch: async (batch) => {
        got.push(...idsOf(batch.records));
        await commitAll(batch);
      },
    });
    await eventually(() => got.length === 5);
    await subscription.stop();

    assert.deepEqual(
      (await again.admin.lag('group')).map(({ committed, lag }) => [committed, lag]),
      [[5, 0]],
    );
    await again.close();
  });

  it('says of which partition its file is torn, and delivers the other one', async () => {
    const dir = freshDir();
    const two = { ...TOPIC, name: 'two', partitions: 2 };
    const bus = await open({ dir });
    await bus.admin.ensureTopics([two]);
    const partitionOf = async (key: string, fill: number): Promise<number | undefined> => {
      const [position] = await bus.publish([{ ...aRecord('two', key), value: new Uint8Array(50_000).fill(fill) }]);
      return position?.partition;
    };
    const torn = await partitionOf('a', 0xaa);
    const whole = await partitionOf('d', 0xbb);
    await bus.close();
    await tearPage(join(dir, 'log.db'), 0xaa);

    const again = await open({ dir });
    const got: number[] = [];
    const told: (readonly [number, string | undefined])[] = [];
    const subscription = await again.subscribe({
      group: 'group',
      topics: ['two'],
      onUnreadable: ({ partition }, error) => void told.push([partition, error?.code]),
      onBatch: async (batch) => {
        got.push(batch.partition);
        await commitAll(batch);
      },
    });
    await eventually(() => told.length > 1 && got.length > 0);
    const toldBefore = told.slice(0, 2);
    await subscription.stop();

    assert.deepEqual([toldBefore, got], [[0, 1].map(() => [torn, 'bus_unavailable']), [whole]]);
    await again.close();
  });

  it('ends everything with bus_unavailable when its thread dies, and closes all the same', async () => {
    const workers: Worker[] = [];
    const remember = (worker: Worker): void => void workers.push(worker);
    process.on('worker', remember);
    const bus = await open({ dir: freshDir() });
    process.off('worker', remember);
    await bus.admin.ensureTopics([TOPIC]);
    const subscription = await bus.subscribe({ group: 'group', topics: ['topic'], onBatch: commitAll });
    const following = (async () => {
      for await (const batch of bus.read({ topic: 'topic', from: 'earliest' })) assert.fail(`${batch.length} records from nowhere`);
    })();
    const publishing = bus.publish([{ ...aRecord('topic', 'k'), value: new Uint8Array(1_000_000) }]).catch((error: unknown) => error);

    await workers[0]?.terminate();

    await assert.rejects(subscription.ended, { code: 'bus_unavailable' });
    await assert.rejects(following, { code: 'bus_unavailable' });
    await assert.rejects(bus.publish([aRecord('topic', 'k')]), { code: 'bus_unavailable' });
    await assert.rejects(bus.admin.topics(), { code: 'bus_unavailable' });
    assert.deepEqual(subscription.assignment(), []);
    await publishing;
    await subscription.stop();
    await bus.close();
  });

  it('lets batches in flight publish and commit while the bus closes', async () => {
    const dir = freshDir();
    const bus = await open({ dir });
    await bus.admin.ensureTopics([TOPIC, { ...TOPIC, name: 'out' }]);
    await bus.publish([aRecord('topic', 'k', 'in')]);
    const started = Promise.withResolvers<void>();
    const release = Promise.withResolvers<void>();
    await bus.subscribe({
      group: 'group',
      topics: ['topic'],
      onBatch: async (batch) => {
        started.resolve();
        await release.promise;
        await bus.publish([aRecord('out', 'k', 'out')]);
        await commitAll(batch);
      },
    });
    await started.promise;

    const closing = bus.close();
    release.resolve();
    await closing;

    const again = await open({ dir });
    assert.deepEqual(idsOf(await readAll(again, 'out')), ['out']);
    assert.deepEqual(
      (await again.admin.lag('group')).map(({ lag }) => lag),
      [0],
    );
    await again.close();
  });
});

async function readAll(bus: EmbeddedBus, topic = 'topic') {
  const all = [];
  for await (const batch of bus.read({ topic, from: 'earliest', untilEnd: true })) all.push(...batch);
  return all;
}

/** Changes the file behind the bus's back. */
/** Cuts the chain of the pages that hold a value of this byte. */
async function tearPage(path: string, fill: number): Promise<void> {
  const pageBytes = 16_384;
  const file = await readFile(path);
  for (let at = 0; at < file.length; at += pageBytes) {
    if (!file.subarray(at + 4, at + pageBytes).every((byte) => byte === fill)) continue;
    file.fill(0, at, at + 4);
    return writeFile(path, file);
  }
  assert.fail(`no page of ${path} is full of ${fill}`);
}

function change(dir: string, sql: string): void {
  const db = new DatabaseSync(join(dir, 'log.db'));
  db.exec(sql);
  db.close();
}
