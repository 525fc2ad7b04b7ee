import { setTimeout as sleep } from 'node:timers/promises';
import type { Admin, ITopicConfig } from 'kafkajs';
import kafkajs from 'kafkajs';
import { AppError, toAppError } from '../../domain/errors.ts';
import type { BusAdmin, PartitionLag, TopicDeclaration, TopicState } from '../bus.ts';
import { checkDeclaration, checkPartitionCount } from '../topic-declaration.ts';
import type { ClusterAccess } from './cluster-access.ts';
import { Connection } from './connection.ts';
import type { KafkaClient } from './kafka-client.ts';
import { type Attempt, isKind } from './kafka-errors.ts';

const VISIBLE_EVERY_MS = 20;
const FOREVER_MS = Number.MAX_SAFE_INTEGER;

/** What one user may do with one topic or group. */
export interface Grant {
  /** Name of the user, without `User:`. */
  readonly user: string;
  readonly resource: 'topic' | 'group';
  readonly name: string;
  readonly operation: 'read' | 'write';
}

/** Topics, groups, rights and retention of a Kafka cluster. */
export class KafkaAdmin implements BusAdmin {
  readonly #client: KafkaClient;
  readonly #cluster: ClusterAccess;
  readonly #connection: Connection<Admin>;
  /** Topics that were declared here: the only ones whose records `applyRetention` deletes. */
  readonly #declared = new Map<string, TopicDeclaration>();

  constructor(client: KafkaClient, cluster: ClusterAccess) {
    this.#client = client;
    this.#cluster = cluster;
    this.#connection = new Connection(() => client.kafka.admin(), client.timing.callMs);
  }

  async ensureTopics(topics: readonly TopicDeclaration[]): Promise<void> {
    for (const topic of topics) checkDeclaration(topic);
    const existing = new Set(await this.#names());
    const missing: TopicDeclaration[] = [];
    for (const topic of topics) {
      if (existing.has(topic.name)) checkPartitionCount(topic, await this.#cluster.partitionCount(topic.name, 'Describe'));
      else missing.push(topic);
    }
    if (missing.length > 0) await this.#create(missing);
    for (const topic of topics) this.#declared.set(topic.name, topic);
  }

  /** Lets users read and write what these grants name, from anywhere; what is granted already stays as it is. Whoever may read or write may also look. */
  async grant(grants: readonly Grant[]): Promise<void> {
    const { AclOperationTypes, AclPermissionTypes, AclResourceTypes, ResourcePatternTypes } = kafkajs;
    const acl = grants.map(({ user, resource, name, operation }) => ({
      resourceType: resource === 'topic' ? AclResourceTypes.TOPIC : AclResourceTypes.GROUP,
      resourceName: name,
      resourcePatternType: ResourcePatternTypes.LITERAL,
      principal: `User:${user}`,
      host: '*',
      operation: operation === 'read' ? AclOperationTypes.READ : AclOperationTypes.WRITE,
      permissionType: AclPermissionTypes.ALLOW,
    }));
    await this.#call({ doing: 'grant rights', right: 'Alter' }, (admin) => admin.createAcls({ acl }));
  }

  async topic(name: string): Promise<TopicState> {
    const [state] = await this.#states([name]);
    if (state === undefined) throw new AppError('not_found', `Topic ${name} does not exist.`, { topic: name });
    return state;
  }

  async topics(): Promise<readonly TopicState[]> {
    return this.#states(await this.#names());
  }

  async groups(): Promise<readonly string[]> {
    const { groups } = await this.#call({ doing: 'list the groups' }, (admin) => admin.listGroups());
    return groups.map(({ groupId }) => groupId).sort();
  }

  async lag(group: string, topics?: readonly string[]): Promise<readonly PartitionLag[]> {
    const committed = await this.#cluster.committed(group, topics);
    const named = topics ?? [...committed].filter(([, offsets]) => offsets.size > 0).map(([topic]) => topic);
    const bounds = await this.#cluster.bounds([...named].sort());
    return [...bounds].flatMap(([topic, partitions]) =>
      partitions.map(({ partition, begin, end }) => {
        const offset = committed.get(topic)?.get(partition);
        return { topic, partition, committed: offset ?? null, end, lag: Math.max(0, end - Math.max(begin, offset ?? begin)) };
      }),
    );
  }

  async resetOffsets(
    group: string,
    topic: string,
    to: 'earliest' | 'latest' | readonly { readonly partition: number; readonly offset: number }[],
  ): Promise<void> {
    const bounds = (await this.#cluster.bounds([topic])).get(topic) ?? [];
    const named =
      typeof to === 'string' ? bounds.map(({ partition, begin, end }) => ({ partition, offset: to === 'earliest' ? begin : end })) : to;
    const offsets = named.map(({ partition, offset }) => {
      const own = bounds.find((each) => each.partition === partition);
      if (own !== undefined) return { partition, offset: Math.min(own.end, Math.max(own.begin, offset)) };
      throw new AppError('invalid_request', `Topic ${topic} has no partition ${partition}.`, {
        fields: [{ path: 'partition', problem: `${partition} is not there`, allowed: `0 to ${bounds.length - 1}` }],
      });
    });
    await this.#assertEmpty(group);
    await this.#cluster.commitAlone(group, topic, offsets);
  }

  async deleteGroup(group: string): Promise<void> {
    await this.#assertEmpty(group);
    await this.#call({ doing: `delete group ${group}`, group, right: 'Delete' }, async (admin) => {
      try {
        await admin.deleteGroups([group]);
      } catch (error) {
        if (!isKind(error, 'GROUP_ID_NOT_FOUND')) throw error;
      }
    });
  }

  /** The brokers delete by themselves, in their own time and by their own clock. This does it at once, for the topics that were declared here. */
  async applyRetention(now: number): Promise<number> {
    let deleted = 0;
    for (const { name } of this.#declared.values()) {
      const { retentionMs, offsets } = await this.topic(name);
      const since = await this.#cluster.offsetsSince(name, Math.trunc(now - retentionMs));
      const moved = since.flatMap(({ partition, offset }) => {
        const begin = offsets.find((bounds) => bounds.partition === partition)?.begin ?? offset;
        return offset > begin ? [{ partition, offset: String(offset), count: offset - begin }] : [];
      });
      if (moved.length === 0) continue;
      await this.#call({ doing: `delete old records of topic ${name}`, topic: name, right: 'Delete' }, (admin) =>
        admin.deleteTopicRecords({ topic: name, partitions: moved.map(({ partition, offset }) => ({ partition, offset })) }),
      );
      deleted += moved.reduce((sum, { count }) => sum + count, 0);
    }
    return deleted;
  }

