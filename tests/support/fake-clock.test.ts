import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { createFakeClock } from './fake-clock.ts';

describe('the fake clock', () => {
  test('stands still until it is moved, and wakes sleepers in the order in which they are due', async () => {
    const clock = createFakeClock(1_000);
    const woken: string[] = [];
    const sleep = async (name: string, ms: number): Promise<void> => {
      await clock.sleep(ms);
      woken.push(`${name}@${clock.now()}`);
      if (name === 'a') await sleep('again', 5);
    };
    void Promise.all([sleep('b', 20), sleep('a', 10), sleep('c', 31)]);

    await clock.advance(30);

    assert.deepEqual(woken, ['a@1010', 'again@1015', 'b@1020']);
    assert.deepEqual([clock.now(), clock.sleepers()], [1_030, [1_031]]);
    assert.equal(await clock.drain(), 1);
  });

  test('ends a sleep with its signal, with the reason of the signal', async () => {
    const clock = createFakeClock();
    const stopping = new AbortController();
    const asleep = clock.sleep(10, stopping.signal);

    stopping.abort(new Error('enough'));

    await assert.rejects(asleep, /enough/);
    await assert.rejects(clock.sleep(10, stopping.signal), /enough/);
    assert.deepEqual(clock.sleepers(), []);
  });
});
