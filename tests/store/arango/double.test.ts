import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { startDoubleServer } from '../../support/arango-server.ts';

const server = await startDoubleServer();
const { call, double } = server;
await server.open({ database: 'd' });

/** Status and number of what a call is refused with. */
const refused = async (method: string, path: string, body?: unknown) => {
  const { status, answer } = await call(method, path, body);
  assert.equal(answer.error, true, JSON.stringify(answer));
  return [status, answer.errorNum];
};
const VERSION = 'FOR entry IN schema_version FILTER entry._key == "store" RETURN entry.version';
const LIST = 'FOR entry IN series SORT entry.series RETURN entry.series';
const FIND = 'FOR entry IN series FILTER entry._key == @key RETURN entry.series';

test('answers what ArangoDB documents, and refuses other paths, methods, parameters and attributes', async () => {
  assert.equal((await call('GET', '/_api/version')).answer.server, 'arango');
  assert.deepEqual(await refused('GET', '/_api/nothing'), [404, 404]);
  assert.deepEqual(await refused('PUT', '/_db/d/_api/cursor', {}), [404, 404]);
  assert.deepEqual(await refused('GET', '/_db/nobody/_api/version'), [404, 1228]);
  assert.deepEqual(await refused('GET', '/_api/version?verbose=true'), [400, 400]);
  assert.deepEqual(await refused('POST', '/_db/d/_api/cursor', { query: VERSION, timeout: 1 }), [400, 400]);
  assert.deepEqual(await refused('POST', '/_db/d/_api/cursor', { query: VERSION, options: { streaming: true } }), [400, 400]);
  assert.deepEqual(await refused('POST', '/_db/d/_api/cursor', { query: VERSION, batchSize: 0 }), [400, 400]);
  assert.deepEqual(await refused('POST', '/_db/d/_api/cursor', '{'), [400, 600]);
  assert.deepEqual(await refused('POST', '/_db/d/_api/collection', { name: 'x', kind: 3 }), [400, 400]);
  assert.deepEqual(await refused('POST', '/_db/d/_api/collection', { name: 'candles' }), [409, 1207]);
  assert.deepEqual(await refused('POST', '/_db/d/_api/index?collection=nobody', { type: 'persistent', fields: ['a'] }), [404, 1203]);
  assert.deepEqual(await refused('POST', '/_api/database', { name: 'd' }), [409, 1207]);
});

test('knows a query by its text, white space aside, and takes exactly its bind parameters', async () => {
  const ask = (query: string, bindVars = {}) => call('POST', '/_db/d/_api/cursor', { query, bindVars });

  assert.deepEqual((await ask(VERSION.replaceAll(' ', '\n  '))).answer.result, [1]);
  for (const query of [`${VERSION} `.replace('RETURN', 'LIMIT 1 RETURN'), 'RETURN 1'])
    assert.deepEqual(await refused('POST', '/_db/d/_api/cursor', { query }), [400, 1501]);
  assert.deepEqual(await refused('POST', '/_db/d/_api/cursor', { query: FIND }), [400, 1551]);
  assert.deepEqual(await refused('POST', '/_db/d/_api/cursor', { query: FIND, bindVars: { key: 'a', other: 1 } }), [400, 1552]);
  assert.deepEqual(await refused('POST', '/_db/d/_api/cursor', { query: FIND, bindVars: { key: 1 } }), [400, 1553]);
  assert.deepEqual((await ask(FIND, { key: 'a' })).answer.result, []);
});

