import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import type { ObjectStore } from '../../shared/objects/object-store.ts';
import { killMidWrite } from '../support/kill-mid-write.ts';
import type { ObjectsFactory, Place } from './stores.ts';

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

/** The promises of `ObjectStore`, to be kept by every adapter alike. */
export function describeObjectStore(factory: ObjectsFactory): void {
  describe('ObjectStore', () => {
    let place: Place<ObjectStore>;
    let objects: ObjectStore;
    let names = 0;
    const fresh = (): string => `t${process.pid}-${++names}`;

    before(async () => {
      place = await factory();
      objects = await place.open();
    });
    after(() => place.remove());

    test('an object comes back byte for byte, also an empty one, also for another process', async () => {
      const other = await place.open();
      const all = Uint8Array.from({ length: 70_000 }, (_, i) => i % 256);
      const key = `${fresh()}/weights.bin`;

      assert.equal(await objects.put(key, all), 'written');
      assert.equal(await objects.put(`${key}.empty`, new Uint8Array(0)), 'written');
      assert.equal(await objects.put(`${key}.part`, all.subarray(10, 20)), 'written');

      assert.deepEqual(await other.get(key), all);
      assert.deepEqual(await objects.get(`${key}.empty`), new Uint8Array(0));
      assert.deepEqual(await objects.get(`${key}.part`), all.slice(10, 20));
      await other.close();
    });

    test('an object that is not there is not_found, and a deleted one is not there', async () => {
      const key = `${fresh()}/card.json`;

      await assert.rejects(objects.get(key), { code: 'not_found' });
      await assert.rejects(objects.get(`${key}/deeper`), { code: 'not_found' });
      assert.equal(await objects.has(key), false);
      await objects.put(key, bytes('{}'));
      assert.equal(await objects.has(key), true);
      await objects.delete(key);
      await objects.delete(key);
      assert.equal(await objects.has(key), false);
      await assert.rejects(objects.get(key), { code: 'not_found' });
      assert.deepEqual(await objects.list(key), []);
    });

    test('a put replaces an object; one with ifAbsent leaves it as it is', async () => {
      const key = fresh();

      assert.equal(await objects.put(key, bytes('one')), 'written');
      assert.equal(await objects.put(key, bytes('two'), { ifAbsent: true }), 'exists');
      assert.deepEqual(await objects.get(key), bytes('one'));
      assert.equal(await objects.put(key, bytes('two')), 'written');
      assert.deepEqual(await objects.get(key), bytes('two'));
    });

    test('of many puts with ifAbsent at once, also from two processes, one is stored whole', async () => {
      const other = await place.open();
      const key = `${fresh()}/card.json`;
      const bodies = Array.from({ length: 12 }, (_, i) => new Uint8Array(50_000).fill(i));

      const outcomes = await Promise.all(bodies.map((body, i) => (i % 2 === 0 ? objects : other).put(key, body, { ifAbsent: true })));

      assert.deepEqual(outcomes.toSorted(), [...Array(11).fill('exists'), 'written']);
      assert.deepEqual(await objects.get(key), bodies[outcomes.indexOf('written')]);
      await other.close();
    });

    test('keys are listed by prefix, sorted, none but objects', async () => {
      const root = fresh();
      const keys = ['b/x', 'a', 'b/y/z', 'b-c', 'B'].map((name) => `${root}/${name}`);
      for (const key of keys) await objects.put(key, bytes(key));

      assert.deepEqual(await objects.list(`${root}/`), keys.toSorted());
      assert.deepEqual(await objects.list(`${root}/b`), [`${root}/b-c`, `${root}/b/x`, `${root}/b/y/z`]);
      assert.deepEqual(await objects.list(`${root}/b/`), [`${root}/b/x`, `${root}/b/y/z`]);
      assert.deepEqual(await objects.list(`${root}/none/`), []);
      const everything = await objects.list('');
      assert.ok(keys.every((key) => everything.includes(key)));
    });

    test('keys that could leave their place are refused', async () => {
      for (const key of [
        '',
        '/',
        '/etc/passwd',
        '../x',
        'a/../b',
        'a/..',
        'a/./b',
        '.',
        '..',
        'a//b',
        'a/',
        'a\\b',
        'ä',
        'a b',
        '~incoming/x',
        'a\0b',
      ]) {
        await assert.rejects(objects.put(key, bytes('x')), { code: 'invalid_request' }, JSON.stringify(key));
        await assert.rejects(objects.get(key), { code: 'invalid_request' }, JSON.stringify(key));
        await assert.rejects(objects.has(key), { code: 'invalid_request' }, JSON.stringify(key));
        await assert.rejects(objects.delete(key), { code: 'invalid_request' }, JSON.stringify(key));
      }
      await assert.rejects(objects.list('../'), { code: 'invalid_request' });
    });

    test('an aborted put leaves the object as it was, an aborted get rejects with the reason', async () => {
      const key = fresh();
      const reason = new Error('stopped');
      await objects.put(key, bytes('one'));

      await assert.rejects(objects.put(key, bytes('two'), { signal: AbortSignal.abort(reason) }), reason);
      await assert.rejects(objects.get(key, { signal: AbortSignal.abort(reason) }), reason);

      assert.deepEqual(await objects.get(key), bytes('one'));
    });

    test('a reader beside a writer sees the old object or the new one, never a half', async () => {
      const key = `${fresh()}/weights.bin`;
      const reader = await place.open();
      const size = 8_000_000;
      let writing = true;
      await objects.put(key, new Uint8Array(size));

      const writes = (async () => {
        for (let version = 1; version <= 6; version += 1) await objects.put(key, new Uint8Array(size).fill(version));
        writing = false;
      })();
      while (writing) {
        const body = await reader.get(key);
        assert.equal(body.length, size);
        assert.equal(body[0], body[size - 1]);
      }

      await writes;
      assert.equal((await reader.get(key))[0], 6);
      await reader.close();
    });

    for (const acknowledgements of [1, 12]) {
      test(`case 71: killed (SIGKILL) among puts after ${acknowledgements} acknowledged ones, every object is whole, every acknowledged one there`, async () => {
        const own = await factory();

        const told = await killMidWrite('write-objects.ts', own, acknowledgements);

        const reopened = await own.open();
        const keys = await reopened.list('');
        assert.ok(told.every((key) => keys.includes(key)));
        for (const key of keys) {
          const body = await reopened.get(key);
          assert.equal(body.length, 3_000_000, key);
          assert.equal(
            createHash('sha256').update(body.subarray(32)).digest('hex'),
            Buffer.from(body.subarray(0, 32)).toString('hex'),
            key,
          );
        }
        assert.equal(await reopened.put(told[0] as string, bytes('new')), 'written');
        await own.remove();
      });
    }

    test('a closed store answers store_unavailable', async () => {
      const closed = await place.open();

      await closed.close();

      await assert.rejects(closed.has('a'), { code: 'store_unavailable' });
    });
  });
}
