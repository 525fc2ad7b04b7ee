import { setTimeout as sleep } from 'node:timers/promises';
import { AppError } from '../../domain/errors.ts';
import type { Subscription, TopicPartition } from '../bus.ts';
import type { PartitionRunner, RunnerOptions } from './partition-runner.ts';

const DEFAULT_GRACE_MS = 10_000;
/** A handler that does not end although its signal aborted is left behind after this long. Its partition stays closed until it does end. */
const ABANDON_MS = 5_000;

/** What a member needs of its group. */
export interface MemberGroup {
  /** Hands the partitions of members that leave to the others, as they become free. */
  leave(): void;
  /** Forgets the member. */
  remove(member: GroupMember): void;
}

/** One member of a consumer group: its partitions, and its end. */
export class GroupMember implements Subscription {
  readonly id: number;
  readonly topics: ReadonlySet<string>;
  readonly options: RunnerOptions;
  readonly ended: Promise<void>;
  readonly #group: MemberGroup;
  readonly #runners = new Map<number, PartitionRunner>();
  readonly #end = Promise.withResolvers<void>();
  #leaving = false;
  #stopped: Promise<void> | undefined;

  constructor(id: number, topics: readonly string[], options: RunnerOptions, group: MemberGroup) {
    this.id = id;
    this.topics = new Set(topics);
    this.options = options;
    this.#group = group;
    this.ended = this.#end.promise;
    // Whoever wants to know listens to `ended`; nobody has to.
    this.ended.catch(() => undefined);
  }

  /** True once it takes no further partitions. */
  get leaving(): boolean {
    return this.#leaving;
  }

  assignment(): readonly TopicPartition[] {
    return [...this.#runners.values()].map(({ topic, partition }) => ({ topic, partition })).sort(byPlace);
  }

  pause(partitions: readonly TopicPartition[]): void {
    for (const runner of this.#find(partitions)) runner.setPaused(true);
  }

  resume(partitions: readonly TopicPartition[]): void {
    for (const runner of this.#find(partitions)) runner.setPaused(false);
  }

  stop({ graceMs = DEFAULT_GRACE_MS }: { readonly graceMs?: number } = {}): Promise<void> {
    this.#stopped ??= this.#stop(graceMs);
    return this.#stopped;
  }

  /** Takes over a partition. */
  take(runner: PartitionRunner): void {
    this.#runners.set(runner.log.id, runner);
  }

  /** Gives a partition away: to the end of its batch where the member leaves by itself, at once else. */
  giveAway(runner: PartitionRunner, generation: number): void {
    if (this.#leaving) {
      runner.finish();
      void runner.settled.then(() => this.#drop(runner));
      return;
    }
    runner.revoke(lostTo(runner, generation));
    this.#drop(runner);
  }

  /** Ends the member because the bus failed. */
  fail(failure: AppError): void {
    this.#leaving = true;
    for (const runner of this.#runners.values()) runner.revoke(failure);
    this.#runners.clear();
    this.#group.remove(this);
    this.#end.reject(failure);
  }

  async #stop(graceMs: number): Promise<void> {
    this.#leaving = true;
    const runners = [...this.#runners.values()];
    this.#group.leave();
    const settled = Promise.all(runners.map((runner) => runner.settled)).then(() => true);
    if (!(await within(settled, graceMs))) {
      for (const runner of runners) runner.revoke(stoppedBy(runner, graceMs));
      await within(settled, ABANDON_MS);
    }
    this.#runners.clear();
    this.#group.remove(this);
    this.#end.resolve();
  }

  #drop(runner: PartitionRunner): void {
    if (this.#runners.get(runner.log.id) === runner) this.#runners.delete(runner.log.id);
  }

  #find(partitions: readonly TopicPartition[]): readonly PartitionRunner[] {
    return [...this.#runners.values()].filter((runner) =>
      partitions.some(({ topic, partition }) => topic === runner.topic && partition === runner.partition),
    );
  }
}

function byPlace(a: TopicPartition, b: TopicPartition): number {
  if (a.topic !== b.topic) return a.topic < b.topic ? -1 : 1;
  return a.partition - b.partition;
}

/** True where `work` ended within `ms`. */
async function within(work: Promise<boolean>, ms: number): Promise<boolean> {
  const timer = new AbortController();
  const late = sleep(ms, false, { signal: timer.signal }).catch(() => false);
  try {
    return await Promise.race([work, late]);
  } finally {
    timer.abort();
  }
}

function lostTo({ topic, partition, group }: PartitionRunner, generation: number): AppError {
  const message = `Group ${group} gave ${topic}/${partition} to another member in generation ${generation}: drop what is not done, it comes again there.`;
  return new AppError('state_conflict', message, { topic, partition, generation });
}

function stoppedBy({ topic, partition, group }: PartitionRunner, graceMs: number): AppError {
  const message = `The member of group ${group} stops and its ${graceMs} ms are over: drop what is not done on ${topic}/${partition}, it comes again.`;
  return new AppError('state_conflict', message, { topic, partition });
}
