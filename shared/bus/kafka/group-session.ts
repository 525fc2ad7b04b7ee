import { setTimeout as sleep } from 'node:timers/promises';
import type { Consumer, EachBatchPayload } from 'kafkajs';
import type { TopicPartition } from '../bus.ts';
import { disconnect } from './connection.ts';
import { within } from './deadline.ts';
import { createAssigner } from './group-assigner.ts';
import type { KafkaClient } from './kafka-client.ts';
import { isMembershipLost } from './kafka-errors.ts';
import { MAX_FETCH_BYTES, MAX_PARTITION_FETCH_BYTES } from './options.ts';
import type { PartitionDelivery } from './partition-delivery.ts';
import { toRecord } from './records.ts';

/** A batch that takes longer than this no longer holds up the fetches of the other partitions. */
const ATTACHED_MS = 200;
/** A consumer that neither fetched nor joined for this long, on top of its longest waits, is taken for dead. */
const STALL_MS = 30_000;
const STALL_CHECK_MS = 2_000;
/** How long a member that stops waits for the join that it has begun. */
const JOIN_PATIENCE_MS = 5_000;
/** Workers of a consumer: as many partitions of one fetch are handed over side by side. */
const WORKERS = 256;

/** What a session asks of its member. */
export interface SessionParts {
  readonly group: string;
  readonly topics: readonly string[];
  readonly beforeJoin: () => Promise<void>;
  readonly revoke: () => void;
  readonly joined: (assignment: readonly TopicPartition[]) => void;
  /** The delivery of a partition, where it is this member's to work on. */
  readonly deliver: (place: TopicPartition) => PartitionDelivery | undefined;
  readonly begun: (delivery: PartitionDelivery) => void;
  /** True where the partition's next records may be fetched when what is in hand is done. */
  readonly mayRead: (place: TopicPartition) => boolean;
  /** The brokers said that this generation is over. */
  readonly outdated: () => void;
}

/** One consumer of kafkajs, from its connecting to its end. What it fetched is worked on beside its loop, so that it goes on fetching, beating and joining. */
export class GroupSession {
  /** Resolves with what ended it: a failure, or undefined after `stop`. */
  readonly ended: Promise<unknown>;
  readonly #client: KafkaClient;
  readonly #parts: SessionParts;
  readonly #consumer: Consumer;
  readonly #over = Promise.withResolvers<unknown>();
  readonly #working = new Set<PartitionDelivery>();
  #payload: Pick<EachBatchPayload, 'heartbeat' | 'commitOffsetsIfNecessary'> | undefined;
  #lastSign = performance.now();
  #joining = 0;
  /** A consumer that has not joined, or has stopped, can pause nothing. */
  #inGroup = false;

