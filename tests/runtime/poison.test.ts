import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { Bus, OutgoingRecord } from '../../shared/bus/bus.ts';
import { AppError } from '../../shared/domain/errors.ts';
import type { StreamEvent } from '../../shared/events/event.ts';
import { fromRecord } from '../../shared/events/kafka-codec.ts';
import { type QueueEvent, queueEvent } from '../../shared/events/queue-event.ts';
import { QUEUE_EVENTS } from '../../shared/events/topics.ts';
import { parseTraceparent } from '../../shared/telemetry/trace.ts';
import { aProbe, aRecord, type Backing, createHarness, type Harness, openBacking, probeHeaders } from './consumer-harness.ts';

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

/** The bus with one method of its own. */
function withBus(overrides: Partial<Bus>): Bus {
  return new Proxy(backing.bus, {
    get(target, name) {
      if (name in overrides) return Reflect.get(overrides, name);
      const member: unknown = Reflect.get(target, name);
      return typeof member === 'function' ? member.bind(target) : member;
    },
  });
}

async function handleAll(h: Harness): Promise<string[]> {
  const handled: string[] = [];
  const consumer = await h.start({ handle: async ({ event }) => void handled.push(event.id) });
  await h.until(async () => (await h.lag()) === 0, 'no lag');
  await consumer.stop();
  return handled;
}

describe('case 56: poison', () => {
  for (const [what, record, code] of [
    ['bytes that are not JSON', aRecord('{"torn', probeHeaders('p')), 'unparsable_event'],
    ['no value', aRecord(null, probeHeaders('p')), 'unparsable_event'],
    ['no headers at all', aRecord('{}'), 'unparsable_event'],
    ['no id', aRecord('{}', { ...probeHeaders('p'), ce_id: '' }), 'unparsable_event'],
    ['an id of the wrong form', aRecord('{}', { ...probeHeaders('p'), ce_id: 'a\u0000b' }), 'unparsable_event'],
    ['another media type', aRecord('<a/>', { ...probeHeaders('p'), 'content-type': 'text/xml' }), 'unsupported_media_type'],
    ['a type that nobody knows', aRecord('{}', { ...probeHeaders('p'), ce_type: 'org.example.other.v1' }), 'contract_mismatch'],
    ['a structured event that is torn', aRecord('{"id":"p"}', { 'content-type': 'application/cloudevents+json' }), 'unparsable_event'],
  ] as const) {
    test(`case 56: ${what} goes to the dead letters with cause and origin, and the next event flows`, async () => {
      const h = await createHarness(backing);
      await h.publish([aProbe('before'), record, aProbe('behind')]);

      const handled = await handleAll(h);

      assert.deepEqual(handled, ['before', 'behind']);
      const [letter, ...others] = await h.letters();
      assert.deepEqual(others, []);
      assert.deepEqual(
        [letter?.code, letter?.group, letter?.record.topic, letter?.record.partition, letter?.record.offset],
        [code, h.group, h.topic, 0, 1],
      );
      assert.deepEqual([letter?.record.key, letter?.record.value], [record.key, record.value]);
      assert.ok((letter?.cause.length ?? 0) > 10);
      const stored = await backing.store.workflows.listDeadLetters({ topic: h.topic });
      assert.deepEqual(
        stored.map(({ code: kept, offset, group }) => [kept, offset, group]),
        [[code, 1, h.group]],
      );
      assert.equal(await h.committed(), 3);
    });
  }

  test('case 56: what its handler calls permanent goes the same way', async () => {
    const h = await createHarness(backing);
    await h.publish([aProbe('odd'), aProbe('next')]);
    const handled: string[] = [];

    const consumer = await h.start({
      async handle({ event }) {
        if (event.id === 'odd') throw permanent;
        handled.push(event.id);
      },
    });
    await h.until(async () => (await h.lag()) === 0, 'no lag');
    await consumer.stop();

    assert.deepEqual(handled, ['next']);
    assert.deepEqual(
      (await h.letters()).map(({ code, cause }) => [code, cause]),
      [['contract_mismatch', 'the data is odd']],
    );
    const counted = h.context.measured.find(({ name }) => name === 'streamforge_events_dead_lettered_total');
    assert.deepEqual(counted?.labels, { function: 'probe', trigger: 'probe-events', code: 'contract_mismatch' });
  });
});

