import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Bus } from '../../../shared/bus/bus.ts';
import { KafkaBus } from '../../../shared/bus/kafka/kafka-bus.ts';
import { connectKafka } from '../../../shared/bus/kafka/kafka-client.ts';
import { findBroker } from '../../support/kafka/shared-broker.ts';
import { QUICK } from '../../support/kafka/timing.ts';
import { watchProducers } from '../../support/kafka/watched-producer.ts';
import { assertComplete, assertSettled } from '../../support/settled.ts';
import { startStack } from '../../support/stack.ts';
import { assertTruth } from '../../support/truth.ts';

const found = await findBroker();
const FROM = Date.UTC(2024, 7, 5);
const TO = FROM + 4 * 86_400_000;
const SERIES = ['BTCUSDT', 'ETHUSDT'].map((symbol) => `binance:${symbol}:candles:5m`);
const REQUEST = {
  ...{ exchange: 'binance', symbols: ['BTCUSDT', 'ETHUSDT'], type: 'api_candles_5m', time_range: '2024-08-05:2024-08-08' },
  stages: ['load', 'build-graph'],
};
/** After it the adapter takes a new producer, and the brokers take what it sends again for something new. */
const LOST = { lose: Object.assign(new Error('the answer was lost'), { code: 45, retriable: false }) };

describe('a platform on Kafka whose answers get lost', { skip: 'missing' in found ? found.missing : false }, () => {
  it('has its events twice in the log, and each of their effects once: rows, ledger, shards, graph', async (t) => {
    if ('missing' in found) return;
    const watched = watchProducers(await connectKafka({ bootstrapServers: found.address.plain, timing: QUICK }));
    const sends = new Map<string, number>();
    // Every other one of each partition.
    watched.trouble = (_, { topic, messages }) => {
      const place = `${topic}/${messages[0]?.partition}`;
      sends.set(place, (sends.get(place) ?? 0) + 1);
      return (sends.get(place) ?? 0) % 2 === 1 ? LOST : undefined;
    };
    const stack = await startStack({
      host: { functionsFilter: ['workflows', 'fetch', 'sink', 'build-graph', 'stats'] },
      adapters: () => ({ bus: async () => new KafkaBus(watched.client) }),
    });
    t.after(() => stack.stop());

    const view = await stack.runWorkflow(REQUEST);

    await assertSettled(stack.client, 30_000);
    const rows = await assertTruth(stack.host.url, stack.simulator.rest, SERIES, FROM, TO);
    await assertComplete(stack.client, SERIES, FROM, TO);
    const [load] = view.stages;
    assert.deepEqual([view.status, view.attempt, view.error], ['finished', 1, undefined]);
    assert.deepEqual([load?.records_written, load?.rows_counted, load?.shards_done], [rows, rows, load?.shards_total]);
    assert.equal((await stack.host.ports.graphs.listGraphs()).length, 1);
    for (const topic of ['market.candles.history', 'queue-control.fetch.binance', 'queue-events']) {
      const ids = await idsIn(stack.host.ports.bus, topic);
      assert.ok(new Set(ids).size < ids.length, `${topic} has ${new Set(ids).size} events in ${ids.length} records`);
    }
  });
});

/** The ids of a topic's events, as often as they stand in the log. */
async function idsIn(bus: Bus, topic: string): Promise<readonly (string | undefined)[]> {
  const ids: (string | undefined)[] = [];
  for await (const records of bus.read({ topic, from: 'earliest', untilEnd: true }))
    ids.push(...records.map(({ headers }) => headers.ce_id));
  return ids;
}
