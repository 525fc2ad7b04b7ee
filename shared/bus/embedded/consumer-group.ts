import type { AppError } from '../../domain/errors.ts';
import { assignPartitions } from '../assignment.ts';
import type { PartitionLog } from './catalog.ts';
import { GroupMember, type MemberGroup } from './group-member.ts';
import { PartitionRunner, type RunnerOptions } from './partition-runner.ts';

interface Held {
  readonly runner: PartitionRunner;
  readonly member: GroupMember;
}

/**
 * The members of one consumer group and who holds which partition. Every join and leave makes a new generation; a partition that moves is delivered to its
 * new member only when the old one's batch has ended, so no partition is ever in two hands at once.
 */
export class ConsumerGroup implements MemberGroup {
  readonly name: string;
  readonly #partitionsOf: (topic: string) => readonly PartitionLog[];
  readonly #members = new Map<number, GroupMember>();
  readonly #held = new Map<number, Held>();
  /** By partition id: resolves when the hands that held it before are empty. */
  readonly #handedOver = new Map<number, Promise<void>>();
  #generation = 0;
  #nextMember = 1;

  constructor(name: string, partitionsOf: (topic: string) => readonly PartitionLog[]) {
    this.name = name;
    this.#partitionsOf = partitionsOf;
  }

  get members(): readonly GroupMember[] {
    return [...this.#members.values()];
  }

  /** Topics that members read now. */
  topics(): readonly string[] {
    return [...new Set(this.members.flatMap(({ topics }) => [...topics]))];
  }

  join(topics: readonly string[], options: RunnerOptions): GroupMember {
    const member = new GroupMember(this.#nextMember++, topics, options, this);
    this.#members.set(member.id, member);
    this.#rebalance();
    return member;
  }

  leave(): void {
    this.#rebalance();
  }

  remove(member: GroupMember): void {
    this.#members.delete(member.id);
  }

  /** Ends all members because the bus failed. */
  fail(failure: AppError): void {
    for (const member of this.members) member.fail(failure);
  }

  #rebalance(): void {
    this.#generation += 1;
    const active = this.members.filter(({ leaving }) => !leaving);
    const logs = [...new Set(active.flatMap(({ topics }) => [...topics]))].sort().flatMap((topic) => this.#partitionsOf(topic));
    const owned = logs.map(({ id, topic }) => {
      const owner = this.#held.get(id)?.member.id;
      return owner === undefined ? { id, topic } : { id, topic, owner };
    });
    const assigned = assignPartitions(active, owned);
    const moving = [...this.#held].filter(([id, { member }]) => assigned.get(id) !== member.id);
    for (const [id, { runner }] of moving) {
      this.#held.delete(id);
      this.#handOver(id, runner.settled);
    }
    for (const log of logs) {
      const member = this.#members.get(assigned.get(log.id) ?? -1);
      if (member === undefined || this.#held.has(log.id)) continue;
      const runner = new PartitionRunner(log, this.#generation, member.options, this.#handedOver.get(log.id));
      this.#held.set(log.id, { runner, member });
      member.take(runner);
    }
    // Last: an aborted handler may stop its member at once, which comes back here.
    const generation = this.#generation;
    for (const [, { runner, member }] of moving) member.giveAway(runner, generation);
  }

  #handOver(id: number, settled: Promise<void>): void {
    this.#handedOver.set(id, settled);
    void settled.then(() => {
      if (this.#handedOver.get(id) === settled) this.#handedOver.delete(id);
    });
  }
}
