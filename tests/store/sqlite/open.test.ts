import assert from 'node:assert/strict';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { after, before, test } from 'node:test';
import { parseSeriesId } from '../../../shared/domain/series.ts';
import { openDatabase } from '../../../shared/store/sqlite/database.ts';
import { openSqliteStore } from '../../../shared/store/sqlite/open-sqlite-store.ts';
import { collect } from '../../conformance/market-store.ts';
import { aMinute } from '../../support/written.ts';

const series = parseSeriesId('binance:BTCUSDT:candles:1m');
const rest = { origin: 'rest', received_at: 1 } as const;

let root = '';
let folders = 0;
const freshDir = (): string => join(root, `store-${++folders}`);

before(async () => {
  root = await mkdtemp(join(tmpdir(), 'streamforge-open-'));
});
after(() => rm(root, { recursive: true, force: true }));

test('makes its folder, and reads again what it stored', async () => {
  const dir = join(freshDir(), 'deep');
  const first = await openSqliteStore({ dir });
  await first.market.upsertRows(series, [aMinute(0)], rest);
  await first.close();

  const second = await openSqliteStore({ dir });

  assert.deepEqual(await collect(second.market.readRows(series)), [aMinute(0)]);
  await second.close();
});

test('commits go to a write-ahead log and are synced to the disk', () => {
  const database = openDatabase({ dir: freshDir() });
  const pragma = (name: string) => Object.values(database.connection.prepare(`PRAGMA ${name}`).get() ?? {})[0];

  assert.deepEqual([pragma('journal_mode'), pragma('synchronous')], ['wal', 2]);
  database.close();
});

test('refuses a store of a newer version, and leaves it as it is', async () => {
  const dir = freshDir();
  await (await openSqliteStore({ dir })).close();
  const newer = new DatabaseSync(join(dir, 'store.db'));
  newer.exec('UPDATE schema_version SET version = 999');
  newer.close();

  for (const readOnly of [false, true]) {
    await assert.rejects(openSqliteStore({ dir, readOnly }), (error: { code: string; context: object }) => {
      assert.equal(error.code, 'invalid_setting');
      assert.partialDeepStrictEqual(error.context, { version: 999, supported: 1 });
      return true;
    });
  }
});

test('a store that an older release wrote gets the tables that it lacks', async () => {
  const dir = freshDir();
  await (await openSqliteStore({ dir })).close();
  const older = new DatabaseSync(join(dir, 'store.db'));
  older.exec('DROP TABLE request_budget');
  older.close();

  const store = await openSqliteStore({ dir });

  assert.equal(await store.workflows.readBudget('binance'), undefined);
  await store.close();
});

test('refuses a file that is not a store: another database, or no database at all', async () => {
  const other = freshDir();
  await (await openSqliteStore({ dir: other })).close();
  const file = join(other, 'store.db');
  await rm(file);
  const database = new DatabaseSync(file);
  database.exec('CREATE TABLE notes (text)');
  database.close();
  const garbage = freshDir();
  await (await openSqliteStore({ dir: garbage })).close();
  await writeFile(join(garbage, 'store.db'), 'this is no database, whatever its name says. '.repeat(200));

  await assert.rejects(openSqliteStore({ dir: other }), { code: 'invalid_setting' });
  await assert.rejects(openSqliteStore({ dir: garbage }), { code: 'invalid_setting' });

  const untouched = new DatabaseSync(file, { readOnly: true });
  assert.deepEqual(
    untouched
      .prepare('SELECT name FROM sqlite_schema')
      .all()
      .map(({ name }) => name),
    ['notes'],
  );
  untouched.close();
});

test('a reader sees what a writer commits beside it, and writes nothing', async () => {
  const dir = freshDir();
  const writer = await openSqliteStore({ dir });
  const reader = await openSqliteStore({ dir, readOnly: true });

  await writer.market.upsertRows(series, [aMinute(0)], rest);
  assert.deepEqual(await collect(reader.market.readRows(series)), [aMinute(0)]);
  await writer.market.upsertRows(series, [aMinute(1)], rest);

  assert.equal(await reader.market.countRows(series), 2);
  await assert.rejects(reader.market.upsertRows(series, [aMinute(2)], rest), { code: 'invalid_request' });
  await assert.rejects(reader.workflows.dropWorkflows(), { code: 'invalid_request' });
  await Promise.all([writer.close(), reader.close()]);
});

test('reading where no store is says so, and makes none', async () => {
  const dir = freshDir();

  await assert.rejects(openSqliteStore({ dir, readOnly: true }), { code: 'not_found' });

  await assert.rejects(readdir(dir), { code: 'ENOENT' });
});

test('close waits for what was called, answers nothing after it, and may be called twice', async () => {
  const dir = freshDir();
  const store = await openSqliteStore({ dir });
  const writes = Promise.all([0, 1, 2].map((minute) => store.market.upsertRows(series, [aMinute(minute)], rest)));

  await Promise.all([store.close(), store.close()]);

  assert.equal((await writes).length, 3);
  for (const call of [
    store.market.countRows(series),
    store.workflows.readClaim('x'),
    store.graphs.listGraphs(),
    store.models.readModel('x'),
  ])
    await assert.rejects(call, { code: 'store_unavailable' });
  assert.deepEqual(await readdir(dir), ['store.db'], 'the log is folded into the file');
});

test('the store closes with the last of its four ports', async () => {
  const dir = freshDir();
  const { market, workflows, graphs, models } = await openSqliteStore({ dir });

  await market.close();
  await workflows.close();
  await workflows.close();
  await graphs.close();
  assert.equal(await models.readModel('x'), undefined);
  await models.close();

  await assert.rejects(models.readModel('x'), { code: 'store_unavailable' });
  assert.deepEqual(await readdir(dir), ['store.db']);
});
