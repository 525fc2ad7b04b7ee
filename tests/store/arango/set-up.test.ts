import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseSeriesId } from '../../../shared/domain/series.ts';
import { startDoubleServer } from '../../support/arango-server.ts';
import { aMinute } from '../../support/written.ts';

const series = parseSeriesId('binance:BTCUSDT:candles:1m');
const server = await startDoubleServer();
const { double } = server;

/** Calls that make or change something, but for queries. */
const changes = () => double.requests.filter(({ method, path }) => method !== 'GET' && !path.startsWith('/_api/cursor'));

test('a database that is ready is opened by one question, and nothing is made anew', async () => {
  const first = await server.open({ database: 'twice' });
  await first.market.upsertRows(series, [aMinute(0)], { origin: 'rest', received_at: 1 });
  double.forgetRequests();

  const second = await server.open({ database: 'twice' });

  assert.deepEqual(double.requests.length, 1);
  assert.equal(await second.market.countRows(series), 1);
});

test('processes that open a fresh database at once all get it ready', async () => {
  const opened = await Promise.all(Array.from({ length: 4 }, () => server.open({ database: 'at-once' })));

  for (const [i, { market }] of opened.entries())
    assert.equal((await market.upsertRows(series, [aMinute(i)], { origin: 'rest', received_at: 1 })).written, 1);
  assert.equal(await opened[0]?.market.countRows(series), 4);
});

test('a set-up that was cut short is completed by the next', async () => {
  double.fault({ match: { method: 'POST', path: '/_api/gharial' }, status: 500, errorNum: 4, errorMessage: 'internal error' });
  await assert.rejects(server.open({ database: 'half' }), { code: 'store_unavailable' });
  double.forgetRequests();

  const { graphs } = await server.open({ database: 'half' });

  assert.ok(changes().length > 30, 'everything is asked for again');
  assert.deepEqual(await graphs.sources('g', 1, 2), []);
});

test('collections, indexes and the named graph are those of the contract', async () => {
  double.forgetRequests();
  await server.open({ database: 'fresh' });

  const made = (path: string) => double.requests.filter((request) => request.method === 'POST' && request.path === path).length;
  const names = [
    ...[
      'candles',
      'trades',
      'agg_trades',
      'quotes',
      'depth',
      'tickers',
      'latest_quotes',
      'latest_tickers',
      'coverage',
      'coverage_evidence',
    ],
    ...[
      'workflows',
      'workflow_shards',
      'workflow_events',
      'collections',
      'streams',
      'gaps',
      'dead_letters',
      'deliveries',
      'request_budget',
    ],
    ...['claims', 'mg_graphs', 'mg_nodes', 'mg_next', 'mg_visible', 'mg_corr', 'mg_leads', 'gnn_models', 'gnn_active'],
  ];
  for (const name of names) {
    const again = await server.call('POST', '/_db/fresh/_api/collection', { name });
    assert.deepEqual([again.status, again.answer.errorNum], [409, 1207], name);
  }
  assert.equal((await server.call('POST', '/_db/fresh/_api/gharial', { name: 'market' })).answer.errorNum, 1925);
  assert.ok(made('/_api/index') > 20);
});

test('a database lies in one shard, so that a statement over several collections is all or none in a cluster too', async () => {
  double.forgetRequests();
  await server.open({ database: 'one-shard' });

  const made = double.requests.filter(({ method, path }) => method === 'POST' && path === '/_api/database').map((request) => request.made);
  assert.deepEqual(made, [{ name: 'one-shard', options: { sharding: 'single' } }]);
});

test('indexes are unique where two may not have one value, sparse where a document may have none', async () => {
  double.forgetRequests();
  await server.open({ database: 'indexed' });

  const made = double.requests.filter(({ path }) => path === '/_api/index').map((request) => request.made as { unique?: boolean });
  const unique = made.filter((index) => index.unique === true);
  assert.deepEqual(unique, [{ type: 'persistent', fields: ['idempotency_key'], unique: true, sparse: true }]);
});

test('a database of a newer schema is refused and left as it is', async () => {
  await server.open({ database: 'newer' });
  const search = '?collection=schema_version&type=documents&onDuplicate=replace';
  await server.call('POST', `/_db/newer/_api/import${search}`, '{"_key":"store","version":999}');
  double.forgetRequests();

  await assert.rejects(server.open({ database: 'newer' }), (error: { code: string; context: object }) => {
    assert.equal(error.code, 'invalid_setting');
    assert.partialDeepStrictEqual(error.context, { version: 999, supported: 1, database: 'newer' });
    return true;
  });

  assert.deepEqual(changes(), []);
});
