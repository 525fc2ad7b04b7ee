/** A member as the assignment sees it. */
export interface Assignee {
  readonly id: number;
  readonly topics: ReadonlySet<string>;
}

/** A partition to be assigned. `owner` is the member that has it now. */
export interface Assignable {
  readonly id: number;
  readonly topic: string;
  readonly owner?: number;
}

/**
 * Assigns each partition to a member that subscribes to its topic: as evenly as the subscriptions allow (no member could take one from another that has two
 * more), and moving no more than that takes. Deterministic. A partition that nobody wants is left out. Returns member id by partition id.
 */
export function assignPartitions(members: readonly Assignee[], partitions: readonly Assignable[]): Map<number, number> {
  const assigned = new Map<number, number>();
  const load = new Map(members.map(({ id }) => [id, 0]));
  const loadOf = (id: number): number => load.get(id) ?? 0;
  const give = (partition: number, member: number): void => {
    const before = assigned.get(partition);
    if (before !== undefined) load.set(before, loadOf(before) - 1);
    assigned.set(partition, member);
    load.set(member, loadOf(member) + 1);
  };
  const leastLoaded = (topic: string): Assignee | undefined =>
    members.reduce<Assignee | undefined>((best, member) => {
      if (!member.topics.has(topic)) return best;
      return best === undefined || loadOf(member.id) < loadOf(best.id) ? member : best;
    }, undefined);

  for (const { id, topic, owner } of partitions) {
    if (members.some((member) => member.id === owner && member.topics.has(topic))) give(id, owner ?? -1);
  }
  for (const { id, topic } of partitions) {
    const member = assigned.has(id) ? undefined : leastLoaded(topic);
    if (member !== undefined) give(id, member.id);
  }
  for (let moved = true; moved; ) {
    moved = false;
    for (const { id, topic } of partitions) {
      const owner = assigned.get(id);
      const member = leastLoaded(topic);
      if (owner === undefined || member === undefined || loadOf(owner) - loadOf(member.id) < 2) continue;
      give(id, member.id);
      moved = true;
    }
  }
  return assigned;
}
