import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { AppError } from '../../shared/domain/errors.ts';
import type { EventOutcome, ReceivedEvent } from '../../shared/runtime/define-function.ts';
import { aProbe, type Backing, createHarness, openBacking } from './consumer-harness.ts';

let backing: Backing;
before(async () => {
  backing = await openBacking();
});
after(() => backing.close());

const idOf = ({ event }: ReceivedEvent): string => event.id;
const ok = (received: readonly ReceivedEvent[]): EventOutcome[] => received.map(() => ({ ok: true }));
const numbered = (count: number, key?: string) =>
  Array.from({ length: count }, (_, index) => aProbe(`e${index}`, key === undefined ? {} : { partitionkey: key }));

describe('a topic trigger that takes batches', () => {
  test('hands a batch over whole, and commits once', async () => {
    const h = await createHarness(backing);
    const calls: string[][] = [];
    await h.publish(numbered(50));

    const consumer = await h.start(
      {
        async handleBatch(received) {
          calls.push(received.map(idOf));
          return ok(received);
        },
      },
      { handler: 'handleBatch' },
    );
    await h.until(async () => (await h.lag()) === 0, 'no lag');
    await consumer.stop();

    assert.deepEqual(calls, [numbered(50).map(({ id }) => id)]);
  });

  test('hands a failed event of a batch over again with all behind it, and commits what stood before it at once', async () => {
    const h = await createHarness(backing);
    const calls: string[][] = [];
    await h.publish(numbered(4));

    const consumer = await h.start(
      {
        async handleBatch(received) {
          calls.push(received.map(idOf));
          if (calls.length === 2) assert.equal(await h.committed(), 2);
          const failsFirst = calls.length === 1;
          return received.map((each) =>
            idOf(each) === 'e2' && failsFirst ? { ok: false, error: new AppError('store_unavailable', 'away') } : { ok: true },
          );
        },
      },
      { handler: 'handleBatch' },
    );
    await h.until(async () => (await h.lag()) === 0, 'no lag');
    await consumer.stop();

    assert.deepEqual(calls, [
      ['e0', 'e1', 'e2', 'e3'],
      ['e2', 'e3'],
    ]);
  });

  test('finds the one poison of a batch that throws as a whole', async () => {
    const h = await createHarness(backing);
    const done = new Set<string>();
    await h.publish(numbered(6));

    const consumer = await h.start(
      {
        async handleBatch(received) {
          if (received.some((each) => idOf(each) === 'e3')) throw new AppError('contract_mismatch', 'e3 is odd');
          for (const each of received) done.add(idOf(each));
          return ok(received);
        },
      },
      { handler: 'handleBatch' },
    );
    await h.until(async () => (await h.lag()) === 0, 'no lag');
    await consumer.stop();

    assert.deepEqual([...done].sort(), ['e0', 'e1', 'e2', 'e4', 'e5']);
    assert.deepEqual(
      (await h.letters()).map(({ record, code }) => [record.offset, code]),
      [[3, 'contract_mismatch']],
    );
  });

  test('takes a wrong number of outcomes for a failure of the handler, never for success', async () => {
    const h = await createHarness(backing);
    let calls = 0;
    await h.publish(numbered(1));

    const consumer = await h.start(
      {
        async handleBatch(received) {
          calls += 1;
          return calls < 3 ? [] : ok(received);
        },
      },
      { handler: 'handleBatch' },
    );
    await h.until(async () => (await h.lag()) === 0, 'no lag');
    await consumer.stop();

    assert.equal(calls, 3);
    assert.deepEqual(await h.letters(), []);
  });
});
