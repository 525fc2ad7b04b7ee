import { randomUUID } from 'node:crypto';
import { link, mkdir, open, readdir, readFile, rename, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { AppError } from '../../domain/errors.ts';
import { segmentsOf } from '../object-key.ts';
import type { ObjectStore } from '../object-store.ts';

/** Where objects grow until they are whole. No key reaches it: `~` is not a character of keys. */
const INCOMING = '~incoming';
/** A temporary file this old was left by a crash: nothing takes so long to write. */
const LEFTOVER_AGE_MS = 3_600_000;

/**
 * Objects as files of a folder. A put writes to a temporary name, syncs, and takes its name in one step: after a crash at any moment an object is
 * there whole or not at all. One key cannot be an object and the folder of others (`invalid_request`).
 */
export class FolderObjectStore implements ObjectStore {
  readonly #dir: string;
  #closed = false;
  #prepared = false;

  constructor({ dir }: { readonly dir: string }) {
    this.#dir = dir;
  }

  async put(
    key: string,
    body: Uint8Array,
    { ifAbsent = false, signal }: { readonly ifAbsent?: boolean; readonly signal?: AbortSignal } = {},
  ): Promise<'written' | 'exists'> {
    const target = join(this.#dir, ...segmentsOf(key));
    return this.#attempt(`writing the object ${key}`, async () => {
      signal?.throwIfAborted();
      if (ifAbsent && (await isFile(target))) return 'exists';
      await this.#prepare();
      const temporary = join(this.#dir, INCOMING, randomUUID());
      try {
        await writeSynced(temporary, body);
        signal?.throwIfAborted();
        return await place(temporary, target, ifAbsent);
      } catch (error) {
        if (!NAME_TAKEN.has(systemCode(error))) throw error;
        throw new AppError(
          'invalid_request',
          `The object ${key} cannot be written: its name, or one above it, is taken by others.`,
          { key },
          error,
        );
      } finally {
        await rm(temporary, { force: true });
      }
    });
  }

  async get(key: string, { signal }: { readonly signal?: AbortSignal } = {}): Promise<Uint8Array> {
    const file = join(this.#dir, ...segmentsOf(key));
    return this.#attempt(`reading the object ${key}`, async () => {
      signal?.throwIfAborted();
      try {
        const bytes = await readFile(file, signal === undefined ? {} : { signal });
        return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
      } catch (error) {
        signal?.throwIfAborted();
        if (!NOT_THERE.has(systemCode(error))) throw error;
        throw new AppError('not_found', `There is no object ${key}.`, { key }, error);
      }
    });
  }

  async has(key: string): Promise<boolean> {
    const file = join(this.#dir, ...segmentsOf(key));
    return this.#attempt(`looking for the object ${key}`, () => isFile(file));
  }

  async list(prefix: string): Promise<readonly string[]> {
    const folder = prefix.includes('/') ? segmentsOf(prefix.slice(0, prefix.lastIndexOf('/'))) : [];
    return this.#attempt(`listing the objects under ${prefix}`, async () => {
      const keys = await this.#keysIn(folder);
      return keys.filter((key) => key.startsWith(prefix)).sort();
    });
  }

  async delete(key: string): Promise<void> {
    const file = join(this.#dir, ...segmentsOf(key));
    await this.#attempt(`deleting the object ${key}`, async () => {
      if (!(await isFile(file))) return;
      await rm(file, { force: true });
      await syncFolder(dirname(file));
    });
  }

  async close(): Promise<void> {
    this.#closed = true;
  }

  /** Keys below a folder, in any order. */
  async #keysIn(segments: readonly string[]): Promise<string[]> {
    const entries = await readdir(join(this.#dir, ...segments), { withFileTypes: true }).catch((error: unknown) => {
      if (NOT_THERE.has(systemCode(error))) return [];
      throw error;
    });
    const keys: string[] = [];
    for (const entry of entries) {
      if (entry.name === INCOMING) continue;
      const own = [...segments, entry.name];
      if (entry.isDirectory()) keys.push(...(await this.#keysIn(own)));
      else if (entry.isFile()) keys.push(own.join('/'));
    }
    return keys;
  }

  /** Makes the folder for temporary files and clears what crashes left there. */
  async #prepare(): Promise<void> {
    if (this.#prepared) return;
    const incoming = join(this.#dir, INCOMING);
    await makeFolder(incoming);
    for (const name of await readdir(incoming)) {
      const file = join(incoming, name);
      const { mtimeMs } = await stat(file).catch(() => ({ mtimeMs: Number.POSITIVE_INFINITY })); // gone: its own put removed it
      if (mtimeMs < Date.now() - LEFTOVER_AGE_MS) await rm(file, { force: true });
    }
    this.#prepared = true;
  }

  async #attempt<Result>(doing: string, act: () => Promise<Result>): Promise<Result> {
    if (this.#closed) throw new AppError('store_unavailable', `The object store in ${this.#dir} is closed (${doing}).`);
    try {
      return await act();
    } catch (error) {
      if (error instanceof AppError || systemCode(error) === '') throw error;
      const code = FULL_DISK.has(systemCode(error)) ? 'storage_full' : 'store_unavailable';
      throw new AppError(code, `${doing} in ${this.#dir}: ${(error as Error).message}`, {}, error);
    }
  }
}

const NOT_THERE = new Set(['ENOENT', 'ENOTDIR', 'EISDIR']);
const FULL_DISK = new Set(['ENOSPC', 'EDQUOT']);
/** A folder where the object should be, or an object where its folder should be. */
const NAME_TAKEN = new Set(['EEXIST', 'EISDIR', 'ENOTDIR', 'ENOTEMPTY']);

/** `ENOENT` and the like; empty for an error of another kind. */
function systemCode(error: unknown): string {
  return error instanceof Error && 'syscall' in error && 'code' in error ? String(error.code) : '';
}

async function isFile(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isFile();
  } catch (error) {
    if (NOT_THERE.has(systemCode(error))) return false;
    throw error;
  }
}

async function writeSynced(path: string, body: Uint8Array): Promise<void> {
  const file = await open(path, 'wx');
  try {
    await file.writeFile(body);
    await file.sync();
  } finally {
    await file.close();
  }
}

/** Gives a temporary file its name. A link never takes the name of an object that is there, as a rename would. */
async function place(temporary: string, target: string, ifAbsent: boolean): Promise<'written' | 'exists'> {
  await makeFolder(dirname(target));
  try {
    await (ifAbsent ? link(temporary, target) : rename(temporary, target));
  } catch (error) {
    if (ifAbsent && (await isFile(target))) return 'exists';
    throw error;
  }
  await syncFolder(dirname(target));
  return 'written';
}

/** Makes a folder and those above it; their names are on the disk when it returns. */
async function makeFolder(path: string): Promise<void> {
  const first = await mkdir(path, { recursive: true });
  if (first === undefined) return;
  for (let made = path; made.length >= first.length; made = dirname(made)) await syncFolder(dirname(made));
}

/** Puts a folder's names on the disk. Windows has no such call; its file system keeps a log of names. */
async function syncFolder(path: string): Promise<void> {
  if (process.platform === 'win32') return;
  const folder = await open(path, 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}
