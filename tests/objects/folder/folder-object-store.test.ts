import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readdir, readFile, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { FolderObjectStore } from '../../../shared/objects/folder/folder-object-store.ts';

let root = '';
let folders = 0;
const freshDir = (): string => join(root, `objects-${++folders}`);
const body = new TextEncoder().encode('{"a":1}');

before(async () => {
  root = await mkdtemp(join(tmpdir(), 'streamforge-folder-'));
});
after(() => rm(root, { recursive: true, force: true }));

test('an object is a plain file under its key, and no temporary file stays', async () => {
  const dir = freshDir();
  const objects = new FolderObjectStore({ dir });

  await objects.put('models/m1/card.json', body);
  await objects.put('models/m1/card.json', body, { ifAbsent: true });

  assert.equal(await readFile(join(dir, 'models', 'm1', 'card.json'), 'utf8'), '{"a":1}');
  assert.deepEqual(await readdir(join(dir, '~incoming')), []);
});

test('a folder that is not there yet has no objects, and reading does not make it', async () => {
  const dir = freshDir();
  const objects = new FolderObjectStore({ dir });

  assert.deepEqual(await objects.list(''), []);
  assert.equal(await objects.has('a'), false);
  await assert.rejects(objects.get('a'), { code: 'not_found' });
  await assert.rejects(readdir(dir), { code: 'ENOENT' });
});

test('case 71: what a crash left half written is no object, and is cleared away once it is old', async () => {
  const dir = freshDir();
  const incoming = join(dir, '~incoming');
  await mkdir(incoming, { recursive: true });
  await writeFile(join(incoming, 'old'), 'half');
  await writeFile(join(incoming, 'young'), 'half');
  await utimes(join(incoming, 'old'), 1, 1);
  const objects = new FolderObjectStore({ dir });

  assert.deepEqual(await objects.list(''), []);
  await objects.put('a', body);

  assert.deepEqual(await objects.list(''), ['a']);
  assert.deepEqual(await readdir(incoming), ['young']);
});

test('a key that is the folder of others, or lies below an object, is refused', async () => {
  const objects = new FolderObjectStore({ dir: freshDir() });
  await objects.put('models/m1/card.json', body);

  for (const options of [{}, { ifAbsent: true }]) {
    await assert.rejects(objects.put('models/m1', body, options), { code: 'invalid_request' });
    await assert.rejects(objects.put('models/m1/card.json/x', body, options), { code: 'invalid_request' });
  }
  assert.deepEqual(await objects.list(''), ['models/m1/card.json']);
});

test('a store that cannot be written to is store_unavailable, with the cause', async () => {
  const dir = freshDir();
  await writeFile(dir, 'a file where the folder should be');

  await assert.rejects(
    new FolderObjectStore({ dir: join(dir, 'below') }).put('a', body),
    (error: { code: string; cause: { code: string } }) => {
      assert.equal(error.code, 'store_unavailable');
      assert.equal(error.cause.code, 'ENOTDIR');
      return true;
    },
  );
});
