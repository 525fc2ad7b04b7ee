import assert from 'node:assert/strict';
import { afterEach, describe, it } from 'node:test';
import sink from '../../../functions/sink/function.ts';
import type { OutgoingRecord } from '../../../shared/bus/bus.ts';
import { countShards, shardAt, shardId } from '../../../shared/domain/plan.ts';
import { deadLetterTopic, QUEUE_EVENTS, TOPICS } from '../../../shared/events/topics.ts';
import { accessRights } from '../../../shared/runtime/access-rights.ts';
import { eventually } from '../../support/eventually.ts';
import { asSuperUser } from '../../support/kafka/access.ts';
import { type KafkaStack, type KafkaStackOptions, startKafkaStack } from '../../support/kafka/kafka-stack.ts';
import { aLoad, assertLoaded, underWay } from '../../support/kafka/load.ts';
import { withoutBrokers } from '../../support/kafka/shared-broker.ts';
import { createTurnstile } from '../../support/kafka/turnstile.ts';
import { USERS } from '../../support/kafka/users.ts';
import { busView, deadLettersOf } from '../../support/settled.ts';

const HISTORY = 'market.candles.history';
const FETCH = 'queue-control.fetch.binance';
const ROADS = [HISTORY, QUEUE_EVENTS, FETCH];
const OUTAGE_MS = 30_000;
const EVENT = {
  ce_specversion: '1.0',
  ce_id: 'strange',
  ce_source: '/test',
  ce_type: 'io.streamforge.nothing.v1',
  ce_time: '2024-08-05T00:00:00Z',
};

/** Not an event at all; an event without an id; an event of a type that there is not. */
function poison(topic: string, key: string): OutgoingRecord[] {
  const { ce_id: _, ...anonymous } = EVENT;
  const value = Buffer.from('{}');
  return [
    { topic, key, headers: { ce_specversion: '1.0' }, value: Buffer.from('{"torn') },
    { topic, key, headers: { ...anonymous, ce_type: 'io.streamforge.queue-event.v1' }, value },
    { topic, key, headers: EVENT, value },
  ];
}

describe('a workflow on Kafka meets poison', { skip: await withoutBrokers() }, () => {
  let stack: KafkaStack;
  const open = async (members: readonly ('fetch' | 'sink')[], options: KafkaStackOptions = {}): Promise<void> => {
    stack = await startKafkaStack(options);
    for (const name of members) await stack.join(name);
  };
  afterEach(() => stack.stop());

  it('case 56: poison on every road of a running workflow is put aside with its cause and place, and the next messages flow', async () => {
    const turnstile = createTurnstile();
    await open(['fetch', 'sink'], { around: turnstile.around });
    const load = aLoad('BTCUSDT', { days: 24 });
    const [series = ''] = load.series;
    const plan = [{ series, ranges: [load] }];
    const last = shardAt(plan, countShards(plan) - 1);
    const queueId = await stack.startWorkflow(load.request);
    turnstile.allow(1);
    await underWay(stack, queueId);
    // Each goes where records of this workflow are still to come: of its series, of itself, of its last shard.
    const keys = [series, queueId, shardId(series, last?.from ?? 0, last?.to ?? 0)];

    const placed = await stack.host.ports.bus.publish(ROADS.flatMap((topic, index) => poison(topic, keys[index] ?? '')));
    turnstile.allow(Number.POSITIVE_INFINITY);

    await assertLoaded(stack, queueId, load, Object.fromEntries(ROADS.map((topic) => [deadLetterTopic(topic), 3])));
    for (const topic of ROADS) {
      const { letters } = await stack.client.get<{ letters: readonly Record<string, unknown>[] }>(`/bus/dlq/${topic}`);
      const places = placed.filter((each) => each.topic === topic);
      assert.deepEqual(
        letters.map(({ code, topic: origin, partition, offset }) => ({ code, topic: origin, partition, offset })),
        places.map((place, index) => ({ code: index < 2 ? 'unparsable_event' : 'contract_mismatch', ...place })),
      );
      assert.ok(letters.every(({ cause, group }) => cause !== '' && group !== ''));
      const { offsets } = await stack.host.ports.bus.admin.topic(topic);
      const behind = (offsets[places[2]?.partition ?? 0]?.end ?? 0) - (places[2]?.offset ?? 0) - 1;
      assert.ok((places[0]?.offset ?? 0) > 0 && behind > 0, `${topic}: ${behind} records lie behind the poison`);
    }
  });

  /** Ways to lose the dead letters' topic, and to have it back. */
  const ways: Readonly<Record<string, { readonly away: () => Promise<unknown>; readonly back: () => Promise<unknown> }>> = {
    deleted: {
      async away() {
        await stack.join('sink');
        await asSuperUser(stack.broker.address, (admin) => admin.deleteTopics({ topics: [deadLetterTopic(HISTORY)] }));
      },
      back: () => stack.host.ports.bus.admin.ensureTopics(TOPICS),
    },
    'denied to the sink': {
      async away() {
        await grantSink((name) => name !== deadLetterTopic(HISTORY));
        const { secure, caPath } = stack.broker.address;
        await stack.join('sink', { bootstrapServers: secure, caPath, user: 'app', password: USERS.app });
      },
      back: () => grantSink((name) => name === deadLetterTopic(HISTORY)),
    },
  };

  async function grantSink(which: (name: string) => boolean): Promise<void> {
    const bus = await stack.openBus();
    const rights = accessRights([sink]).filter(({ name }) => which(name));
    await bus.admin.grant(rights.map(({ resource, name, operation }) => ({ user: 'app', resource, name, operation })));
    await bus.close();
  }

  for (const [how, { away, back }] of Object.entries(ways)) {
    it(`case 57: while the dead letters' topic is ${how} nothing is committed past the poison; then the workflow finishes`, async () => {
      await open(['fetch']);
      await away();
      const load = aLoad('ETHUSDT');
      const [place] = await stack.host.ports.bus.publish(poison(HISTORY, load.series[0] ?? '').slice(0, 1));
      const queueId = await stack.startWorkflow(load.request);
      const refusals = () =>
        stack.logs.filter(({ message }) => message === 'The dead letter could not be written and is tried again.').length;
      await eventually(() => refusals() >= 3, { deadlineMs: OUTAGE_MS, what: 'three tries to put it aside' });
      const own = async () => {
        const lags = await stack.host.ports.bus.admin.lag('sink-history', [HISTORY]);
        return lags.find(({ partition }) => partition === place?.partition);
      };
      await eventually(async () => ((await own())?.lag ?? 0) > 2, { deadlineMs: OUTAGE_MS, what: 'rows behind the poison' });

      const held = await stack.view(queueId);
      assert.deepEqual([held.status, held.stages[0]?.shards_done], ['loading', 0]);
      assert.ok(((await own())?.committed ?? 0) <= (place?.offset ?? 0), 'the poison is not committed');
      assert.deepEqual(deadLettersOf(await busView(stack.client)), {});
      await back();

      await assertLoaded(stack, queueId, load, { [deadLetterTopic(HISTORY)]: 1 });
    });
  }
});
