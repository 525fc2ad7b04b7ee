import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { OutgoingRecord } from '../../shared/bus/bus.ts';
import { AppError } from '../../shared/domain/errors.ts';
import type { StreamEvent } from '../../shared/events/event.ts';
import { fromRecord } from '../../shared/events/kafka-codec.ts';
import { type QueueEvent, queueEvent } from '../../shared/events/queue-event.ts';
import { QUEUE_EVENTS } from '../../shared/events/topics.ts';
import { parseTraceparent } from '../../shared/telemetry/trace.ts';
import { aProbe, aRecord, type Backing, createHarness, handleAll, openBacking, probeHeaders } from './consumer-harness.ts';
import { overriding } from './overriding.ts';

let backing: Backing;
before(async () => {
  backing = await openBacking();
});
after(() => backing.close());

const permanent = new AppError('contract_mismatch', 'the data is odd');

/** What was said of a workflow on `queue-events`. */
async function newsOf(queueId: string): Promise<StreamEvent<QueueEvent>[]> {
  const news: StreamEvent<QueueEvent>[] = [];
  for await (const records of backing.bus.read({ topic: QUEUE_EVENTS, from: 'earliest', untilEnd: true })) {
    for (const record of records) if (record.key === queueId) news.push(fromRecord(record) as StreamEvent<QueueEvent>);
  }
  return news;
}

describe('before an event of a workflow is dead-lettered, its failure is told', () => {
  const data = { attempt: 2, series: 'binance:BTCUSDT:candles:5m', shard: 'binance:BTCUSDT:candles:5m:1722470400000-1722770400000' };

  test('with code and message, attempt, shard and symbol, in the trace of the event', async () => {
    const h = await createHarness(backing);
    const queueId = 'wf-btcusdt-api_candles_5m-20240801-abc123';
    const trace = `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`;
    await h.publish([aProbe('odd', { queueid: queueId, traceparent: trace, data })]);

    const consumer = await h.start({
      async handle() {
        throw permanent;
      },
    });
    await h.until(async () => (await h.lag()) === 0, 'no lag');
    await consumer.stop();

    const [news, ...others] = await newsOf(queueId);
    assert.deepEqual(others, []);
    assert.ok(news !== undefined);
    const said = queueEvent.parse(news);
    assert.deepEqual(
      [said.queue_id, said.attempt, said.producer, said.symbol, said.status, said.shard, said.finished, said.error],
      [queueId, 2, 'probe__abc123', 'BTCUSDT', 'error', data.shard, false, { code: 'contract_mismatch', message: 'the data is odd' }],
    );
    assert.equal(parseTraceparent(news.traceparent)?.traceId, 'a'.repeat(32));
    assert.deepEqual(said.detail, { dead_letter: { topic: h.topic, partition: 0, offset: 0, group: h.group } });
  });

  test('also where the event cannot be read and only its header names the workflow', async () => {
    const h = await createHarness(backing);
    await h.publish([aRecord('{"torn', { ...probeHeaders('p'), ce_queueid: 'wf-torn' })]);

    await handleAll(h);

    const [news] = await newsOf('wf-torn');
    assert.deepEqual([news?.data.status, news?.data.attempt, news?.data.error?.code], ['error', 1, 'unparsable_event']);
  });

  test('and nothing is committed while it cannot be told', async () => {
    let away = true;
    const bus = overriding(backing.bus, {
      publish: async (records: readonly OutgoingRecord[], options) => {
        if (away && records.some(({ topic }) => topic === QUEUE_EVENTS)) throw new AppError('bus_unavailable', 'away');
        return backing.bus.publish(records, options);
      },
    });
    const h = await createHarness(backing, { ports: { bus } });
    await h.publish([aProbe('odd', { queueid: 'wf-untold', data })]);
    const consumer = await h.start({
      async handle() {
        throw permanent;
      },
    });
    await h.until(() => h.context.logs.filter(({ level }) => level === 'error').length > 3, 'failed tries');

    const [committed, letters] = [await h.committed(), await h.letters()];
    away = false;
    await h.until(async () => (await h.lag()) === 0, 'no lag');
    await consumer.stop();

    assert.deepEqual([committed, letters], [0, []]);
    assert.equal((await newsOf('wf-untold')).length, 1);
  });

  test('but a queue id that is none stops nothing', async () => {
    const h = await createHarness(backing);
    await h.publish([aRecord('{"torn', { ...probeHeaders('p'), ce_queueid: 'NOT A QUEUE ID' }), aProbe('next')]);

    assert.deepEqual(await handleAll(h), ['next']);
    assert.equal((await h.letters()).length, 1);
  });

  test('but a failed error report is not reported, or it would go on for ever', async () => {
    const h = await createHarness(backing);
    const report = queueEvent.build(
      {
        queue_id: 'wf-echo',
        attempt: 1,
        producer: 'x__y',
        symbol: '',
        type: '',
        status: 'error',
        message: 'm',
        records_written: 0,
        finished: false,
        timestamp: 1,
      },
      { producer: 'x', time: 1_000 },
    );
    await h.publish([report]);

    const consumer = await h.start(
      {
        async handle() {
          throw permanent;
        },
      },
      { events: [queueEvent.type] },
    );
    await h.until(async () => (await h.lag()) === 0, 'no lag');
    await consumer.stop();

    assert.equal((await h.letters()).length, 1);
    assert.deepEqual(await newsOf('wf-echo'), []);
  });
});

describe('replay', () => {
  test('hands a dead letter to the handler that failed, alone', async () => {
    const h = await createHarness(backing);
    let broken = true;
    const handled: string[] = [];
    await h.publish([aProbe('odd')]);
    const consumer = await h.start({
      async handle({ event, position }) {
        if (broken) throw permanent;
        handled.push(`${event.id}@${position?.offset}`);
      },
    });
    await h.until(async () => (await h.lag()) === 0, 'no lag');
    const [letter] = await h.letters();
    assert.ok(letter !== undefined);

    await assert.rejects(consumer.replay(letter.record), { code: 'contract_mismatch' });
    broken = false;
    await consumer.replay(letter.record);
    await consumer.stop();

    assert.deepEqual(handled, ['odd@0']);
    assert.equal(await h.lag(), 0);
  });
});
