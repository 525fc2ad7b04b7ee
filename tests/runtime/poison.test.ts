import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { Bus, OutgoingRecord } from '../../shared/bus/bus.ts';
import { AppError } from '../../shared/domain/errors.ts';
import { aProbe, aRecord, type Backing, createHarness, handleAll, openBacking, probeHeaders } from './consumer-harness.ts';
import { overriding } from './overriding.ts';

let backing: Backing;
before(async () => {
  backing = await openBacking();
});
after(() => backing.close());

const permanent = new AppError('contract_mismatch', 'the data is odd');

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
    return overriding(backing.bus, {
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
