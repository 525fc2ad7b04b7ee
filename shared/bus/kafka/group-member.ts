import { setTimeout as sleep } from 'node:timers/promises';
import { AppError, isRetryable } from '../../domain/errors.ts';
import type { SubscribeOptions, Subscription, TopicPartition } from '../bus.ts';
import { Slots } from '../slots.ts';
import type { ClusterAccess } from './cluster-access.ts';
import { within } from './deadline.ts';
import { GroupSession } from './group-session.ts';
import type { KafkaClient } from './kafka-client.ts';
import { isMembershipLost, toBusError } from './kafka-errors.ts';
import { type DeliveryParts, PartitionDelivery } from './partition-delivery.ts';

const DEFAULT_GRACE_MS = 10_000;
/** A handler that does not end although its signal aborted is left behind after this long. */
const ABANDON_MS = 5_000;
const FIRST_REJOIN_MS = 250;
const LONGEST_REJOIN_MS = 5_000;
const DEFAULT_BATCH_BYTES = 1_048_576;
const DEFAULT_BATCH_RECORDS = 500;

/** One member of a consumer group, through as many consumers of kafkajs as it takes. */
export class KafkaMember implements Subscription {
  readonly ended: Promise<void>;
  readonly group: string;
  readonly topics: readonly string[];
  readonly #client: KafkaClient;
  readonly #access: ClusterAccess;
  readonly #parts: DeliveryParts;
  readonly #end = Promise.withResolvers<void>();
  readonly #stopping = new AbortController();
  /** By place: what the generation of now gave to this member. */
  #deliveries = new Map<string, PartitionDelivery>();
  /** Everything that is in somebody's hands, of this generation or one before. */
  readonly #inHands = new Map<string, PartitionDelivery>();
  readonly #paused = new Set<string>();
  #session: GroupSession | undefined;
  #generation = 0;
  #lettingGo: NodeJS.Timeout | undefined;
  #stopped: Promise<void> | undefined;
  readonly #running: Promise<void>;

