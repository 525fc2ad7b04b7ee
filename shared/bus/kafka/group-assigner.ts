import { type Assigner, AssignerProtocol, type Cluster, type GroupMember, type PartitionAssigner } from 'kafkajs';
import { type Assignable, assignPartitions } from '../assignment.ts';

const NAME = 'streamforge';
const VERSION = 1;
const NO_DATA = Buffer.alloc(0);

/** What a member does around its joining. */
export interface JoinHooks {
  /** Awaited before the member joins, for the first time or again: its hands have to be empty then. */
  readonly beforeJoin: () => Promise<void>;
  /** The member gives up whatever the last generation gave to it. */
  readonly revoke: () => void;
}

/**
 * Assigns each partition to a member that subscribes to its topic, as evenly as that allows (kafkajs's own gives every member the topics of its leader). It
 * is also where the member lets go: kafkajs asks for the coordinator and then for this assigner's metadata at the beginning of every join, and at no other time.
 */
export function createAssigner(hooks: JoinHooks): PartitionAssigner {
  return ({ cluster }): Assigner => {
    holdJoins(cluster, hooks.beforeJoin);
    return {
      name: NAME,
      version: VERSION,
      protocol({ topics }) {
        hooks.revoke();
        return { name: NAME, metadata: AssignerProtocol.MemberMetadata.encode({ version: VERSION, topics, userData: NO_DATA }) };
      },
      async assign({ members }) {
        return assign(cluster, members);
      },
    };
  };
}

/** A group waits for all of its members to join again; until then nobody is given what this one still has in its hands. */
function holdJoins(cluster: Cluster, beforeJoin: () => Promise<void>): void {
  const find = cluster.findGroupCoordinator.bind(cluster);
  cluster.findGroupCoordinator = async (group) => {
    await beforeJoin();
    return find(group);
  };
}

async function assign(cluster: Cluster, members: readonly GroupMember[]) {
  const assignees = members
    .map(({ memberId, memberMetadata }) => ({
      memberId,
      topics: new Set(AssignerProtocol.MemberMetadata.decode(memberMetadata)?.topics ?? []),
    }))
    .sort((a, b) => (a.memberId < b.memberId ? -1 : 1))
    .map((member, id) => ({ ...member, id }));
  const topics = [...new Set(assignees.flatMap((member) => [...member.topics]))].sort();
  const places = (await Promise.all(topics.map((topic) => placesOf(cluster, topic)))).flat();
  const partitions = places.map(({ topic }, id): Assignable => ({ id, topic }));
  const owners = assignPartitions(assignees, partitions);
  return assignees.map(({ memberId, id }) => {
    const assignment: Record<string, number[]> = {};
    for (const [at, { topic, partition }] of places.entries()) {
      if (owners.get(at) !== id) continue;
      assignment[topic] ??= [];
      assignment[topic].push(partition);
    }
    return { memberId, memberAssignment: AssignerProtocol.MemberAssignment.encode({ version: VERSION, assignment, userData: NO_DATA }) };
  });
}

/** Another member may read a topic that this one must not see or that is gone: then nobody gets it, and that member says why. */
async function placesOf(cluster: Cluster, topic: string): Promise<readonly { readonly topic: string; readonly partition: number }[]> {
  try {
    await cluster.addMultipleTargetTopics([topic]);
  } catch {
    return [];
  }
  return cluster
    .findTopicPartitionMetadata(topic)
    .map(({ partitionId }) => ({ topic, partition: partitionId }))
    .sort((a, b) => a.partition - b.partition);
}
