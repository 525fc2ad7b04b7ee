import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { deadLetterTopic, fetchTopic, historyTopic, isDeadLetterTopic, rowsTopic, TOPICS } from '../../shared/events/topics.ts';

const DAY_MS = 86_400_000;
const plain = TOPICS.filter(({ name }) => !isDeadLetterTopic(name));

describe('the topics', () => {
  it('are those of the contract, with their partitions and days', () => {
    const table = plain.map(({ name, partitions, retentionMs }) => `${name} ${partitions} ${retentionMs / DAY_MS}`);

    assert.deepEqual(table.sort(), [
      'market.agg-trades 12 7',
      'market.agg-trades.history 12 7',
      'market.candles 12 7',
      'market.candles.history 12 7',
      'market.depth 12 7',
      'market.quotes 12 7',
      'market.tickers 12 7',
      'market.trades 12 7',
      'market.trades.history 12 7',
      'queue-control 1 7',
      'queue-control.build-graph 3 7',
      'queue-control.fetch.binance 12 7',
      'queue-control.fetch.bitmex 12 7',
      'queue-control.train 3 7',
      'queue-events 12 30',
    ]);
  });

  it('have a dead-letter topic each, of as many partitions, kept for 30 days', () => {
    for (const { name, partitions } of plain) {
      assert.deepEqual(
        TOPICS.filter((topic) => topic.name === deadLetterTopic(name)),
        [{ name: `${name}.dlq`, partitions, retentionMs: 30 * DAY_MS }],
      );
    }
    assert.equal(TOPICS.length, plain.length * 2);
  });

  it('keep the past apart from the present', () => {
    assert.equal(rowsTopic('candles', 'rest'), 'market.candles.history');
    assert.equal(rowsTopic('trades', 'archive'), 'market.trades.history');
    assert.equal(rowsTopic('agg-trades', 'recording'), 'market.agg-trades.history');
    assert.equal(rowsTopic('candles', 'ws'), 'market.candles');
    assert.equal(rowsTopic('bars', 'derived'), 'market.candles');
    assert.equal(rowsTopic('quotes', 'recording'), 'market.quotes');
    assert.equal(historyTopic('bars'), 'market.candles.history');
  });

  it('of shards are one an exchange', () => {
    assert.equal(fetchTopic('binance'), 'queue-control.fetch.binance');
  });
});