describe('case 57: the dead-letter topic is away', () => {
  /** A bus whose dead-letter topics take nothing while `away` says so. */
  function brokenBus(away: () => boolean): Bus {
    return withBus({
      publish: async (records: readonly OutgoingRecord[], options) => {
        if (away() && records.some(({ topic }) => topic.endsWith('.dlq')))
          throw new AppError('bus_unavailable', 'the dead-letter topic is away');
        return backing.bus.publish(records, options);
      },
    });
  }

  test('case 57: nothing is committed past the poison, nothing behind it is begun; it all goes on when the topic is back', async () => {
    let [away, tried] = [true, 0];
    const h = await createHarness(backing, {
      ports: {
        bus: brokenBus(() => {
          tried += 1;
          return away;
        }),
      },
    });
    await h.publish([aProbe('before'), aRecord('{"torn', probeHeaders('p')), aProbe('behind')]);
    const handled: string[] = [];
    const consumer = await h.start({ handle: async ({ event }) => void handled.push(event.id) });

    await h.until(() => tried > 10, 'ten tries');
    const [committed, seen] = [await h.committed(), [...handled]];
    away = false;
    await h.until(async () => (await h.lag()) === 0, 'no lag');
    await consumer.stop();

    assert.ok(committed <= 1, `${committed} was committed`);
    assert.deepEqual(seen, ['before']);
    assert.deepEqual(handled, ['before', 'behind']);
    assert.deepEqual(
      (await h.letters()).map(({ record }) => record.offset),
      [1],
    );
  });

  test('case 57: a stop meanwhile leaves the poison uncommitted, and the next start meets it again', async () => {
    let away = true;
    const h = await createHarness(backing, { ports: { bus: brokenBus(() => away) } });
    await h.publish([aRecord('{"torn', probeHeaders('p')), aProbe('behind')]);
    const consumer = await h.start({ handle: async () => undefined });
    await h.until(() => h.context.logs.some(({ level }) => level === 'error'), 'a failed try');
    await consumer.stop();
    assert.equal(await h.committed(), 0);

    away = false;
    const handled = await handleAll(h);

    assert.deepEqual(handled, ['behind']);
    assert.deepEqual(
      (await h.letters()).map(({ record }) => record.offset),
      [0],
    );
  });

  test('case 57: the store beside the topic is away: nothing is committed either', async () => {
    let away = true;
    const { workflows } = backing.store;
    const broken = new Proxy(workflows, {
      get(target, name) {
        if (name === 'putDeadLetters' && away) return () => Promise.reject(new AppError('store_unavailable', 'away'));
        const member: unknown = Reflect.get(target, name);
        return typeof member === 'function' ? member.bind(target) : member;
      },
    });
    const h = await createHarness(backing, { ports: { workflows: broken } });
    await h.publish([aRecord('{"torn', probeHeaders('p'))]);
    const consumer = await h.start({ handle: async () => undefined });
    await h.until(() => h.context.logs.filter(({ level }) => level === 'error').length > 3, 'failed tries');

    const committed = await h.committed();
    away = false;
    await h.until(async () => (await h.lag()) === 0, 'no lag');
    await consumer.stop();

    assert.equal(committed, 0);
    // The letter itself was written once: a retry goes on where it failed.
    assert.equal((await h.letters()).length, 1);
  });
});

