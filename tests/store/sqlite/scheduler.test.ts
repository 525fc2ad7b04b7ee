import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import { type Database, openDatabase } from '../../../shared/store/sqlite/database.ts';
import { bulk, type Operation, read, steps, write } from '../../../shared/store/sqlite/operation.ts';
import { Scheduler } from '../../../shared/store/sqlite/scheduler.ts';

let dir = '';
let database: Database;
let transactions: string[] = [];
let forgotten = 0;
let scheduler: Scheduler;

/** Runs an operation in the scheduler's turn. */
function run<Args, Result>(operation: Operation<Args, Result>, args: Args): Promise<Result> {
  return new Promise((resolve, reject) =>
    scheduler.add({ operation: operation as Operation<unknown, unknown>, args, resolve: (value) => resolve(value as Result), reject }),
  );
}

const insert = write((key: string) => {
  database.statement('INSERT INTO claims (key, token, until, done) VALUES (?, ?, 0, 0)').run(key, 'token');
  return key;
});
const keys = read(() =>
  database
    .statement('SELECT key FROM claims ORDER BY key')
    .all()
    .map(({ key }) => key),
);

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'streamforge-scheduler-'));
  const opened = openDatabase({ dir });
  transactions = [];
  forgotten = 0;
  const exec = opened.connection.exec.bind(opened.connection);
  opened.connection.exec = (sql) => {
    transactions.push(sql);
    exec(sql);
  };
  database = opened;
  scheduler = new Scheduler(database, () => {
    forgotten += 1;
  });
});
afterEach(async () => {
  database.close();
  await rm(dir, { recursive: true, force: true });
});

test('writes that arrive together share one transaction, and none hears of it before the commit', async () => {
  const lastStatements = Array.from(
    { length: 50 },
    (_, i) =>
      new Promise((resolve, reject) =>
        scheduler.add({
          operation: insert as Operation<unknown, unknown>,
          args: `k${i}`,
          resolve: () => resolve(transactions.at(-1)),
          reject,
        }),
      ),
  );

  assert.deepEqual(await Promise.all(lastStatements), Array(50).fill('COMMIT'));
  assert.deepEqual(transactions, ['BEGIN IMMEDIATE', 'COMMIT']);
});

test('a failing write takes nobody with it, and what it did inside is undone and forgotten', async () => {
  const failing = write((key: string) => {
    insert.run(key);
    throw new Error('too late');
  });

  const outcomes = await Promise.allSettled([run(insert, 'a'), run(failing, 'b'), run(insert, 'c')]);

  assert.deepEqual(
    outcomes.map(({ status }) => status),
    ['fulfilled', 'rejected', 'fulfilled'],
  );
  assert.deepEqual(await run(keys, undefined), ['a', 'c']);
  assert.ok(forgotten >= 1);
});

test('a group ends after a while, so that a flood of writes lets reads through', async () => {
  const slow = write((key: string) => {
    const end = performance.now() + 8;
    while (performance.now() < end);
    return insert.run(key);
  });
  const done: string[] = [];

  await Promise.all([
    ...Array.from({ length: 12 }, (_, i) => run(slow, `k${i}`).then(() => done.push('write'))),
    run(keys, undefined).then(() => done.push('read')),
  ]);

  assert.notEqual(done.at(-1), 'read');
});

test('a small write passes the many rows that wait, and a flood of small ones does not keep them out', async () => {
  // Each fills a group of its own.
  const busy = (key: string): string => {
    const end = performance.now() + 15;
    while (performance.now() < end);
    return insert.run(key);
  };
  const done: string[] = [];
  const note = (name: string) => (): number => done.push(name);

  await Promise.all([
    ...Array.from({ length: 3 }, (_, i) => run(bulk(busy), `bulk${i}`).then(note(`bulk${i}`))),
    ...Array.from({ length: 6 }, (_, i) => run(write(busy), `small${i}`).then(note(`small${i}`))),
  ]);

  assert.ok(done.indexOf('small0') < done.indexOf('bulk0'), done.join());
  assert.ok(done.indexOf('bulk0') < done.indexOf('small5'), done.join());
  assert.deepEqual(
    done.filter((name) => name.startsWith('bulk')),
    ['bulk0', 'bulk1', 'bulk2'],
  );
});

test('steps of long reads take turns, and a cancelled one stops', async () => {
  const order: string[] = [];
  const long = steps(function* (name: string): Generator<void, string, void> {
    for (let i = 0; i < 3; i += 1) {
      order.push(name);
      yield;
    }
    return name;
  });
  const cancelled = { operation: long as Operation<unknown, unknown>, args: 'x', resolve: assert.fail, reject: assert.fail };
  scheduler.add(cancelled);
  scheduler.cancel(cancelled);

  const results = await Promise.all([run(long, 'a'), run(long, 'b')]);

  assert.deepEqual(results, ['a', 'b']);
  assert.deepEqual(order, ['a', 'b', 'a', 'b', 'a', 'b']);
});
