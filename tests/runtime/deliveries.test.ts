import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { AppError } from '../../shared/domain/errors.ts';
import { aProbe, type Backing, createHarness, openBacking } from './consumer-harness.ts';
import { overriding } from './overriding.ts';

let backing: Backing;
before(async () => {
  backing = await openBacking();
});
after(() => backing.close());

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
    const broken = overriding(workflows, { readViews: () => Promise.reject(new Error('the driver is confused')) });
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
    const broken = overriding(workflows, { countDelivery: () => Promise.reject(new AppError('store_unavailable', 'away')) });
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
