import assert from 'node:assert/strict';
import type { StreamEvent } from '../../../shared/events/event.ts';
import type { FetchShard } from '../../../shared/events/fetch-shard.ts';
import { type QueueEvent, queueEvent } from '../../../shared/events/queue-event.ts';
import { type ShardVerified, shardVerified } from '../../../shared/events/shard-verified.ts';
import { fetchTopic } from '../../../shared/events/topics.ts';
import type { ServedWorkflows } from './serve-workflows.ts';

/** Nine shards of one symbol. */
export const MONTH = { symbol: 'BTCUSDT', type: 'api_candles_5m', time_range: '2024-08-01:2024-08-31' };
export const FETCH = fetchTopic('binance');

/** `POST /workflows`; the queue id. Nothing is folded yet. */
export async function startOn(served: ServedWorkflows, body: object = MONTH): Promise<string> {
  const answer = await served.call('POST', '/workflows', body);
  assert.equal(answer.status, 202, answer.text);
  return answer.json().queue_id;
}

/** `GET /workflows/{queue_id}`. */
export async function readOn(served: ServedWorkflows, id: string) {
  return (await served.call('GET', `/workflows/${id}`)).json();
}

/** The events of one workflow in a topic. */
export async function eventsOn(served: ServedWorkflows, topic: string, id: string): Promise<StreamEvent[]> {
  return (await served.events(topic)).filter((event) => event.queueid === id);
}

/** The shards that were sent out for one attempt of a workflow. */
export async function shardsOn(served: ServedWorkflows, id: string, attempt = 1): Promise<FetchShard[]> {
  const commands = (await eventsOn(served, FETCH, id)).map(({ data }) => data as FetchShard);
  return commands.filter((command) => command.attempt === attempt);
}

/** The sink's verdict about a shard: proven, unless said otherwise. */
export function verdictOn(command: FetchShard, over: Partial<ShardVerified> = {}, time = Date.now()): StreamEvent {
  const { queue_id, attempt, shard, series } = command;
  const about = { queue_id, attempt, shard, series, try: command.try };
  return shardVerified.build(
    { ...about, verdict: 'persisted', counted: 1_000, missing: [], absent: [], ...over },
    { producer: 'sink', time },
  );
}

/** What a component says of its stage: completed, unless said otherwise. */
export function saidBy(target: string, queue_id: string, over: Partial<QueueEvent>): StreamEvent {
  const said: QueueEvent = {
    queue_id,
    attempt: 1,
    producer: `${target}__abcdef`,
    symbol: 'BTCUSDT',
    type: 'api_candles_5m',
    status: 'completed',
    message: 'done',
    records_written: 5,
    finished: true,
    timestamp: Date.now() / 1_000,
    ...over,
  };
  return queueEvent.build(said, { producer: target, time: Date.now() });
}
