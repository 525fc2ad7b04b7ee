import assert from 'node:assert/strict';
import { after } from 'node:test';
import { AppError } from '../../shared/domain/errors.ts';
import type { ArangoOptions } from '../../shared/store/arango/arango-options.ts';
import { type ArangoStores, openArangoStores } from '../../shared/store/arango/open-arango-stores.ts';
import { type ArangoDouble, startArangoDouble } from './arango-double/arango-double.ts';

const PASSWORD = 'geheim-4711';

/** A double for one test file, and the stores that its tests open; all of it ends with the file. */
export interface DoubleServer {
  readonly double: ArangoDouble;
  readonly options: ArangoOptions;
  /** Stores in a fresh database, with short waits. */
  open(over?: Partial<ArangoOptions>): Promise<ArangoStores>;
  /** A request of its own, with the right password. */
  call(method: string, path: string, body?: unknown): Promise<{ readonly status: number; readonly answer: Record<string, unknown> }>;
}

let databases = 0;

export async function startDoubleServer(): Promise<DoubleServer> {
  const double = await startArangoDouble({ password: PASSWORD });
  const opened: ArangoStores[] = [];
  const options = {
    url: double.url,
    database: 'unused',
    user: 'root',
    password: PASSWORD,
    timeoutMs: 20_000,
    retryForMs: 1_000,
    retryWaitMs: 1,
  };
  after(async () => {
    await Promise.all(opened.map((stores) => stores.close()));
    await double.close();
  });
  return {
    double,
    options,
    async open(over = {}) {
      databases += 1;
      const stores = await openArangoStores({ ...options, database: `own-${databases}`, ...over });
      opened.push(stores);
      return stores;
    },
    async call(method, path, body) {
      const headers = { authorization: `Basic ${btoa(`root:${PASSWORD}`)}` };
      const text = typeof body === 'string' ? body : JSON.stringify(body);
      const response = await fetch(double.url + path, { method, headers, ...(body === undefined ? {} : { body: text }) });
      return { status: response.status, answer: (await response.json()) as Record<string, unknown> };
    },
  };
}

/** What a call to the double's stores rejects with, checked for its code; the password never stands in it. */
export async function failureOf(call: Promise<unknown>, code: AppError['code']): Promise<AppError> {
  const error = await call.then(
    () => assert.fail('it went through'),
    (reason: unknown) => reason,
  );
  assert.ok(error instanceof AppError, String(error));
  assert.equal(error.code, code, error.message);
  assert.ok(!JSON.stringify([error.message, error.context]).includes(PASSWORD));
  return error;
}
