import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { handleBatch } from '../../functions/sink/handle.ts';
import type { OutgoingRecord } from '../../shared/bus/bus.ts';
import type { StreamEvent } from '../../shared/events/event.ts';
import { fromRecord, toRecord } from '../../shared/events/kafka-codec.ts';
import { packRows } from '../../shared/events/micro-batch.ts';
import type { QueueEvent } from '../../shared/events/queue-event.ts';
import { QUEUE_EVENTS } from '../../shared/events/topics.ts';
import { trades } from '../../shared/events/trades.ts';
import { type Backing, createHarness, openBacking } from './consumer-harness.ts';

let backing: Backing;
before(async () => {
  backing = await openBacking();
});
after(() => backing.close());

const series = { exchange: 'binance', symbol: 'BTCUSDT', kind: 'trades' } as const;
const aTrade = (id: number) => ({ id, time: 1_722_470_400_000 + id, price: 10, quantity: 1, side: 'buy' as const });
const aRowsRecord = (id: number, queueid: string): OutgoingRecord => {
  const [event] = packRows(series, [aTrade(id)], { origin: 'rest', received_at: 1 }, { producer: 'fetch', queueid });
  return toRecord(event as StreamEvent, '');
};

describe('case 56: rows that cannot be read', () => {
  test('case 56: go to the dead letters with cause and origin, are told to their workflow, and the next rows flow', async () => {
    const h = await createHarness(backing, { ports: { market: backing.store.market } });
    const queueId = 'wf-btcusdt-trades-20240801-abc123';
    const torn = { ...aRowsRecord(2, queueId), value: Buffer.from('{"exchange":"binance","rows":[{') };
    await h.publish([aRowsRecord(1, queueId), torn, aRowsRecord(3, queueId)]);

    const consumer = await h.start({ handleBatch }, { handler: 'handleBatch', events: [trades.type] });
    await h.until(async () => (await h.lag()) === 0, 'no lag');
    await consumer.stop();

    assert.deepEqual(
      (await h.letters()).map(({ code, group, record }) => [code, group, record.topic, record.offset, Buffer.from(record.value ?? [])]),
      [['unparsable_event', h.group, h.topic, 1, torn.value]],
    );
    const news: QueueEvent[] = [];
    for await (const records of backing.bus.read({ topic: QUEUE_EVENTS, from: 'earliest', untilEnd: true })) {
      news.push(...records.map((record) => fromRecord(record).data as QueueEvent));
    }
    assert.deepEqual(
      news.map(({ queue_id, status, error }) => [queue_id, status, error?.code]),
      [[queueId, 'error', 'unparsable_event']],
    );
    const stored: unknown[] = [];
    for await (const page of backing.store.market.readRows(series)) stored.push(...page);
    assert.deepEqual(stored, [aTrade(1), aTrade(3)]);
  });
});
