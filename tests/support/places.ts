import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { FolderObjectStore } from '../../shared/objects/folder/folder-object-store.ts';
import type { ObjectStore } from '../../shared/objects/object-store.ts';
import { openSqliteStore } from '../../shared/store/sqlite/open-sqlite-store.ts';
import type { Place, Stores } from '../conformance/stores.ts';

/** For child processes, which get this module's address: the stores of a folder. */
export function openStores(location: string): Promise<Stores> {
  return openSqliteStore({ dir: location });
}

/** For child processes: the objects of a folder. */
export async function openObjects(location: string): Promise<ObjectStore> {
  return new FolderObjectStore({ dir: location });
}

export const sqlitePlace = (): Promise<Place<Stores>> => placeFor(openStores);
export const folderPlace = (): Promise<Place<ObjectStore>> => placeFor(openObjects);

async function placeFor<Opened extends { close(): Promise<void> }>(open: (location: string) => Promise<Opened>): Promise<Place<Opened>> {
  const location = await mkdtemp(join(tmpdir(), 'streamforge-place-'));
  const opened: Opened[] = [];
  return {
    opener: import.meta.url,
    location,
    async open() {
      const store = await open(location);
      opened.push(store);
      return store;
    },
    async remove() {
      await Promise.all(opened.map((store) => store.close()));
      await rm(location, { recursive: true, force: true });
    },
  };
}
