import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { Bus, SubscribeOptions, Subscription } from '../../shared/bus/bus.ts';
import { AppError } from '../../shared/domain/errors.ts';
import type { ReceivedEvent } from '../../shared/runtime/define-function.ts';
import { aProbe, type Backing, createHarness, openBacking } from './consumer-harness.ts';
import { overriding } from './overriding.ts';

let backing: Backing;
before(async () => {
  backing = await openBacking();
});
after(() => backing.close());

const idOf = ({ event }: ReceivedEvent): string => event.id;
const numbered = (count: number, key?: string) =>
  Array.from({ length: count }, (_, index) => aProbe(`e${index}`, key === undefined ? {} : { partitionkey: key }));

describe('stopping a topic trigger', () => {
  test('finishes the event in flight, begins no other, and commits what is done', async () => {
    const h = await createHarness(backing);
    const [entered, gate] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    const done: string[] = [];
    await h.publish(numbered(3));
    const consumer = await h.start({
      async handle(received) {
        if (idOf(received) === 'e1') {
          entered.resolve();
          await gate.promise;
        }
        done.push(idOf(received));
      },
    });
    await entered.promise;

    const stopped = consumer.stop({ graceMs: 10_000 });
    gate.resolve();
    await stopped;

    assert.deepEqual(done, ['e0', 'e1']);
    assert.equal(await h.committed(), 2);
  });

  test('aborts a handler that does not end within the grace, and does not commit its event', async () => {
    const h = await createHarness(backing);
    const entered = Promise.withResolvers<void>();
    await h.publish(numbered(2));
    const consumer = await h.start({
      handle: (_received, { signal }) => {
        entered.resolve();
        return new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason)));
      },
    });
    await entered.promise;

    await consumer.stop({ graceMs: 10 });

    assert.equal(await h.committed(), 0);
    assert.deepEqual(await h.letters(), []);
  });

  test('case 52: takes for done, or for poison, nothing that a handler dropped because it was told to', async () => {
    const h = await createHarness(backing);
    const entered = Promise.withResolvers<void>();
    await h.publish(numbered(3));
    const consumer = await h.start(
      {
        handleBatch: (received, { signal }) => {
          entered.resolve();
          return new Promise((resolve) =>
            signal.addEventListener('abort', () =>
              resolve(
                received.map((_, index) => ({ ok: false, error: index < 2 ? signal.reason : new AppError('row_refused', 'half a row') })),
              ),
            ),
          );
        },
      },
      { handler: 'handleBatch' },
    );
    await entered.promise;

    await consumer.stop({ graceMs: 10 });

    assert.equal(await h.committed(), 0);
    assert.deepEqual(await h.letters(), []);
    const handled = h.context.measured.filter(({ name }) => name === 'streamforge_events_handled_total');
    assert.deepEqual(handled, [], 'no event is acknowledged');
  });

  test('ends a wait between tries at once', async () => {
    const h = await createHarness(backing);
    await h.publish(numbered(1));
    const consumer = await h.start({
      async handle() {
        throw new AppError('exchange_unavailable', 'away', { retry_after_ms: 3_600_000 });
      },
    });
    await h.until(() => consumer.blockedBy() !== undefined, 'the consumer waits');

    await consumer.stop({ graceMs: 60_000 });

    assert.equal(await h.committed(), 0);
  });
});

describe('a topic trigger that lost its group', () => {
  test('joins again, says meanwhile why it waits, and misses nothing', async () => {
    const joins: { readonly leave: () => Promise<void> }[] = [];
    const bus = overriding<Bus>(backing.bus, {
      async subscribe(options) {
        const subscription = await backing.bus.subscribe(options);
        const { promise: ended, resolve, reject } = Promise.withResolvers<void>();
        joins.push({
          async leave() {
            await subscription.stop();
            reject(new AppError('bus_unavailable', 'the group is gone'));
          },
        });
        return overriding<Subscription>(subscription, {
          ended,
          async stop(given) {
            await subscription.stop(given);
            resolve();
          },
        });
      },
    });
    const h = await createHarness(backing, { ports: { bus } });
    const seen: string[] = [];
    const consumer = await h.start({ handle: async (received) => void seen.push(idOf(received)) });
    await h.publish([aProbe('before')]);
    await h.until(async () => (await h.lag()) === 0, 'no lag');

    await joins[0]?.leave();
    await h.publish([aProbe('meanwhile')]);
    const why = await new Promise<string | undefined>((resolve) => setImmediate(() => resolve(consumer.blockedBy()?.message)));
    await h.until(async () => (await h.lag()) === 0, 'no lag');
    await consumer.stop();

    assert.deepEqual([joins.length, seen, why, consumer.blockedBy()], [2, ['before', 'meanwhile'], 'the group is gone', undefined]);
  });

  test('is blocked while records of one of its partitions cannot be read, and says so once', async () => {
    const subscribed: SubscribeOptions[] = [];
    const bus = overriding<Bus>(backing.bus, {
      subscribe(options) {
        subscribed.push(options);
        return backing.bus.subscribe(options);
      },
    });
    const h = await createHarness(backing, { ports: { bus } });
    const consumer = await h.start({ handle: async () => undefined });
    const tell = (error: AppError | undefined): void => subscribed[0]?.onUnreadable?.({ topic: h.topic, partition: 0 }, error);

    tell(new AppError('bus_unavailable', 'a torn page'));
    tell(new AppError('bus_unavailable', 'a torn page'));
    const meanwhile = consumer.blockedBy()?.message;
    tell(undefined);

    assert.deepEqual([meanwhile, consumer.blockedBy()], ['a torn page', undefined]);
    assert.equal(h.context.logs.filter(({ level, message }) => level === 'error' && message.includes('cannot be read')).length, 1);
    await consumer.stop();
  });
});
