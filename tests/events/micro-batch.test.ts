import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { AppError } from '../../shared/domain/errors.ts';
import type { Depth, Trade } from '../../shared/domain/rows.ts';
import type { Series } from '../../shared/domain/series.ts';
import { fromRecord, toRecord } from '../../shared/events/kafka-codec.ts';
import { MAX_DATA_BYTES, packRows, rowContract } from '../../shared/events/micro-batch.ts';
import { dataBytes } from '../../shared/events/serialised-data.ts';

const trades: Series = { exchange: 'binance', symbol: 'BTCUSDT', kind: 'trades' };
const books: Series = { exchange: 'binance', symbol: 'BTCUSDT', kind: 'depth' };
const from = 1_722_470_400_000;
const provenance = { origin: 'rest', received_at: from + 5_000 } as const;
const meta = { producer: 'fetch' };

const aTrade = (id: number): Trade => ({ id, time: from + id, price: 100.5, quantity: 0.25, side: id % 2 === 0 ? 'buy' : 'sell' });
const someTrades = (length: number): Trade[] => Array.from({ length }, (_, id) => aTrade(id));

/** A snapshot of `levels` levels a side: some 20 bytes a level. */
const aBook = (id: number, levels: number): Depth => {
  const side = Array.from({ length: levels }, (_, level) => [10_000.125 + level, 12.5] as const);
  return { time: from, first_update_id: id, last_update_id: id, snapshot: true, bids: side, asks: side };
};

describe('packed rows', () => {
  it('are all there, in their order, at most 1,000 and 512 KiB an event', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 3_500 }), (count) => {
        const rows = someTrades(count);

        const events = packRows(trades, rows, provenance, meta);

        assert.deepEqual(
          events.flatMap(({ data }) => data.rows),
          rows,
        );
        assert.equal(events.length, Math.ceil(count / 1_000));
        for (const event of events) {
          assert.ok(event.data.rows.length <= 1_000);
          assert.ok(dataBytes(event).byteLength <= MAX_DATA_BYTES);
        }
      }),
      { numRuns: 25 },
    );
  });

  it('are split by size where they are wide', () => {
    const rows = Array.from({ length: 40 }, (_, id) => aBook(id, 1_000));

    const events = packRows(books, rows, { origin: 'ws', received_at: from }, meta);

    assert.ok(events.length > 3);
    assert.deepEqual(
      events.flatMap(({ data }) => data.rows),
      rows,
    );
    for (const event of events) assert.ok(JSON.stringify(event.data).length <= 512 * 1024);
  });

  it('are payload_too_large where one row alone is above 512 KiB', () => {
    assert.throws(
      () => packRows(books, [aBook(1, 20_000)], { origin: 'ws', received_at: from }, meta),
      (error) => error instanceof AppError && error.code === 'payload_too_large',
    );
  });

  it('have ids of series, first and last row key and content: the same rows have the same id whenever they came', () => {
    const [event] = packRows(trades, someTrades(3), provenance, meta);
    const [later] = packRows(trades, someTrades(3), { origin: 'rest', received_at: 1 }, meta);
    const [changed] = packRows(trades, [...someTrades(2), { ...aTrade(2), price: 1 }], provenance, meta);

    assert.match(String(event?.id), /^binance:BTCUSDT:trades:0:2:[0-9a-f]{32}$/);
    assert.equal(later?.id, event?.id);
    assert.notEqual(changed?.id, event?.id);
  });

  it('bear the market time of their last row, the series, the sender and the workflow', () => {
    const [event] = packRows(trades, someTrades(3), provenance, { producer: 'fetch', queueid: 'wf-1', traceparent: '00-a-b-01' });

    assert.equal(event?.time, new Date(from + 2).toISOString());
    assert.equal(event?.subject, 'binance:BTCUSDT:trades');
    assert.equal(event?.partitionkey, 'binance:BTCUSDT:trades');
    assert.equal(event?.source, '/streamforge/fetch');
    assert.equal(event?.queueid, 'wf-1');
    assert.equal(event?.traceparent, '00-a-b-01');
  });

  it('are made into text once: the record carries the bytes that were measured and hashed', () => {
    const [event] = packRows(trades, someTrades(1_000), provenance, meta);
    assert.ok(event);
    const bytes = dataBytes(event);

    const record = toRecord(event, 'market.trades.history');

    assert.equal(record.value, bytes);
    assert.equal(Buffer.from(bytes).toString(), JSON.stringify(event.data));
    assert.throws(() => Object.assign(event.data, { origin: 'ws' }), TypeError);
  });

  it('come back from a record as they were', () => {
    const [event] = packRows(trades, someTrades(10), provenance, meta);
    assert.ok(event);

    const read = rowContract('trades').parse(fromRecord(toRecord(event, 't')));

    assert.deepEqual(read.rows, someTrades(10));
    assert.deepEqual(read.series, trades);
    assert.deepEqual(read.refused, []);
  });

  it('of bars are derived, and no other rows are', () => {
    const bars: Series = { exchange: 'binance', symbol: 'BTCUSDT', kind: 'bars', interval: '5m' };

    for (const [series, origin] of [
      [bars, 'rest'],
      [trades, 'derived'],
    ] as const) {
      assert.throws(
        () => packRows(series, [aTrade(1)], { origin, received_at: from }, meta),
        (error) => error instanceof AppError && error.code === 'contract_mismatch',
      );
    }
  });
});
