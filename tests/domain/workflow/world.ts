import type { WorkflowCommand } from '../../../shared/domain/workflow/commands.ts';
import type { WorkflowFact } from '../../../shared/domain/workflow/facts.ts';
import { fold } from '../../../shared/domain/workflow/fold.ts';
import { isActive, MAX_IN_FLIGHT, type WorkflowState } from '../../../shared/domain/workflow/state.ts';
import { aRequestOfShards, aResume, aStop, aTick, aVerdict, buckets, SERIES, shardName, someNews } from './builders.ts';

/** What a run meets: how often each shard comes up short before it is proven, what is done to the facts on their way, and when somebody stops it. */
export interface WorldOptions {
  readonly shards: number;
  /** Tries that end short, by shard number (0 to 3). */
  readonly shorts: readonly number[];
  /** Endless choices in [0, 1): the same choices give the same run. */
  readonly choose: () => number;
  /** Chances that a fact is lost, comes again later, or overtakes another one. */
  readonly loss: number;
  readonly repeat: number;
  /** Steps at which the run is stopped; it is resumed a few steps after. */
  readonly stops: readonly number[];
}

/** A workflow among workers that answer each command, over a channel that loses, repeats and reorders. It checks what must always hold after each step. */
export class World {
  state: WorkflowState | undefined;
  readonly seen: WorkflowFact[] = [];
  readonly proven = new Set<string>();
  terminals: string[] = [];
  private readonly channel: WorkflowFact[] = [];
  private readonly commands: WorkflowCommand[] = [];
  private readonly options: WorldOptions;
  private clock = 10_000;
  private steps = 0;

  constructor(options: WorldOptions) {
    this.options = options;
    this.deliver(aRequestOfShards(options.shards, { stages: ['load', 'build-graph', 'train'] }));
  }

  /** Runs until the workflow has ended and nothing is under way, ticking whenever all is silent. Throws when that takes too long. */
  run(): void {
    const { choose } = this.options;
    for (this.steps = 0; this.steps < 20_000; this.steps += 1) {
      if (this.options.stops.includes(this.steps)) this.deliver(aStop(this.state?.attempt ?? 1, this.now()));
      const resumable = this.state?.status === 'interrupted' || this.state?.status === 'error';
      if (resumable && choose() < 0.3)
        this.deliver(aResume((this.state?.attempt ?? 0) + 1, [{ series: SERIES, ranges: this.lacking() }], this.now()));
      if (this.commands.length > 0 && (this.channel.length === 0 || choose() < 0.5)) this.work(take(this.commands, choose()));
      else if (this.channel.length > 0) this.transport(take(this.channel, choose()));
      else if (this.state?.status === 'finished') return;
      else this.deliver(aTick(this.now()));
    }
    throw new Error(`the workflow is still ${this.state?.status} after ${this.steps} steps`);
  }

  private transport(fact: WorkflowFact): void {
    const { choose, loss, repeat } = this.options;
    if (choose() < loss) return;
    if (choose() < repeat) this.channel.push(fact);
    this.deliver(fact);
  }

  deliver(fact: WorkflowFact): void {
    const before = this.state;
    const step = fold(before, fact);
    this.state = step.state;
    this.seen.push(fact);
    this.commands.push(...step.commands);
    for (const { kind, data } of step.commands) {
      if (kind === 'queue-event' && data.finished) this.terminals.push(`${data.attempt}:${data.stage}`);
    }
    this.check(before);
  }

  private check(before: WorkflowState | undefined): void {
    const load = this.state?.load;
    if (before?.status === 'finished' && this.state !== before) throw new Error('a finished workflow moved');
    if (load === undefined) return;
    if (load.flight.length > MAX_IN_FLIGHT) throw new Error(`${load.flight.length} shards are out`);
    if (load.done + load.flight.length !== load.cursor) throw new Error('a shard is neither proven, nor out, nor waiting');
    const mayWait = load.flight.length < MAX_IN_FLIGHT && load.cursor < load.total;
    if (this.state?.status === 'loading' && mayWait) throw new Error('a shard waits although another may be out');
  }

  /** What the ledger lacks: shards that no verdict has proven. */
  private lacking() {
    return Array.from({ length: this.options.shards }, (_, index) => index)
      .filter((index) => !this.proven.has(shardName(index)))
      .map((index) => buckets(index * 1_000, 1_000));
  }

  /** A worker of the platform: it drops what belongs to a stopped or older attempt, else it answers. */
  private work(command: WorkflowCommand): void {
    const { state } = this;
    if (command.kind === 'queue-event' || command.kind === 'command' || state === undefined) return;
    if (command.data.attempt !== state.attempt || !isActive(state.status)) return;
    const { attempt } = command.data;
    if (command.kind !== 'fetch-shard') {
      const detail = command.kind === 'build-graph' ? { graph_id: 'g' } : { model_id: 'm' };
      this.channel.push(someNews({ attempt, stage: command.kind, detail }, this.now()));
      return;
    }
    const { shard, from } = command.data;
    const index = Array.from({ length: this.options.shards }, (_, at) => at).find((at) => shardName(at) === shard) ?? 0;
    const isShort = command.data.try <= (this.options.shorts[index] ?? 0);
    if (!isShort) this.proven.add(shard);
    const missing = isShort ? [{ from: from + 300_000, to: from + 600_000 }] : [];
    const verdict = isShort ? ('short' as const) : ('persisted' as const);
    this.channel.push(aVerdict(index, { attempt, try: command.data.try, verdict, missing, counted: isShort ? 999 : 1_000 }, this.now()));
  }

  private now(): number {
    this.clock += 1;
    return this.clock;
  }
}

/** Takes the element at a chosen place out of a list. */
function take<T>(list: T[], choice: number): T {
  const [taken] = list.splice(Math.floor(choice * list.length), 1);
  return taken as T;
}
