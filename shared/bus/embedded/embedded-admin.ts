import type { BusAdmin, PartitionLag, TopicDeclaration, TopicState } from '../bus.ts';
import { checkDeclaration } from '../topic-declaration.ts';
import type { Catalog, PartitionLog } from './catalog.ts';
import type { ConsumerGroup } from './consumer-group.ts';
import type { LogThread } from './log-thread.ts';
import type { OffsetTable } from './offset-table.ts';

/** What the admin side shares with the bus. */
export interface AdminParts {
  readonly thread: LogThread;
  readonly catalog: Catalog;
  readonly offsets: OffsetTable;
  readonly groups: ReadonlyMap<string, ConsumerGroup>;
  /** Keeps members from joining the group while `work` runs. */
  readonly withoutMembers: <T>(group: string, work: () => Promise<T>) => Promise<T>;
  /** Throws `bus_unavailable`. */
  readonly assertOpen: () => void;
}

/** Topics, groups and retention of the embedded log. */
export class EmbeddedAdmin implements BusAdmin {
  readonly #parts: AdminParts;

  constructor(parts: AdminParts) {
    this.#parts = parts;
  }

  async ensureTopics(topics: readonly TopicDeclaration[]): Promise<void> {
    this.#parts.assertOpen();
    for (const topic of topics) checkDeclaration(topic);
    this.#parts.catalog.add(await this.#parts.thread.call('createTopics', topics));
  }

  async topic(name: string): Promise<TopicState> {
    this.#parts.assertOpen();
    return this.#parts.catalog.state(name);
  }

  async topics(): Promise<readonly TopicState[]> {
    this.#parts.assertOpen();
    return this.#parts.catalog.names().map((name) => this.#parts.catalog.state(name));
  }

  async groups(): Promise<readonly string[]> {
    this.#parts.assertOpen();
    const live = [...this.#parts.groups.values()].filter(({ members }) => members.length > 0).map(({ name }) => name);
    return [...new Set([...live, ...this.#parts.offsets.groups()])].sort();
  }

  async lag(group: string, topics?: readonly string[]): Promise<readonly PartitionLag[]> {
    this.#parts.assertOpen();
    const { catalog, offsets, groups } = this.#parts;
    const committed = offsets.partitionIds(group).flatMap((id) => catalog.byId(id)?.topic ?? []);
    const known = [...new Set([...committed, ...(groups.get(group)?.topics() ?? [])])].sort();
    return (topics ?? known).flatMap((topic) => catalog.partitions(topic)).map((log) => lagOf(log, offsets.get(group, log)));
  }

  async resetOffsets(
    group: string,
    topic: string,
    to: 'earliest' | 'latest' | readonly { readonly partition: number; readonly offset: number }[],
  ): Promise<void> {
    this.#parts.assertOpen();
    const { catalog, offsets, thread } = this.#parts;
    const logs = catalog.partitions(topic);
    const named =
      typeof to === 'string' ? undefined : to.map(({ partition, offset }) => ({ log: catalog.partition(topic, partition), offset }));
    await this.#parts.withoutMembers(group, async () => {
      const places = named ?? logs.map((log) => ({ log, offset: to === 'earliest' ? log.begin : log.end }));
      const moved = places.map(({ log, offset }) => ({ group, id: log.id, nextOffset: Math.min(log.end, Math.max(log.begin, offset)) }));
      await thread.call('moveOffsets', moved);
      offsets.set(moved);
    });
  }

  async deleteGroup(group: string): Promise<void> {
    this.#parts.assertOpen();
    await this.#parts.withoutMembers(group, async () => {
      await this.#parts.thread.call('deleteGroup', group);
      this.#parts.offsets.forget(group);
    });
  }

  async applyRetention(now: number): Promise<number> {
    this.#parts.assertOpen();
    const { catalog } = this.#parts;
    let deleted = 0;
    for (const name of catalog.names()) {
      const before = Math.trunc(now - catalog.state(name).retentionMs);
      for (const log of catalog.partitions(name)) if (log.begin < log.end) deleted += await this.#retain(log, before);
    }
    return deleted;
  }

  /** In bounded steps: appends get their turn between them. */
  async #retain(log: PartitionLog, before: number): Promise<number> {
    let deleted = 0;
    for (let more = true; more; ) {
      const step = await this.#parts.thread.call('retain', { id: log.id, before });
      if (step.deleted > 0) {
        log.move({ begin: step.begin });
        this.#parts.offsets.raise(log, step.begin);
      }
      deleted += step.deleted;
      more = step.more;
    }
    return deleted;
  }
}

function lagOf(log: PartitionLog, committed: number | undefined): PartitionLag {
  const { topic, partition, begin, end } = log;
  return { topic, partition, committed: committed ?? null, end, lag: end - Math.max(begin, committed ?? begin) };
}