  constructor(client: KafkaClient, parts: SessionParts) {
    this.#client = client;
    this.#parts = parts;
    const { timing } = client;
    this.#consumer = client.createKafka().consumer({
      groupId: parts.group,
      allowAutoTopicCreation: false,
      sessionTimeout: timing.sessionMs,
      heartbeatInterval: timing.heartbeatMs,
      rebalanceTimeout: timing.rebalanceMs,
      maxWaitTimeInMs: timing.fetchWaitMs,
      maxBytes: MAX_FETCH_BYTES,
      maxBytesPerPartition: MAX_PARTITION_FETCH_BYTES,
      metadataMaxAge: 60_000,
      partitionAssigners: [createAssigner({ beforeJoin: () => this.#beforeJoin(), revoke: parts.revoke })],
      // A consumer that crashed is replaced by the member, whatever kafkajs thinks of the failure.
      retry: { initialRetryTime: 100, maxRetryTime: 1_000, retries: 5, restartOnFailure: async () => false },
    });
    this.ended = this.#run();
  }

  setPaused({ topic, partition }: TopicPartition, paused: boolean): void {
    if (!this.#inGroup) return;
    const places = [{ topic, partitions: [partition] }];
    if (paused) this.#consumer.pause(places);
    else this.#consumer.resume(places);
  }

  async commit({ topic, partition }: TopicPartition, nextOffset: number): Promise<void> {
    const place = { topic, partition, offset: String(nextOffset) };
    // `commitOffsets` of a consumer that stops does nothing and says nothing; the one of a batch always asks the brokers.
    if (this.#payload === undefined) await this.#consumer.commitOffsets([place]);
    else await this.#payload.commitOffsetsIfNecessary({ topics: [{ topic, partitions: [place] }] });
  }

  async heartbeat(): Promise<void> {
    await this.#payload?.heartbeat();
  }

  /** Ends the session with a failure that the consumer does not see by itself. */
  fail(failure: unknown): void {
    this.#over.resolve(failure);
  }

  /** Leaves the group. */
  async stop(): Promise<void> {
    this.#over.resolve(undefined);
    await this.ended;
  }

  async #run(): Promise<unknown> {
    const { timing } = this.#client;
    const consumer = this.#consumer;
    const sign = (): void => {
      this.#lastSign = performance.now();
    };
    for (const event of [consumer.events.FETCH_START, consumer.events.FETCH, consumer.events.HEARTBEAT] as const) consumer.on(event, sign);
    consumer.on(consumer.events.GROUP_JOIN, ({ payload }) => {
      sign();
      this.#inGroup = true;
      const assignment = Object.entries(payload.memberAssignment).flatMap(([topic, partitions]) =>
        partitions.map((partition) => ({ topic, partition })),
      );
      this.#parts.joined(assignment);
    });
    consumer.on(consumer.events.STOP, () => {
      this.#inGroup = false;
    });
    consumer.on(consumer.events.CRASH, ({ payload }) => this.#over.resolve(payload.error));
    const beating = setInterval(() => void this.#beat(), timing.heartbeatMs);
    const watching = setInterval(() => this.#watch(), STALL_CHECK_MS);
    const starting = this.#start().catch((error: unknown) => this.#over.resolve(error));
    const failure = await this.#over.promise;
    clearInterval(watching);
    // A consumer that is stopped before it joined does not leave: the brokers would keep a member that nobody is, and its partitions, for a session.
    await within(JOIN_PATIENCE_MS, 'Joining', starting).catch(() => undefined);
    await disconnect(consumer);
    clearInterval(beating);
    return failure;
  }

  async #start(): Promise<void> {
    const { timing } = this.#client;
    const { group, topics } = this.#parts;
    await within(timing.callMs, `Connecting as group ${group}`, this.#consumer.connect());
    await within(
      timing.callMs,
      `Subscribing to ${topics.join(', ')}`,
      this.#consumer.subscribe({ topics: [...topics], fromBeginning: true }),
    );
    await this.#consumer.run({
      autoCommit: false,
      eachBatchAutoResolve: false,
      partitionsConsumedConcurrently: WORKERS,
      eachBatch: (payload) => this.#eachBatch(payload),
    });
  }

  async #eachBatch(payload: EachBatchPayload): Promise<void> {
    const { topic, partition, messages } = payload.batch;
    const place = { topic, partition };
    this.#payload = payload;
    const delivery = payload.isRunning() && !payload.isStale() ? this.#parts.deliver(place) : undefined;
    if (delivery === undefined || delivery.busy) {
      // Nothing is resolved: these records come again where they may be read.
      this.setPaused(place, true);
      return;
    }
    const first = Number(messages[0]?.offset ?? 0);
    const work = delivery.work(messages.map((message) => toRecord(place, message)));
    this.#working.add(delivery);
    this.#parts.begun(delivery);
    const resolved = work.then((next) => {
      this.#working.delete(delivery);
      if (!delivery.lost && next > first) payload.resolveOffset(String(next - 1));
    });
    const late = new AbortController();
    const attached = await Promise.race([resolved.then(() => true), sleep(ATTACHED_MS, false, { signal: late.signal }).catch(() => false)]);
    late.abort();
    if (attached) {
      if (delivery.failure !== undefined) throw delivery.failure;
      return;
    }
    this.setPaused(place, true);
    void resolved.then(() => {
      if (!delivery.lost && this.#parts.mayRead(place)) this.setPaused(place, false);
    });
  }

  async #beforeJoin(): Promise<void> {
    this.#joining += 1;
    try {
      await this.#parts.beforeJoin();
    } finally {
      this.#joining -= 1;
      this.#lastSign = performance.now();
    }
  }

  /** While records are in hand, also while a join waits for that: kafkajs beats only when it fetches. */
  async #beat(): Promise<void> {
    if (this.#working.size === 0) return;
    try {
      await this.heartbeat();
    } catch (error) {
      if (isMembershipLost(error)) this.#parts.outdated();
    }
  }

  #watch(): void {
    const { rebalanceMs, fetchWaitMs } = this.#client.timing;
    const silentMs = performance.now() - this.#lastSign;
    if (this.#joining > 0 || silentMs < STALL_MS + rebalanceMs + fetchWaitMs) return;
    this.#over.resolve(new Error(`The consumer of group ${this.#parts.group} stood still for ${Math.round(silentMs)} ms`));
  }
}
