import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import { type Database, openDatabase } from '../../../shared/store/sqlite/database.ts';
import { type Operation, read, steps, write } from '../../../shared/store/sqlite/operation.ts';
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
