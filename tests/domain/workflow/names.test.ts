import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { INTERVALS } from '../../../shared/domain/interval.ts';
import { isTypeProblem, resolveType, WORKFLOW_TYPES } from '../../../shared/domain/workflow/load-type.ts';
import { isQueueId, jobName, QUEUE_ID_LENGTH, queueId, shortIdOf } from '../../../shared/domain/workflow/queue-id.ts';
import { findTarget, TARGETS } from '../../../shared/domain/workflow/targets.ts';

const shortId = fc.stringMatching(/^[a-z0-9]{6}$/);
const symbol = fc.stringMatching(/^[A-Z0-9_.-]{1,40}$/);
const type = fc.constantFrom(...WORKFLOW_TYPES.map(({ name }) => name));
const from = fc.integer({ min: Date.UTC(2010, 0, 1), max: Date.UTC(2099, 0, 1) });

test('the queue id of the contract is built from its parts', () => {
  const parts = { symbol: 'BTCUSDT', type: 'api_candles_5m', from: Date.UTC(2024, 7, 1), shortId: 'a1b2c3' };

  assert.equal(queueId(parts), 'wf-btcusdt-api_candles_5m-20240801-a1b2c3');
  assert.equal(queueId({ ...parts, type: 'api_candles_1M' }), 'wf-btcusdt-api_candles_1mo-20240801-a1b2c3');
  assert.throws(() => queueId({ ...parts, shortId: 'A1B2C3' }), RangeError);
});

test('every queue id with any target behind it is a Kubernetes name of at most 63 characters, and its short id is at its end', () => {
  fc.assert(
    fc.property(symbol, type, from, shortId, (name, kind, start, short) => {
      const id = queueId({ symbol: name, type: kind, from: start, shortId: short });

      assert.ok(id.length <= QUEUE_ID_LENGTH);
      assert.equal(id, id.toLowerCase());
      assert.ok(isQueueId(id), id);
      assert.equal(shortIdOf(id), short);
      for (const { target } of TARGETS) assert.match(jobName(id, target), /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/);
    }),
  );
});

test('two workflows that differ in nothing but their short id have different queue ids, however long their symbol is', () => {
  fc.assert(
    fc.property(symbol, type, from, shortId, shortId, (name, kind, start, one, other) => {
      const ids = [one, other].map((short) => queueId({ symbol: name, type: kind, from: start, shortId: short }));

      assert.equal(new Set(ids).size, new Set([one, other]).size);
    }),
  );
});

test('a caller may bring a queue id of the right form only', () => {
  for (const bad of [
    '',
    'wf',
    'wf-a-b-c',
    'WF-btcusdt-api_trades-20240801-a1b2c3',
    'wf-btcusdt-api_trades-20240801-a1b2c',
    `wf-${'x'.repeat(40)}-t-20240801-a1b2c3`,
  ]) {
    assert.equal(isQueueId(bad), false, bad);
  }
});

test('the table of types has each name once, and every interval of the exchange', () => {
  const names = WORKFLOW_TYPES.map(({ name }) => name);

  assert.equal(new Set(names).size, names.length);
  for (const interval of INTERVALS) {
    assert.deepEqual(resolveType(`api_candles_${interval}`), {
      name: `api_candles_${interval}`,
      does: 'history',
      kind: 'candles',
      interval,
    });
  }
});

test('aliases mean the types that they stand for', () => {
  assert.deepEqual(resolveType('api_candles', '1M'), { name: 'api_candles_1M', does: 'history', kind: 'candles', interval: '1M' });
  for (const later of [
    'ws_trade',
    'orderbook_snapshot',
    'ws_orderbook',
    'ws_depth',
    'ws_candles_1m',
    'realtime_graph',
    'realtime_gnn_infer',
    'graph_metrics_stream',
  ]) {
    const resolved = resolveType(later);
    assert.ok(isTypeProblem(resolved), later);
    assert.equal(resolved.code, 'not_yet_supported', later);
  }
});

test('case 19: an interval or a type that does not exist is invalid, with the list of what is allowed', () => {
  for (const bad of [
    'api_candles_7m',
    'api_candles_1mo',
    'api_candles_',
    'api_candles',
    'API_TRADES',
    'klines',
    '',
    'constructor',
    '__proto__',
  ]) {
    const resolved = resolveType(bad);
    assert.ok(isTypeProblem(resolved), bad);
    assert.equal(resolved.code, 'invalid_request', bad);
    assert.match(resolved.allowed, /api_candles_<interval>/, bad);
  }
});

test('the table of targets has each published name once', () => {
  const names = TARGETS.map(({ target }) => target);

  assert.equal(new Set(names).size, names.length);
  assert.equal(findTarget('arango-connector')?.function, 'sink');
  assert.equal(findTarget('loader-unknown'), undefined);
});
