import assert from 'node:assert/strict';
import { afterEach, describe, it } from 'node:test';
import { eventually } from '../../support/eventually.ts';
import { type KafkaStack, startKafkaStack } from '../../support/kafka/kafka-stack.ts';
import { aLoad, assertLoaded, underWay } from '../../support/kafka/load.ts';
import { withoutBrokers } from '../../support/kafka/shared-broker.ts';
import { createTurnstile } from '../../support/kafka/turnstile.ts';

const AWAY_MS = 30_000;
const BACK_MS = 60_000;

describe('a workflow whose broker is away', { skip: await withoutBrokers() }, () => {
  let stack: KafkaStack;
  afterEach(() => stack.stop());

  it('case 54: for 30 seconds in its middle every process stays alive and is not ready; then it finishes with every row', async (t) => {
    const turnstile = createTurnstile();
    stack = await startKafkaStack({ around: turnstile.around });
    const members = [await stack.join('fetch'), await stack.join('sink')];
    const urls = [stack.host.url, ...members.map(({ url }) => url)];
    const load = aLoad('BTCUSDT', { days: 2, trades: true });
    const queueId = await stack.startWorkflow(load.request);
    turnstile.allow(10);
    await underWay(stack, queueId, 5);
    const statuses = async (probe: string) => Promise.all(urls.map(async (url) => (await fetch(`${url}${probe}`)).status));
    assert.deepEqual(await statuses('/readyz'), [200, 200, 200]);

    await stack.broker.node.end('SIGKILL');
    // Rows that have nowhere to go are waiting for the broker meanwhile.
    turnstile.allow(10);
    const goneAt = performance.now();
    const alive = new Set<number>();
    const refused = urls.map(() => 0);
    // A look a second: probes keep their answers that long, and what is measured is time itself.
    await eventually(
      async () => {
        for (const status of await statuses('/livez')) alive.add(status);
        for (const [index, status] of (await statuses('/readyz')).entries()) if (status === 503) refused[index] = (refused[index] ?? 0) + 1;
        return performance.now() - goneAt > AWAY_MS;
      },
      { deadlineMs: 2 * AWAY_MS, everyMs: 1_000, what: 'the outage is over' },
    );
    const held = await stack.view(queueId);
    await stack.broker.node.start();
    await stack.broker.node.ready();
    turnstile.allow(Number.POSITIVE_INFINITY);

    t.diagnostic(`not ready in so many looks: ${refused.join(', ')}`);
    assert.deepEqual([...alive], [200]);
    assert.ok(refused.every((count) => count > 0));
    assert.equal(held.status, 'loading');
    await assertLoaded(stack, queueId, load);
    await eventually(async () => assert.deepEqual(await statuses('/readyz'), [200, 200, 200]), {
      deadlineMs: BACK_MS,
      what: 'all are ready',
    });
  });
});
