import { setTimeout as sleep } from 'node:timers/promises';
import type { Cluster } from 'kafkajs';
import { AppError } from '../../domain/errors.ts';
import type { BusRecord, ReadOptions } from '../bus.ts';
import type { ClusterAccess, PartitionBounds } from './cluster-access.ts';
import { disconnect } from './connection.ts';
import { closedError, within } from './deadline.ts';
import type { KafkaClient } from './kafka-client.ts';
import { isKind, toBusError } from './kafka-errors.ts';
import { MAX_PARTITION_FETCH_BYTES } from './options.ts';
import { type FetchedMessage, toRecord } from './records.ts';

/** Records of one batch at most. */
const BATCH_RECORDS = 500;
/** A read without any answer from the brokers gives up after this long. */
const PATIENCE_MS = 30_000;
const PAUSE_MS = 250;

/** What is read of one partition: from `next` up to `end` (`Infinity` to follow). */
interface Range {
  readonly partition: number;
  readonly end: number;
  next: number;
}

/** A fetch's answer, as far as it is read here. */
interface FetchAnswer {
  readonly responses: readonly {
    readonly partitions: readonly { readonly partition: number; readonly messages: readonly FetchedMessage[] }[];
  }[];
}

/** Reads a topic without a group, by fetches of its own: no membership, no offset, nothing left behind at the brokers. */
export class LogReader {
  readonly #client: KafkaClient;
  readonly #access: ClusterAccess;
  readonly #closing: AbortSignal;

  constructor(client: KafkaClient, access: ClusterAccess, closing: AbortSignal) {
    this.#client = client;
    this.#access = access;
    this.#closing = closing;
  }

  /** The ranges that a call means, by the ends of its moment. Throws `not_found`, `invalid_request`. */
  async ranges({ topic, partitions, from, untilEnd = false }: ReadOptions): Promise<readonly Range[]> {
    const bounds = (await this.#access.bounds([topic])).get(topic) ?? [];
    const unknown = partitions?.find((partition) => bounds.every((each) => each.partition !== partition));
    if (unknown !== undefined) {
      const allowed = `0 to ${bounds.length - 1}`;
      throw new AppError('invalid_request', `Topic ${topic} has no partition ${unknown}.`, {
        fields: [{ path: 'partitions', problem: `${unknown} is not there`, allowed }],
      });
    }
    return bounds
      .filter(({ partition }) => partitions?.includes(partition) ?? true)
      .map((each) => ({ partition: each.partition, end: untilEnd ? each.end : Number.POSITIVE_INFINITY, next: startOf(each, from) }));
  }

  async *read(topic: string, ranges: readonly Range[], signal: AbortSignal | undefined): AsyncGenerator<readonly BusRecord[]> {
    const cluster = this.#client.createCluster();
    const over = (): boolean => signal?.aborted === true || this.#closing.aborted;
    let silentSince = performance.now();
    try {
      for (let left = open(ranges); left.length > 0 && !over(); left = open(ranges)) {
        let answers: readonly FetchAnswer[];
        try {
          answers = await this.#fetch(cluster, topic, left, signal);
          silentSince = performance.now();
        } catch (error) {
          if (over()) break;
          await this.#recover(error, topic, left, performance.now() - silentSince, cluster);
          continue;
        }
        for (const records of take(topic, answers, left)) {
          if (over()) break;
          yield records;
        }
      }
    } finally {
      void disconnect(cluster);
    }
    if (this.#closing.aborted && signal?.aborted !== true) throw closedError();
  }

  /** One fetch from each broker that leads one of the partitions. Ends early when the read does. */
  async #fetch(cluster: Cluster, topic: string, left: readonly Range[], signal: AbortSignal | undefined): Promise<readonly FetchAnswer[]> {
    const { fetchWaitMs, callMs } = this.#client.timing;
    const work = (async () => {
      await cluster.connect();
      await cluster.addMultipleTargetTopics([topic]);
      await cluster.refreshMetadataIfNecessary();
      const byLeader = cluster.findLeaderForPartitions(
        topic,
        left.map(({ partition }) => partition),
      );
      return Promise.all(
        Object.entries(byLeader).map(async ([nodeId, partitions]): Promise<FetchAnswer> => {
          const broker = await cluster.findBroker({ nodeId });
          const wanted = left.filter(({ partition }) => partitions.includes(partition));
          return broker.fetch({
            maxWaitTime: fetchWaitMs,
            minBytes: 1,
            maxBytes: MAX_PARTITION_FETCH_BYTES,
            topics: [
              {
                topic,
                partitions: wanted.map(({ partition, next }) => ({
                  partition,
                  fetchOffset: String(next),
                  maxBytes: MAX_PARTITION_FETCH_BYTES,
                })),
              },
            ],
          });
        }),
      );
    })();
    const ended = AbortSignal.any([this.#closing, ...(signal === undefined ? [] : [signal])]);
    const gone = Promise.withResolvers<readonly FetchAnswer[]>();
    const end = (): void => gone.resolve([]);
    ended.addEventListener('abort', end, { once: true });
    try {
      return await within(callMs + fetchWaitMs, `Reading topic ${topic}`, Promise.race([work, gone.promise]));
    } finally {
      ended.removeEventListener('abort', end);
      work.catch(() => undefined);
    }
  }

  /** Makes the next fetch possible, or throws what no further one cures. */
  async #recover(error: unknown, topic: string, left: readonly Range[], silentMs: number, cluster: Cluster): Promise<void> {
    if (isKind(error, 'KafkaJSOffsetOutOfRange', 'OFFSET_OUT_OF_RANGE')) {
      // Retention has moved the begin: what it deleted is gone, reading goes on with what is left.
      const bounds = (await this.#access.bounds([topic])).get(topic) ?? [];
      for (const range of left) {
        const own = bounds.find(({ partition }) => partition === range.partition);
        if (own !== undefined) range.next = Math.min(Math.max(range.next, own.begin), own.end);
      }
      return;
    }
    const failure = toBusError(error, { doing: `read topic ${topic}`, user: this.#client.user, topic, right: 'Read' });
    if (failure.meaning !== 'retryable' || silentMs > PATIENCE_MS) throw failure;
    await sleep(PAUSE_MS);
    // A leader that moved or a broker that is gone: the next fetch asks where the partitions are now.
    await within(this.#client.timing.callMs, 'Asking for leaders', cluster.refreshMetadata()).catch(() => undefined);
  }
}

function open(ranges: readonly Range[]): readonly Range[] {
  return ranges.filter(({ next, end }) => next < end);
}

function startOf({ partition, begin, end }: PartitionBounds, from: ReadOptions['from']): number {
  if (from === 'earliest') return begin;
  if (from === 'latest') return end;
  return Math.min(end, Math.max(begin, from[partition] ?? begin));
}

/** Batches of the records that were asked for; moves the ranges on, also past what is no record. */
function* take(topic: string, answers: readonly FetchAnswer[], ranges: readonly Range[]): Generator<readonly BusRecord[]> {
  for (const { partition, messages } of answers.flatMap(({ responses }) => responses.flatMap(({ partitions }) => partitions))) {
    const range = ranges.find((each) => each.partition === partition);
    if (range === undefined) continue;
    let batch: BusRecord[] = [];
    for (const message of messages) {
      const offset = Number(message.offset);
      if (offset < range.next || offset >= range.end) continue;
      range.next = offset + 1;
      if (message.isControlRecord === true) continue;
      batch.push(toRecord({ topic, partition }, message));
      if (batch.length < BATCH_RECORDS) continue;
      yield batch;
      batch = [];
    }
    if (batch.length > 0) yield batch;
  }
}
