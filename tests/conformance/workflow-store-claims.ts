import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { DeadLetterDocument } from '../../shared/store/workflow-store.ts';
import type { WorkflowSuite } from './workflow-store.ts';

const LEASE_MS = 60_000;

/** Part of the suite: claims, collections, deliveries and dead letters. */
export function describeClaims(suite: WorkflowSuite): void {
  test('a claim is held by one token until its lease is over', async () => {
    const key = suite.fresh('claim');
    const acquire = (token: string, now: number) => suite.workflows.acquireClaim(key, token, now, LEASE_MS);

    assert.deepEqual(await acquire('one', 1_000), { granted: true, claim: { key, token: 'one', until: 61_000, done: false } });
    assert.deepEqual(await acquire('two', 60_999), { granted: false, claim: { key, token: 'one', until: 61_000, done: false } });
    assert.equal((await acquire('one', 2_000)).claim.until, 62_000, 'its own token takes it again');
    assert.deepEqual(await acquire('two', 62_000), { granted: true, claim: { key, token: 'two', until: 122_000, done: false } });
    assert.deepEqual(await suite.workflows.readClaim(key), { key, token: 'two', until: 122_000, done: false });
    assert.equal(await suite.workflows.renewClaim(key, 'one', 200_000), false, 'the first owner has lost it');
    assert.equal(await suite.workflows.releaseClaim(key, 'one', true), false);
    assert.equal(await suite.workflows.renewClaim(key, 'two', 200_000), true);
    assert.equal((await acquire('three', 199_999)).granted, false);
  });

  test('a released claim is free, a done one never again', async () => {
    const [freed, done] = [suite.fresh('claim'), suite.fresh('claim')];
    for (const key of [freed, done]) await suite.workflows.acquireClaim(key, 'one', 0, LEASE_MS);

    assert.equal(await suite.workflows.releaseClaim(freed, 'one', false), true);
    assert.equal(await suite.workflows.releaseClaim(done, 'one', true), true);

    assert.equal(await suite.workflows.readClaim(freed), undefined);
    assert.equal((await suite.workflows.acquireClaim(freed, 'two', 1, LEASE_MS)).granted, true);
    assert.equal((await suite.workflows.readClaim(done))?.done, true);
    for (const token of ['one', 'two']) assert.equal((await suite.workflows.acquireClaim(done, token, 1e15, LEASE_MS)).granted, false);
    assert.equal(await suite.workflows.renewClaim(done, 'one', 1e15), false);
    assert.equal(await suite.workflows.releaseClaim(done, 'one', false), false);
    assert.equal(await suite.workflows.renewClaim(suite.fresh('claim'), 'one', 1), false);
  });

  test('claims are forgotten once their lease ended long enough ago, done or not', async () => {
    const [old, done, young] = [suite.fresh('claim'), suite.fresh('claim'), suite.fresh('claim')];
    for (const [key, at] of [
      [old, 1_000],
      [done, 1_000],
      [young, 9_000],
    ] as const)
      await suite.workflows.acquireClaim(key, 'one', at, 1_000);
    await suite.workflows.releaseClaim(done, 'one', true);

    // Also takes what other tests left behind.
    await suite.workflows.forgetClaims(2_000);
    assert.notEqual(await suite.workflows.readClaim(old), undefined, 'a lease that ends at the bound is kept');
    assert.equal(await suite.workflows.forgetClaims(2_001), 2);

    assert.equal(await suite.workflows.readClaim(old), undefined);
    assert.equal(await suite.workflows.readClaim(done), undefined);
    assert.equal((await suite.workflows.readClaim(young))?.until, 10_000);
  });

  test('of many that want a claim at once, also from two processes, one gets it', async () => {
    const other = await suite.place.open();
    const key = suite.fresh('claim');

    const outcomes = await Promise.all(
      Array.from({ length: 20 }, (_, i) => (i % 2 === 0 ? suite.workflows : other.workflows).acquireClaim(key, `token-${i}`, 0, LEASE_MS)),
    );

    assert.equal(outcomes.filter(({ granted }) => granted).length, 1);
    assert.equal(new Set(outcomes.map(({ claim }) => claim.token)).size, 1);
    await other.close();
  });

  test('expired claims are found by their prefix, taken literally, and done ones are not among them', async () => {
    const prefix = suite.fresh('shard_%');
    const keys = ['a', 'b', 'c', 'd'].map((name) => `${prefix}:${name}`);
    for (const [i, key] of keys.entries()) await suite.workflows.acquireClaim(key, 'token', i * 100, 50);
    await suite.workflows.acquireClaim(prefix.replace('_', 'x'), 'token', 0, 50);
    await suite.workflows.releaseClaim(keys[1] as string, 'token', true);

    const expired = await suite.workflows.expiredClaims(prefix, 250);

    assert.deepEqual(
      expired.map(({ key }) => key),
      [keys[0], keys[2]],
    );
    assert.deepEqual(expired[0], { key: keys[0], token: 'token', until: 50, done: false });
  });

  test('a collection is the last one written under its name', async () => {
    const name = suite.fresh('collection');
    const collection = { name, queue_id: 'wf', selections: [{ series: 'binance:BTCUSDT:trades', from: 1, to: 2 }], created_at: 3 };

    await suite.workflows.putCollection({ ...collection, selections: [] });
    await suite.workflows.putCollection(collection);

    assert.deepEqual(await suite.workflows.readCollection(name), collection);
    assert.equal(await suite.workflows.readCollection(suite.fresh('collection')), undefined);
  });

  test('the tries of an event are counted apart for each group, topic, partition and offset, and outlive the process', async () => {
    const topic = suite.fresh('topic');
    const delivery = { group: 'g', topic, partition: 0, offset: 7 };
    const count = (over: object) => suite.workflows.countDelivery({ ...delivery, ...over }, 'broken', 1);

    assert.deepEqual(await Promise.all([count({}), count({}), count({})]).then((tries) => tries.sort()), [1, 2, 3]);
    for (const over of [{ group: 'h' }, { topic: `${topic}x` }, { partition: 1 }, { offset: 8 }]) assert.equal(await count(over), 1);
    const reopened = await suite.place.open();
    assert.equal(await reopened.workflows.countDelivery(delivery, 'broken', 2), 4);
    await reopened.close();
    await suite.workflows.clearDelivery(delivery);
    assert.equal(await count({}), 1);
    assert.equal(await count({ offset: 8 }), 2);
  });

  test('a dead letter is kept once for its place and row, the newest is listed first', async () => {
    const topic = suite.fresh('topic');
    const letter: DeadLetterDocument = { topic, partition: 0, offset: 5, group: 'sink', code: 'row_refused', cause: 'bad price', at: 1 };
    const rowLetter = { ...letter, row: 3, queue_id: suite.fresh('wf') };

    await suite.workflows.putDeadLetters([letter, rowLetter]);
    await suite.workflows.putDeadLetters([
      { ...letter, cause: 'again', at: 2 },
      { ...letter, group: 'aggregate' },
    ]);
    await suite.workflows.putDeadLetters([]);

    const list = await suite.workflows.listDeadLetters({ topic });
    assert.deepEqual(list, [{ ...letter, group: 'aggregate' }, rowLetter, { ...letter, cause: 'again', at: 2 }]);
    assert.deepEqual(await suite.workflows.listDeadLetters({ queue_id: rowLetter.queue_id }), [rowLetter]);
    assert.deepEqual(await suite.workflows.listDeadLetters({ topic, limit: 1 }), list.slice(0, 1));
    assert.deepEqual(await suite.workflows.listDeadLetters({ topic: suite.fresh('topic') }), []);
  });
}