  constructor(client: KafkaClient, access: ClusterAccess, options: SubscribeOptions) {
    const { group, topics, onBatch, maxBatchBytes = DEFAULT_BATCH_BYTES, maxBatchRecords = DEFAULT_BATCH_RECORDS } = options;
    this.#client = client;
    this.#access = access;
    this.group = group;
    this.topics = topics;
    this.#parts = {
      group,
      user: client.user,
      onBatch,
      maxBatchBytes,
      maxBatchRecords,
      slots: new Slots(options.concurrency ?? Number.POSITIVE_INFINITY),
      sendCommit: (place, nextOffset) => this.#sendCommit(place, nextOffset),
      heartbeat: () => this.#heartbeat(),
      outdated: () => this.#letGo(0),
    };
    this.ended = this.#end.promise;
    // Whoever wants to know listens to `ended`; nobody has to.
    this.ended.catch(() => undefined);
    this.#running = this.#run();
  }

  assignment(): readonly TopicPartition[] {
    return [...this.#deliveries.values()].map(({ topic, partition }) => ({ topic, partition })).sort(byPlace);
  }

  pause(partitions: readonly TopicPartition[]): void {
    this.#setPaused(partitions, true);
  }

  resume(partitions: readonly TopicPartition[]): void {
    this.#setPaused(partitions, false);
  }

  stop({ graceMs = DEFAULT_GRACE_MS }: { readonly graceMs?: number } = {}): Promise<void> {
    this.#stopped ??= this.#stop(graceMs);
    return this.#stopped;
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopping;
    for (let pauseMs = FIRST_REJOIN_MS; !signal.aborted; pauseMs = Math.min(2 * pauseMs, LONGEST_REJOIN_MS)) {
      const began = this.#generation;
      const failure = await this.#live();
      if (signal.aborted) return;
      const known = toBusError(failure, {
        doing: `read ${this.topics.join(', ')} as group ${this.group}`,
        user: this.#client.user,
        group: this.group,
        topic: this.topics.join(', '),
        right: 'Read',
      });
      if (!isRetryable(known) && known.code !== 'state_conflict') {
        this.#end.reject(known);
        return;
      }
      if (this.#generation > began) pauseMs = FIRST_REJOIN_MS;
      await sleep(pauseMs, undefined, { signal }).catch(() => undefined);
    }
  }

  /** One consumer from its beginning to its end. Resolves with what ended it, when nothing is in the member's hands. */
  async #live(): Promise<unknown> {
    const session = new GroupSession(this.#client, {
      group: this.group,
      topics: this.topics,
      beforeJoin: () => this.#beforeJoin(),
      revoke: () => this.#revokeAll(),
      joined: (assignment) => this.#joined(session, assignment),
      deliver: (place) => {
        const delivery = this.#deliveries.get(placeOf(place));
        return delivery === undefined || delivery.lost || this.#stopping.signal.aborted ? undefined : delivery;
      },
      begun: (delivery) => this.#hold(delivery),
      mayRead: (place) => !this.#paused.has(placeOf(place)) && !this.#stopping.signal.aborted,
      outdated: () => this.#letGo(this.#client.timing.letGoMs),
    });
    this.#session = session;
    const tending = setInterval(() => void this.#tend(), this.#client.timing.tendMs);
    const failure = await session.ended;
    clearInterval(tending);
    this.#letGo(0);
    await this.#emptyHands(this.#client.timing.rebalanceMs);
    this.#revokeAll();
    this.#session = undefined;
    return failure;
  }

  /** Before the member joins again, what it has in its hands is finished or aborted: nobody is given it before. */
  async #beforeJoin(): Promise<void> {
    this.#letGo(this.#client.timing.letGoMs);
    await this.#emptyHands(this.#client.timing.rebalanceMs);
  }

  /** The generation is over: no further batch starts, those in flight have `graceMs` left. */
  #letGo(graceMs: number): void {
    const deliveries = [...this.#deliveries.values()];
    for (const delivery of deliveries) delivery.finish();
    if (graceMs > 0 && deliveries.some(({ busy }) => busy)) {
      this.#lettingGo ??= setTimeout(() => this.#letGo(0), graceMs);
      return;
    }
    clearTimeout(this.#lettingGo);
    this.#lettingGo = undefined;
    for (const delivery of deliveries) delivery.revoke(lostError(delivery));
  }

  #revokeAll(): void {
    this.#letGo(0);
    this.#deliveries = new Map();
  }

  async #emptyHands(mostMs: number): Promise<void> {
    const settled = Promise.all([...this.#inHands.values()].map((delivery) => delivery.settled()));
    await within(mostMs, 'Letting go', settled).catch(() => undefined);
  }

  #hold(delivery: PartitionDelivery): void {
    const place = placeOf(delivery);
    this.#inHands.set(place, delivery);
    void delivery.settled().then(() => {
      if (this.#inHands.get(place) === delivery && !delivery.busy) this.#inHands.delete(place);
    });
  }

  #joined(session: GroupSession, assignment: readonly TopicPartition[]): void {
    clearTimeout(this.#lettingGo);
    this.#lettingGo = undefined;
    this.#generation += 1;
    const after = (place: TopicPartition) => this.#inHands.get(placeOf(place))?.settled();
    this.#deliveries = new Map(
      assignment.map((place) => [placeOf(place), new PartitionDelivery(place, this.#generation, this.#parts, after(place))]),
    );
    for (const place of this.#paused) if (!this.#deliveries.has(place)) this.#paused.delete(place);
    for (const delivery of this.#deliveries.values()) {
      const paused = this.#paused.has(placeOf(delivery));
      delivery.setPaused(paused);
      session.setPaused(delivery, paused || this.#stopping.signal.aborted);
    }
    void this.#tend();
  }

  /**
   * Compares the group's offsets with the log, for the partitions of this member: where nothing was committed, or something that lies outside the log, the
   * log's begin is (its end, where the log is empty). Without that nobody can tell how far the group is.
   */
  async #tend(): Promise<void> {
    const deliveries = [...this.#deliveries.values()];
    const topics = [...new Set(deliveries.map(({ topic }) => topic))];
    if (topics.length === 0) return;
    try {
      const [committed, bounds] = await Promise.all([this.#access.committed(this.group, topics), this.#access.bounds(topics)]);
      await Promise.all(
        deliveries.map(async (delivery) => {
          const own = bounds.get(delivery.topic)?.find(({ partition }) => partition === delivery.partition);
          const offset = committed.get(delivery.topic)?.get(delivery.partition);
          if (own === undefined || (offset !== undefined && offset >= own.begin && offset <= own.end)) return;
          await delivery.commitBegin(own.begin);
        }),
      );
    } catch (error) {
      // Nothing is lost by it: a group without an offset begins at the log's begin, and the next look is not far. What is refused for good ends the member.
      const failure = toBusError(error, { doing: `read the offsets of group ${this.group}`, user: this.#client.user, group: this.group });
      if (failure.code === 'invalid_setting') this.#session?.fail(failure);
    }
  }

  async #sendCommit(place: TopicPartition, nextOffset: number): Promise<void> {
    const session = this.#session;
    if (session === undefined)
      throw new AppError('bus_unavailable', `Group ${this.group} has no consumer just now.`, { group: this.group });
    await within(this.#client.timing.callMs, `Committing ${placeOf(place)}`, session.commit(place, nextOffset));
  }

  async #heartbeat(): Promise<void> {
    try {
      await this.#session?.heartbeat();
    } catch (error) {
      if (isMembershipLost(error)) this.#letGo(this.#client.timing.letGoMs);
      else throw toBusError(error, { doing: `say that group ${this.group} is alive`, user: this.#client.user, group: this.group });
    }
  }

  #setPaused(partitions: readonly TopicPartition[], paused: boolean): void {
    for (const partition of partitions) {
      const delivery = this.#deliveries.get(placeOf(partition));
      if (delivery === undefined) continue;
      if (paused) this.#paused.add(placeOf(partition));
      else this.#paused.delete(placeOf(partition));
      delivery.setPaused(paused);
      if (paused || !delivery.busy) this.#session?.setPaused(partition, paused);
    }
  }

  async #stop(graceMs: number): Promise<void> {
    const deliveries = [...this.#deliveries.values()];
    this.#stopping.abort();
    for (const delivery of deliveries) {
      delivery.finish();
      this.#session?.setPaused(delivery, true);
    }
    await this.#emptyHands(graceMs);
    for (const delivery of [...this.#deliveries.values(), ...this.#inHands.values()]) delivery.revoke(stoppedError(delivery, graceMs));
    await this.#emptyHands(ABANDON_MS);
    this.#deliveries = new Map();
    await this.#session?.stop();
    await this.#running;
    this.#end.resolve();
  }
}

function placeOf({ topic, partition }: TopicPartition): string {
  return `${topic}/${partition}`;
}

function byPlace(a: TopicPartition, b: TopicPartition): number {
  if (a.topic !== b.topic) return a.topic < b.topic ? -1 : 1;
  return a.partition - b.partition;
}

function lostError({ topic, partition, group, generation }: PartitionDelivery): AppError {
  const message = `Generation ${generation} of group ${group} is over, and ${topic}/${partition} with it: drop what is not done, it comes again at its owner.`;
  return new AppError('state_conflict', message, { topic, partition, generation });
}

function stoppedError({ topic, partition, group }: PartitionDelivery, graceMs: number): AppError {
  const message = `The member of group ${group} stops and its ${graceMs} ms are over: drop what is not done on ${topic}/${partition}, it comes again.`;
  return new AppError('state_conflict', message, { topic, partition });
}