describe('an error that nobody classified', () => {
  test('is tried ten times, over restarts, and then dead-lettered', async () => {
    const h = await createHarness(backing);
    let calls = 0;
    const module = {
      async handle() {
        calls += 1;
        throw new TypeError('boom');
      },
    };
    await h.publish([aProbe('cursed')]);

    for (const upTo of [3, 6, 9]) {
      const consumer = await h.start(module);
      await h.until(() => calls >= upTo, `${upTo} calls`);
      await consumer.stop();
      assert.equal(await h.committed(), 0);
    }
    const consumer = await h.start(module);
    await h.until(async () => (await h.lag()) === 0, 'no lag');
    await consumer.stop();

    assert.equal(calls, 10);
    assert.deepEqual(
      (await h.letters()).map(({ code, cause }) => [code, cause]),
      [['unclassified', 'boom']],
    );
  });

  test('out of the store or the bus is tried for ever', async () => {
    const { workflows } = backing.store;
    const broken = new Proxy(workflows, {
      get: (target, name) =>
        name === 'readViews' ? () => Promise.reject(new Error('the driver is confused')) : Reflect.get(target, name).bind(target),
    });
    const { classifyErrors } = await import('../../shared/runtime/adapter-errors.ts');
    const h = await createHarness(backing, { ports: { workflows: classifyErrors(broken, 'store') } });
    let calls = 0;
    await h.publish([aProbe('unlucky')]);

    const consumer = await h.start({
      async handle(_received, { ports }) {
        calls += 1;
        if (calls <= 30) await ports.workflows.readViews(['wf']);
      },
    });
    await h.until(async () => (await h.lag()) === 0, 'no lag');
    await consumer.stop();

    assert.equal(calls, 31);
    assert.deepEqual(await h.letters(), []);
  });

  test('is not given up while the store cannot count its tries', async () => {
    const { workflows } = backing.store;
    const broken = new Proxy(workflows, {
      get: (target, name) =>
        name === 'countDelivery' ? () => Promise.reject(new AppError('store_unavailable', 'away')) : Reflect.get(target, name).bind(target),
    });
    const h = await createHarness(backing, { ports: { workflows: broken } });
    let calls = 0;
    await h.publish([aProbe('e')]);

    const consumer = await h.start({
      async handle() {
        calls += 1;
        if (calls <= 25) throw new TypeError('boom');
      },
    });
    await h.until(async () => (await h.lag()) === 0, 'no lag');
    await consumer.stop();

    assert.equal(calls, 26);
  });

  test('is forgotten when the event succeeds: a later failure at its place starts from one', async () => {
    const h = await createHarness(backing);
    let calls = 0;
    await h.publish([aProbe('shaky')]);

    const consumer = await h.start({
      async handle() {
        calls += 1;
        if (calls <= 9) throw new TypeError('boom');
      },
    });
    await h.until(async () => (await h.lag()) === 0, 'no lag');
    await consumer.stop();

    const key = { group: h.group, topic: h.topic, partition: 0, offset: 0 };
    assert.equal(await backing.store.workflows.countDelivery(key, 'again', 0), 1);
  });
});

describe('before an event of a workflow is dead-lettered, its failure is told', () => {
  const data = { attempt: 2, series: 'binance:BTCUSDT:candles:5m', shard: 'binance:BTCUSDT:candles:5m:1722470400000-1722770400000' };

  test('with code and message, attempt, shard and symbol, in the trace of the event', async () => {
    const h = await createHarness(backing);
    const queueId = 'wf-btcusdt-api_candles_5m-20240801-abc123';
    const trace = `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`;
    await h.publish([aProbe('odd', { queueid: queueId, traceparent: trace, data })]);
    const lettersWhenTold: number[] = [];

    const consumer = await h.start({
      async handle() {
        throw permanent;
      },
    });
    await h.until(async () => {
      if ((await newsOf(queueId)).length > 0) lettersWhenTold.push((await h.letters()).length);
      return (await h.lag()) === 0;
    }, 'no lag');
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
    const bus = withBus({
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