test('a result larger than its batch comes by a cursor, which ends with it, by hand, or with its time to live', async () => {
  const lines = ['a', 'b', 'c'].map((name) => JSON.stringify({ _key: name, series: name })).join('\n');
  await call('POST', '/_db/d/_api/import?collection=series&type=documents', lines);
  const open = async (ttl = 30) => (await call('POST', '/_db/d/_api/cursor', { query: LIST, batchSize: 1, ttl })).answer;
  const next = (id: unknown) => call('POST', `/_db/d/_api/cursor/${id}`);

  const { id, result, hasMore } = await open();
  assert.deepEqual([result, hasMore], [['a'], true]);
  assert.deepEqual((await next(id)).answer.result, ['b']);
  assert.deepEqual([(await next(id)).answer].map((last) => [last.result, last.hasMore, last.id])[0], [['c'], false, undefined]);
  assert.deepEqual(await refused('POST', `/_db/d/_api/cursor/${id}`), [404, 1600]);
  const stopped = (await open()).id;
  assert.equal((await call('DELETE', `/_db/d/_api/cursor/${stopped}`)).status, 202);
  assert.deepEqual(await refused('POST', `/_db/d/_api/cursor/${stopped}`), [404, 1600]);
  const short = (await open(1e-9)).id;
  assert.deepEqual(await refused('POST', `/_db/d/_api/cursor/${short}`), [404, 1600]);
});

test('an import creates, ignores, replaces or counts an error, as it is told, and keys are checked', async () => {
  const put = (onDuplicate: string, ...documents: readonly object[]) =>
    call(
      'POST',
      `/_db/d/_api/import?collection=gaps&type=documents&details=true&onDuplicate=${onDuplicate}`,
      documents.map((one) => JSON.stringify(one)).join('\n'),
    );

  const first = await put('error', { _key: 'x', a: 1 }, { _key: 'x', a: 2 });
  assert.partialDeepStrictEqual(first.answer, { created: 1, errors: 1, empty: 0, updated: 0, ignored: 0 });
  assert.match(String((first.answer.details as string[])[0]), /unique constraint violated/);
  assert.partialDeepStrictEqual((await put('ignore', { _key: 'x' }, { _key: 'y' })).answer, { created: 1, errors: 0, ignored: 1 });
  assert.partialDeepStrictEqual((await put('replace', { _key: 'x' })).answer, { created: 0, updated: 1 });
  assert.equal((await put('error', { _key: 'a b' })).answer.errorNum, 1221);
  assert.deepEqual(await refused('POST', '/_db/d/_api/import?collection=gaps&type=documents&onduplicate=ignore', '{}'), [400, 400]);
  assert.deepEqual(await refused('POST', '/_db/d/_api/import?collection=mg_next&type=documents', '{"_key":"e"}'), [400, 1233]);
});

test('refuses a wrong password, and a revision that is not the stored one', async () => {
  const response = await fetch(`${double.url}/_api/version`, { headers: { authorization: `Basic ${btoa('root:wrong')}` } });
  assert.deepEqual([response.status, ((await response.json()) as { errorNum: number }).errorNum], [401, 11]);

  const other = await server.open({ database: 'd' });
  const { workflows } = await server.open({ database: 'd' });
  const document = { queue_id: 'q', rev: 0, status: 'pending', attempt: 1, symbols: [], types: [], request_hash: 'h' } as const;
  const change = { document: { ...document, created_at: 1, updated_at: 1, state: null, outbox: [] }, shards: [], events: [] };
  await workflows.insertPending(change.document);
  const raced = { ...change, document: { ...change.document, rev: 1 } };
  assert.deepEqual((await Promise.all([workflows, other.workflows].map((store) => store.commitChanges([raced])))).toSorted(), [
    false,
    true,
  ]);
});

test('runs as a process of its own, tells its address, and ends when asked', async () => {
  const file = fileURLToPath(new URL('../../support/arango-double/main.ts', import.meta.url));
  const env = { ...process.env, ARANGO_USER: 'u', ARANGO_PASSWORD: 'p' };
  const child = spawn(process.execPath, [file], { env, stdio: ['ignore', 'pipe', 'inherit'] });
  const [line] = (await once(createInterface({ input: child.stdout }), 'line')) as [string];
  const { url } = JSON.parse(line) as { readonly url: string };

  const stores = await server.open({ url, user: 'u', password: 'p', database: 'alone' });
  assert.deepEqual(await stores.market.listSeries(), []);
  await stores.close();
  child.kill('SIGTERM');

  assert.deepEqual(await once(child, 'exit'), [0, null]);
});
