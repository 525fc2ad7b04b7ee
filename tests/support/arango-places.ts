import { randomBytes } from 'node:crypto';
import type { ArangoOptions } from '../../shared/store/arango/arango-options.ts';
import { openArangoStores } from '../../shared/store/arango/open-arango-stores.ts';
import type { Place, Stores, StoresFactory } from '../conformance/stores.ts';
import { type ArangoDouble, startArangoDouble } from './arango-double/arango-double.ts';

const PASSWORD = 'Pässwörd:ß€';

let double: Promise<ArangoDouble> | undefined;
let places = 0;

/** For child processes, which get this module's address: the stores of a database. */
export function openStores(location: string): Promise<Stores> {
  return openArangoStores(JSON.parse(location) as ArangoOptions);
}

/** A fresh database of a double that lives while a place needs it. */
export async function doublePlace(): Promise<Place<Stores>> {
  places += 1;
  double ??= startArangoDouble({ user: 'streamforge', password: PASSWORD });
  const { url } = await double;
  return placeIn({ url, user: 'streamforge', password: PASSWORD }, async () => {
    places -= 1;
    if (places > 0) return;
    const started = double;
    double = undefined;
    await (await started)?.close();
  });
}

/** A fresh database of the server that `ARANGO_URL` names, dropped afterwards; undefined where it is not set. */
export const serverPlace: StoresFactory | undefined =
  process.env.ARANGO_URL === undefined
    ? undefined
    : () =>
        placeIn(
          {
            url: process.env.ARANGO_URL as string,
            user: process.env.ARANGO_USER ?? 'root',
            password: process.env.ARANGO_PASSWORD ?? '',
          },
          async () => undefined,
        );

async function placeIn(server: Omit<ArangoOptions, 'database'>, left: () => Promise<void>): Promise<Place<Stores>> {
  const options = { ...server, database: `test-${randomBytes(6).toString('hex')}` };
  const location = JSON.stringify(options);
  const opened: Stores[] = [];
  return {
    opener: import.meta.url,
    location,
    async open() {
      const stores = await openStores(location);
      opened.push(stores);
      return stores;
    },
    async remove() {
      await Promise.all(opened.map((stores) => stores.close()));
      await dropDatabase(options);
      await left();
    },
  };
}

async function dropDatabase({ url, database, user, password }: ArangoOptions): Promise<void> {
  const authorization = `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`;
  const response = await fetch(new URL(`/_db/_system/_api/database/${database}`, url), { method: 'DELETE', headers: { authorization } });
  if (!response.ok && response.status !== 404) throw new Error(`${database} was not dropped: ${await response.text()}`);
}
