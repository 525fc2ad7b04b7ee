import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { FUNCTIONS } from '../../shared/cli/functions.ts';
import { TOPICS } from '../../shared/events/topics.ts';
import { accessRights } from '../../shared/runtime/access-rights.ts';

const rights = accessRights(FUNCTIONS);
const namesOf = (principal: string, resource: string, operation: string): string[] =>
  rights
    .filter((right) => right.principal === principal && right.resource === resource && right.operation === operation)
    .map(({ name }) => name);

describe('the rights of the functions', () => {
  test('are what fetch reads and sends, its dead letters, and nothing else', () => {
    assert.deepEqual(namesOf('fetch', 'group', 'read'), ['fetch-binance']);
    assert.deepEqual(namesOf('fetch', 'topic', 'read'), ['queue-control.fetch.binance']);
    assert.deepEqual(namesOf('fetch', 'topic', 'write'), [
      'market.agg-trades',
      'market.agg-trades.history',
      'market.candles',
      'market.candles.history',
      'market.trades',
      'market.trades.history',
      'queue-control.fetch.binance.dlq',
      'queue-events',
    ]);
  });

  test('let nobody but workflows command: no other function writes to a control topic', () => {
    const commanders = rights.filter(
      ({ name, operation }) => operation === 'write' && name.startsWith('queue-control') && !name.endsWith('.dlq'),
    );

    assert.deepEqual([...new Set(commanders.map(({ principal }) => principal))], ['workflows']);
  });

  test('name declared topics alone, and a function without a log has none', () => {
    const declared = new Set(TOPICS.map(({ name }) => name));

    assert.deepEqual(
      rights.filter(({ resource, name }) => resource === 'topic' && !declared.has(name)),
      [],
    );
    assert.deepEqual(
      rights.filter(({ principal }) => principal === 'stats'),
      [],
    );
  });
});
