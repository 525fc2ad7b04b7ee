import assert from 'node:assert/strict';
import { afterEach, describe, it } from 'node:test';
import { type KafkaStack, startKafkaStack } from '../../support/kafka/kafka-stack.ts';
import { aLoad, assertLoaded, underWay } from '../../support/kafka/load.ts';
import { withoutBrokers } from '../../support/kafka/shared-broker.ts';
import { createTurnstile } from '../../support/kafka/turnstile.ts';

const ROUNDS = 10;
/** With these in every round shards are left after the last one: no rebalance meets an idle group. */
const SHARDS_A_ROUND = 8;

describe('a workflow on Kafka whose members come and go', { skip: await withoutBrokers() }, () => {
  let stack: KafkaStack;
  afterEach(() => stack.stop());

  it(`case 52: sink and fetch join and leave ${ROUNDS} times in the middle of batches and shards; every row is there, counted once`, async (t) => {
    const turnstile = createTurnstile();
    stack = await startKafkaStack({ around: turnstile.around });
    const load = aLoad('BTCUSDT', { days: 4, trades: true });
    const members = [[await stack.join('fetch'), await stack.join('sink')]];
    const queueId = await stack.startWorkflow(load.request);

    let done = 0;
    for (let round = 0; round < ROUNDS; round++) {
      members.push([await stack.join('fetch'), await stack.join('sink')]);
      turnstile.allow(SHARDS_A_ROUND);
      done = (await underWay(stack, queueId, done + 1)).stages[0]?.shards_done ?? 0;
      await Promise.all((members.shift() ?? []).map((member) => member.stop({ graceMs: 200 })));
    }
    turnstile.allow(Number.POSITIVE_INFINITY);

    const rows = await assertLoaded(stack, queueId, load);
    t.diagnostic(`${rows} rows; ${turnstile.cut} shards were cut in the middle and read again`);
    assert.ok(rows > 30_000 && turnstile.cut > 0);
  });
});
