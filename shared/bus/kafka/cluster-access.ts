import { setTimeout as sleep } from 'node:timers/promises';
import type { Broker, Cluster } from 'kafkajs';
import { AppError } from '../../domain/errors.ts';
import { Connection } from './connection.ts';
import type { KafkaClient } from './kafka-client.ts';
import { type Attempt, isKind } from './kafka-errors.ts';

/** A leader is found within seconds, or its broker is away for longer than a question may take. */
const LOOK_AGAIN_MS = 200;
const MOST_LOOKS = 50;

/** Bounds of one partition: the earliest offset that is there, the one behind the newest. */
export interface PartitionBounds {
  readonly partition: number;
  readonly begin: number;
  readonly end: number;
}

/** Questions about topics and groups that need no membership. */
export class ClusterAccess {
  readonly #client: KafkaClient;
  readonly #connection: Connection<Cluster>;
  /** Partition counts never change: once known, always known. */
  readonly #counts = new Map<string, number>();

  constructor(client: KafkaClient) {
    this.#client = client;
    this.#connection = new Connection(() => client.createCluster(), client.timing.callMs);
  }

  /** The partition count where it is known already. */
  knownCount(topic: string): number | undefined {
    return this.#counts.get(topic);
  }

  /** Throws `not_found`; `right` is what the caller is about to do. */
  async partitionCount(topic: string, right: NonNullable<Attempt['right']>): Promise<number> {
    const known = this.#counts.get(topic);
    if (known !== undefined) return known;
    const count = await this.#call({ doing: `read about topic ${topic}`, topic, right }, async (cluster) => {
      await cluster.addMultipleTargetTopics([topic]);
      return cluster.findTopicPartitionMetadata(topic).length;
    });
    this.#counts.set(topic, count);
    return count;
  }

  /** Forgets a topic that turned out not to be there. */
  forget(topic: string): void {
    this.#counts.delete(topic);
  }

  /** Begin and end of every partition of the topics, by topic. Throws `not_found`. */
  async bounds(topics: readonly string[]): Promise<ReadonlyMap<string, readonly PartitionBounds[]>> {
    for (const topic of topics) await this.partitionCount(topic, 'Describe');
    if (topics.length === 0) return new Map();
    const [begins, ends] = await this.#call({ doing: `read the offsets of ${topics.join(', ')}`, topic: topics.join(', ') }, (cluster) =>
      Promise.all([this.#offsets(cluster, topics, true), this.#offsets(cluster, topics, false)]),
    );
    return new Map(
      topics.map((topic) => {
        const begin = begins.get(topic) ?? new Map<number, number>();
        const list = [...(ends.get(topic) ?? [])].map(([partition, end]) => ({ partition, begin: begin.get(partition) ?? end, end }));
        return [topic, list.sort((a, b) => a.partition - b.partition)];
      }),
    );
  }

  /** By partition: the first offset whose record is not older than `time` (epoch ms), or the end. */
  async offsetsSince(topic: string, time: number): Promise<readonly { readonly partition: number; readonly offset: number }[]> {
    const ends = (await this.bounds([topic])).get(topic) ?? [];
    return this.#call({ doing: `read the offsets of ${topic}`, topic }, async (cluster) => {
      const partitions = ends.map(({ partition }) => ({ partition }));
      const [found] = await whileLeadersMove(cluster, () => cluster.fetchTopicsOffset([{ topic, partitions, fromTimestamp: time }]));
      const offsets = new Map((found?.partitions ?? []).map(({ partition, offset }) => [partition, Number(offset)]));
      return ends.map(({ partition, end }) => {
        const offset = offsets.get(partition) ?? -1;
        return { partition, offset: offset < 0 ? end : offset };
      });
    });
  }

  /** Committed offsets of a group: of all its topics, or of those named. A partition without one is left out. */
  async committed(group: string, topics: readonly string[] = []): Promise<ReadonlyMap<string, ReadonlyMap<number, number>>> {
    const asked = await Promise.all(
      topics.map(async (topic) => ({
        topic,
        partitions: Array.from({ length: await this.partitionCount(topic, 'Describe') }, (_, partition) => ({ partition, offset: '-1' })),
      })),
    );
    const { responses } = await this.#withCoordinator(`read the offsets of group ${group}`, group, (coordinator) =>
      coordinator.offsetFetch({ groupId: group, topics: asked }),
    );
    return new Map(
      responses.map(({ topic, partitions }) => {
        const known = partitions.map(({ partition, offset }): [number, number] => [partition, Number(offset)]);
        return [topic, new Map(known.filter(([, offset]) => offset >= 0))];
      }),
    );
  }

  /** Commits for a group that has no member. Throws `state_conflict` where it has one. */
  async commitAlone(
    group: string,
    topic: string,
    offsets: readonly { readonly partition: number; readonly offset: number }[],
  ): Promise<void> {
    const partitions = offsets.map(({ partition, offset }) => ({ partition, offset: String(offset) }));
    await this.#withCoordinator(`move group ${group}`, group, (coordinator) =>
      coordinator.offsetCommit({ groupId: group, groupGenerationId: -1, memberId: '', topics: [{ topic, partitions }] }),
    );
  }

  /** Throws `invalid_setting` where the user may not read as the group: a consumer would only say that it finds no coordinator. */
  async assertGroup(group: string): Promise<void> {
    await this.#withCoordinator(`join group ${group}`, group, async () => undefined);
  }

  close(): Promise<void> {
    return this.#connection.close();
  }

  #withCoordinator<R>(doing: string, group: string, work: (coordinator: Broker) => Promise<R>): Promise<R> {
    return this.#call({ doing, group }, async (cluster) => {
      const coordinator = await cluster.findGroupCoordinator({ groupId: group }).catch(async (error: unknown) => {
        if (isKind(error, 'KafkaJSGroupCoordinatorNotFound')) await assertAllowed(cluster, group);
        throw error;
      });
      return work(coordinator);
    });
  }

  async #call<R>(attempt: Omit<Attempt, 'user'>, work: (cluster: Cluster) => Promise<R>): Promise<R> {
    return this.#connection.call({ ...attempt, user: this.#client.user }, work);
  }

  async #offsets(cluster: Cluster, topics: readonly string[], fromBeginning: boolean): Promise<Map<string, Map<number, number>>> {
    await cluster.addMultipleTargetTopics([...topics]);
    const asked = topics.map((topic) => ({
      topic,
      partitions: cluster.findTopicPartitionMetadata(topic).map(({ partitionId }) => ({ partition: partitionId })),
      fromBeginning,
    }));
    const found = await whileLeadersMove(cluster, () => cluster.fetchTopicsOffset(asked));
    return new Map(
      found.map(({ topic, partitions }) => [topic, new Map(partitions.map(({ partition, offset }) => [partition, Number(offset)]))]),
    );
  }
}

/** Asks again while partitions have no leader yet, or another one than was known: just after a topic was made, or a broker lost. */
async function whileLeadersMove<R>(cluster: Cluster, ask: () => Promise<R>): Promise<R> {
  for (let tries = 1; ; tries++) {
    try {
      return await ask();
    } catch (error) {
      if (tries === MOST_LOOKS || !isKind(error, 'NOT_LEADER_FOR_PARTITION', 'LEADER_NOT_AVAILABLE')) throw error;
      await sleep(LOOK_AGAIN_MS);
      await cluster.refreshMetadata();
    }
  }
}

/** Every broker knows who may read as a group, its coordinator or not; kafkajs keeps that answer to itself when it looks for the coordinator. */
async function assertAllowed(cluster: Cluster, group: string): Promise<void> {
  const [nodeId] = cluster.getNodeIds();
  if (nodeId === undefined) throw new AppError('bus_unavailable', 'No broker is known.', { group });
  const broker = await cluster.findBroker({ nodeId: String(nodeId) });
  await broker.describeGroups({ groupIds: [group] });
}
