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
const numbered = (count: number) => Array.from({ length: count }, (_, index) => aProbe(`e${index}`));

describe('a topic trigger that handles events of a partition at once', () => {
  test('begins as many as it may, and no more before they are done', async () => {
    const h = await createHarness(backing);
    const running = new Set<string>();
    const begun: string[][] = [];
    const three = Promise.withResolvers<void>();
    await h.publish(numbered(5));

    const consumer = await h.start(
      {
        async handle(received) {
          running.add(idOf(received));
          if (running.size === 3) three.resolve();
          if (begun.length === 0) await three.promise;
          begun.push([...running].sort());
          await new Promise(setImmediate);
          running.delete(idOf(received));
        },
      },
      { eventsAtOnce: 3 },
    );
    await h.until(async () => (await h.lag()) === 0, 'no lag');
    await consumer.stop();

    assert.deepEqual(begun[0], ['e0', 'e1', 'e2']);
    assert.ok(begun.every((ids) => ids.length <= 3));
    assert.ok(begun.slice(3).every((ids) => ids.every((id) => id === 'e3' || id === 'e4')));
    assert.equal(begun.length, 5);
  });

  test('commits nothing behind one that is not done, and hands over what follows it once more', async () => {
    const h = await createHarness(backing);
    const handled: string[] = [];
    const committed: number[] = [];
    await h.publish(numbered(4));

    const consumer = await h.start(
      {
        async handle(received) {
          handled.push(idOf(received));
          if (idOf(received) === 'e1' && handled.filter((id) => id === 'e1').length <= 3) throw new AppError('store_unavailable', 'away');
        },
      },
      { eventsAtOnce: 4 },
    );
    await h.until(async () => {
      committed.push(await h.committed());
      return (await h.lag()) === 0;
    }, 'no lag');
    await consumer.stop();

    assert.deepEqual(
      handled,
      [4, 3, 3, 3].flatMap((count) => ['e0', 'e1', 'e2', 'e3'].slice(-count)),
    );
    assert.deepEqual(new Set(committed.filter((next) => next > 0 && next < 4)), new Set([1]));
    assert.deepEqual(await h.letters(), []);
  });

  test('puts aside the one that cannot be handled, and no other', async () => {
    const h = await createHarness(backing);
    const handled: string[] = [];
    await h.publish(numbered(4));

    const consumer = await h.start(
      {
        async handle(received) {
          if (idOf(received) === 'e2') throw new AppError('contract_mismatch', 'not like this');
          handled.push(idOf(received));
        },
      },
      { eventsAtOnce: 4 },
    );
    await h.until(async () => (await h.lag()) === 0, 'no lag');
    await consumer.stop();

    assert.deepEqual(handled, ['e0', 'e1', 'e3']);
    assert.deepEqual(
      (await h.letters()).map(({ record }) => record.headers.ce_id),
      ['e2'],
    );
  });

  test('gives each its own trace and workflow', async () => {
    const h = await createHarness(backing);
    const traces = ['1', '2'].map((digit) => `00-${digit.repeat(32)}-${'a'.repeat(16)}-01`);
    await h.publish(traces.map((traceparent, index) => aProbe(`e${index}`, { traceparent, queueid: `wf-${index}` })));

    const consumer = await h.start({ handle: async (received, { logger }) => logger.info({}, idOf(received)) }, { eventsAtOnce: 2 });
    await h.until(async () => (await h.lag()) === 0, 'no lag');
    await consumer.stop();

    const lines = h.context.logs.filter(({ message }) => /^e\d$/.test(message));
    assert.deepEqual(
      lines.map(({ message, fields }) => [message, fields.queue_id, String(fields.traceparent).slice(3, 4)]),
      [
        ['e0', 'wf-0', '1'],
        ['e1', 'wf-1', '2'],
      ],
    );
  });
});
