import kafkajs, { type Admin } from 'kafkajs';
import { connectKafka } from '../../../shared/bus/kafka/kafka-client.ts';
import type { BrokerAddress } from './broker.ts';

/** What a user may do: the rights of Kafka that are granted. */
export interface Grant {
  readonly user: string;
  readonly topic?: string;
  readonly group?: string;
  readonly rights: readonly ('READ' | 'WRITE' | 'DESCRIBE' | 'CREATE' | 'DELETE' | 'DESCRIBE_CONFIGS')[];
}

/** Runs `work` as a super user of the broker. */
export async function asSuperUser<T>(address: BrokerAddress, work: (admin: Admin) => Promise<T>): Promise<T> {
  const { kafka } = await connectKafka({ bootstrapServers: address.plain });
  const admin = kafka.admin();
  await admin.connect();
  try {
    return await work(admin);
  } finally {
    await admin.disconnect();
  }
}

export async function grant(address: BrokerAddress, grants: readonly Grant[]): Promise<void> {
  const { AclOperationTypes, AclPermissionTypes, AclResourceTypes, ResourcePatternTypes } = kafkajs;
  const acl = grants.flatMap(({ user, topic, group, rights }) =>
    rights.map((right) => ({
      resourceType: topic === undefined ? AclResourceTypes.GROUP : AclResourceTypes.TOPIC,
      resourceName: topic ?? group ?? '',
      resourcePatternType: ResourcePatternTypes.LITERAL,
      principal: `User:${user}`,
      host: '*',
      operation: AclOperationTypes[right],
      permissionType: AclPermissionTypes.ALLOW,
    })),
  );
  await asSuperUser(address, (admin) => admin.createAcls({ acl }));
}

/** Takes every member out of a group, as the brokers do with one that they take for dead. */
export async function throwOut(address: BrokerAddress, group: string): Promise<void> {
  const client = await connectKafka({ bootstrapServers: address.plain });
  const { groups } = await asSuperUser(address, (admin) => admin.describeGroups([group]));
  const cluster = client.createCluster();
  await cluster.connect();
  try {
    await cluster.refreshMetadata();
    const coordinator = await cluster.findGroupCoordinator({ groupId: group });
    // The types leave out what the client's own consumer calls.
    const { leaveGroup } = coordinator as unknown as { leaveGroup(request: { groupId: string; memberId: string }): Promise<void> };
    for (const { memberId } of groups[0]?.members ?? []) await leaveGroup.call(coordinator, { groupId: group, memberId });
  } finally {
    await cluster.disconnect();
  }
}
