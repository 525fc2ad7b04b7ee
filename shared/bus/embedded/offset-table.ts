import type { PartitionLog } from './catalog.ts';
import type { CommittedOffset } from './protocol.ts';

/** The committed offsets of all groups, in memory and in the log: what is here is durable. */
export class OffsetTable {
  readonly #offsets = new Map<string, Map<number, number>>();
  readonly #write: (offset: CommittedOffset) => Promise<void>;

  constructor(stored: readonly CommittedOffset[], write: (offset: CommittedOffset) => Promise<void>) {
    this.#write = write;
    this.set(stored);
  }

  /** The next offset to read, or undefined where the group never committed. */
  get(group: string, log: PartitionLog): number | undefined {
    return this.#offsets.get(group)?.get(log.id);
  }

  /** Commits; an offset that is not higher changes nothing. Durable when it resolves. */
  async commit(group: string, log: PartitionLog, nextOffset: number): Promise<void> {
    if (nextOffset <= (this.get(group, log) ?? -1)) return;
    await this.#write({ group, id: log.id, nextOffset });
    const known = this.get(group, log) ?? -1;
    if (nextOffset > known) this.set([{ group, id: log.id, nextOffset }]);
  }

  /** Takes over what the log has. */
  set(offsets: readonly CommittedOffset[]): void {
    for (const { group, id, nextOffset } of offsets) {
      const known = this.#offsets.get(group) ?? new Map<number, number>();
      this.#offsets.set(group, known.set(id, nextOffset));
    }
  }

  /** Records below `begin` are gone: offsets below it are raised, as the log does when it is opened. */
  raise(log: PartitionLog, begin: number): void {
    for (const known of this.#offsets.values()) {
      const offset = known.get(log.id);
      if (offset !== undefined && offset < begin) known.set(log.id, begin);
    }
  }

  forget(group: string): void {
    this.#offsets.delete(group);
  }

  groups(): readonly string[] {
    return [...this.#offsets.keys()];
  }

  /** Ids of the partitions where the group has committed. */
  partitionIds(group: string): readonly number[] {
    return [...(this.#offsets.get(group)?.keys() ?? [])];
  }
}
