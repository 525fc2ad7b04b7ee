import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { AppError } from '../../shared/domain/errors.ts';
import type { ReceivedEvent } from '../../shared/runtime/define-function.ts';
import { aProbe, type Backing, createHarness, openBacking } from './consumer-harness.ts';

let backing: Backing;
before(async () => {
  backing = await openBacking();
});
after(() => backing.close());

const idOf = ({ event }: ReceivedEvent): string => event.id;
const numbered = (count: number, key?: string) =>
  Array.from({ length: count }, (_, index) => aProbe(`e${index}`, key === undefined ? {} : { partitionkey: key }));

describe('a topic trigger', () => {
  test('hands events over in order with their place and group, and commits when they are done', async () => {
    const h = await createHarness(backing);
    const seen: ReceivedEvent[] = [];
    await h.publish(numbered(5));

    const consumer = await h.start({ handle: async (received) => void seen.push(received) });
    await h.until(async () => (await h.lag()) === 0, 'no lag');
    await consumer.stop();

    assert.deepEqual(seen.map(idOf), ['e0', 'e1', 'e2', 'e3', 'e4']);
    assert.deepEqual(
      seen.map(({ position, group }) => [position?.topic, position?.partition, position?.offset, group]),
      seen.map((_, offset) => [h.topic, 0, offset, h.group]),
    );
  });

  test('commits nothing before the handler resolved', async () => {
    const h = await createHarness(backing);
    const [entered, gate] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    await h.publish(numbered(1));

    const consumer = await h.start({
      async handle() {
        entered.resolve();
        await gate.promise;
      },
    });
    await entered.promise;

    assert.equal(await h.committed(), 0);
    gate.resolve();
    await h.until(async () => (await h.committed()) === 1, 'the commit');
    await consumer.stop();
  });

  test('works on partitions side by side', async () => {
    const h = await createHarness(backing, { partitions: 3 });
    const keys = ['k0', 'k1', 'k2', 'k3', 'k4', 'k5', 'k6', 'k7', 'k8'];
    const [busy, all] = [new Set<number>(), Promise.withResolvers<void>()];
    await h.publish(keys.map((key) => aProbe(key)));

    const consumer = await h.start({
      async handle({ position }) {
        busy.add(position?.partition ?? -1);
        if (busy.size === 3) all.resolve();
        await all.promise;
      },
    });

    await h.until(async () => (await h.lag()) === 0, 'no lag');
    await consumer.stop();
  });

  test('acknowledges known events that it does not take, and counts them', async () => {
    const h = await createHarness(backing);
    await h.publish([aProbe('other', { type: 'io.streamforge.train.v1' }), aProbe('mine')]);
    const seen: string[] = [];

    const consumer = await h.start({ handle: async (received) => void seen.push(idOf(received)) });
    await h.until(async () => (await h.lag()) === 0, 'no lag');
    await consumer.stop();

    assert.deepEqual(seen, ['mine']);
    assert.deepEqual(await h.letters(), []);
    const ignored = h.context.measured.filter(
      ({ name, labels }) => name === 'streamforge_events_handled_total' && labels.outcome === 'ignored',
    );
    assert.deepEqual(
      ignored.map(({ by }) => by),
      [1],
    );
  });

  test('retries an error of the platform without end and with growing waits; nothing overtakes', async () => {
    const h = await createHarness(backing);
    const at: number[] = [];
    const done: string[] = [];
    await h.publish(numbered(2));

    const consumer = await h.start({
      async handle(received, { clock }) {
        if (idOf(received) === 'e0') at.push(clock.now());
        if (idOf(received) === 'e0' && at.length <= 40) throw new AppError('store_unavailable', 'away');
        done.push(idOf(received));
      },
    });
    await h.until(async () => (await h.lag()) === 0, 'no lag');
    await consumer.stop();

    assert.deepEqual(done, ['e0', 'e1']);
    assert.equal(at.length, 41);
    assert.deepEqual(await h.letters(), []);
    const waits = at.slice(1).map((time, index) => time - (at[index] as number));
    assert.ok((waits[0] as number) <= 200 && waits.slice(10).every((wait) => wait >= 15_000 && wait <= 30_000), `${waits}`);
  });

  test('says on the way that it waits, for whom, and that it does not any more', async () => {
    const h = await createHarness(backing);
    let away = true;
    await h.publish(numbered(1));

    const consumer = await h.start({
      async handle() {
        if (away) throw new AppError('store_unavailable', 'the store is away');
      },
    });
    await h.until(() => consumer.blockedBy() !== undefined, 'the consumer waits');
    assert.equal(consumer.blockedBy()?.code, 'store_unavailable');
    away = false;
    await h.until(async () => (await h.lag()) === 0, 'no lag');

    assert.equal(consumer.blockedBy(), undefined);
    await consumer.stop();
  });

  test('acknowledges what was done before', async () => {
    const h = await createHarness(backing);
    await h.publish(numbered(1));

    const consumer = await h.start({
      async handle() {
        throw new AppError('state_conflict', 'done');
      },
    });
    await h.until(async () => (await h.lag()) === 0, 'no lag');
    await consumer.stop();

    assert.deepEqual(await h.letters(), []);
    assert.ok(h.context.measured.some(({ labels }) => labels.outcome === 'acknowledged'));
  });

  test('begins nothing while it is paused', async () => {
    const h = await createHarness(backing);
    let handled = 0;
    const consumer = await h.start({ handle: async () => void handled++ });

    consumer.pause();
    await h.publish(numbered(3));
    for (let turn = 0; turn < 20; turn++) await h.context.clock.advance(1_000);
    const whilePaused = handled;
    consumer.resume();
    await h.until(async () => (await h.lag()) === 0, 'no lag');
    await consumer.stop();

    assert.deepEqual([whilePaused, handled], [0, 3]);
  });

  test('measures the lag of its group', async () => {
    const h = await createHarness(backing);
    const gate = Promise.withResolvers<void>();
    await h.publish(numbered(7));
    const lags = () =>
      h.context.measured.filter(({ name, labels }) => name === 'streamforge_consumer_lag' && labels.topic === h.topic).map(({ by }) => by);

    const consumer = await h.start({ handle: () => gate.promise });
    await h.until(() => lags().includes(7), 'a lag of 7');
    gate.resolve();
    await h.until(() => lags().at(-1) === 0, 'a lag of 0');
    await consumer.stop();
  });

  test('retries, and gives nothing up, where its code cannot be loaded', async () => {
    const h = await createHarness(backing);
    await h.publish(numbered(1));

    const consumer = await h.start({}, { handler: 'handleBatch' });
    await h.until(() => consumer.blockedBy() !== undefined, 'the consumer waits');

    assert.equal(consumer.blockedBy()?.code, 'invalid_setting');
    assert.equal(await h.committed(), 0);
    assert.deepEqual(await h.letters(), []);
    await consumer.stop();
  });

  test('refuses a topic that does not exist', async () => {
    const h = await createHarness(backing);

    await assert.rejects(h.start({ handle: async () => undefined }, { topics: ['no-such-topic'] }), { code: 'not_found' });
  });
});