  close(): Promise<void> {
    return this.#connection.close();
  }

  async #create(missing: readonly TopicDeclaration[]): Promise<void> {
    const { replicationFactor } = this.#client;
    const configs = missing.map(
      ({ name, partitions, retentionMs }): ITopicConfig => ({
        topic: name,
        numPartitions: partitions,
        ...(replicationFactor === undefined ? {} : { replicationFactor }),
        configEntries: [
          { name: 'retention.ms', value: String(retentionMs) },
          { name: 'cleanup.policy', value: 'delete' },
          // A record's time is the time of its append, by the brokers' clock: that is what retention and every reader goes by.
          { name: 'message.timestamp.type', value: 'LogAppendTime' },
        ],
      }),
    );
    const names = missing.map(({ name }) => name).join(', ');
    await this.#call({ doing: `create topic ${names}`, topic: names, right: 'Create' }, (admin) =>
      admin.createTopics({ topics: configs, waitForLeaders: false }),
    );
    // Somebody else may have created one of them meanwhile, with another count.
    for (const topic of missing) checkPartitionCount(topic, await this.#visibleCount(topic.name));
  }

  /** A topic that was created is known to the controller first, and to the others a little later. */
  async #visibleCount(topic: string): Promise<number> {
    const patience = performance.now() + this.#client.timing.callMs;
    for (;;) {
      try {
        await this.#cluster.bounds([topic]);
        return await this.#cluster.partitionCount(topic, 'Describe');
      } catch (error) {
        if (toAppError(error).code !== 'not_found' || performance.now() > patience) throw error;
        await sleep(VISIBLE_EVERY_MS);
      }
    }
  }

  /** Names of all topics that are not the brokers' own. */
  async #names(): Promise<readonly string[]> {
    const names = await this.#call({ doing: 'list the topics' }, (admin) => admin.listTopics());
    return names.filter((name) => !name.startsWith('__')).sort();
  }

  async #states(names: readonly string[]): Promise<readonly TopicState[]> {
    if (names.length === 0) return [];
    const bounds = await this.#cluster.bounds(names);
    const { resources } = await this.#call(
      { doing: `read the settings of ${names.join(', ')}`, topic: names.join(', '), right: 'DescribeConfigs' },
      (admin) =>
        admin.describeConfigs({
          includeSynonyms: false,
          resources: names.map((name) => ({ type: kafkajs.ConfigResourceTypes.TOPIC, name, configNames: ['retention.ms'] })),
        }),
    );
    const retention = new Map(
      resources.map(({ resourceName, configEntries }) => [
        resourceName,
        Number(configEntries.find(({ configName }) => configName === 'retention.ms')?.configValue ?? -1),
      ]),
    );
    return names.map((name) => {
      const offsets = bounds.get(name) ?? [];
      const retentionMs = retention.get(name) ?? -1;
      return { name, partitions: offsets.length, retentionMs: retentionMs < 0 ? FOREVER_MS : retentionMs, offsets };
    });
  }

  async #assertEmpty(group: string): Promise<void> {
    await this.#cluster.assertGroup(group);
    const { groups } = await this.#call({ doing: `look at group ${group}`, group, right: 'Describe' }, (admin) =>
      admin.describeGroups([group]),
    );
    const members = groups[0]?.members.length ?? 0;
    const state = groups[0]?.state ?? 'Dead';
    if (members === 0 && (state === 'Empty' || state === 'Dead')) return;
    throw new AppError('state_conflict', `Group ${group} has ${members} members (${state}): stop them first.`, { group, members });
  }

  #call<R>(attempt: Omit<Attempt, 'user'>, work: (admin: Admin) => Promise<R>): Promise<R> {
    return this.#connection.call({ ...attempt, user: this.#client.user }, work);
  }
}
