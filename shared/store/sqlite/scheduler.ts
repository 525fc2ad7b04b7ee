import { AppError } from '../../domain/errors.ts';
import type { Database } from './database.ts';
import type { Operation } from './operation.ts';

/** A call that waits for its turn. Exactly one of the two outcomes is told, a write's only after its commit. */
export interface Job {
  readonly operation: Operation<unknown, unknown>;
  readonly args: unknown;
  resolve(value: unknown): void;
  reject(error: unknown): void;
}

/** A transaction takes writes for so long, then commits: reads never wait longer than that and a commit. */
const GROUP_MS = 10;
/** Reads run for so long between two groups of writes. */
const READ_MS = 10;

type Outcome = { readonly job: Job; readonly value: unknown } | { readonly job: Job; readonly error: unknown };

/**
 * The one thread's timetable: writes that arrived together share a transaction and its sync to the disk, reads run between two transactions, a step
 * each in turn. `forget` is called after a rollback: what was read or made inside it must not be remembered.
 */
export class Scheduler {
  readonly #database: Database;
  readonly #forget: () => void;
  readonly #writes: Job[] = [];
  readonly #bulk: Job[] = [];
  readonly #reads: { readonly job: Job; steps?: Generator<void, unknown, void> }[] = [];
  #scheduled = false;
  #idle: (() => void) | undefined;

  constructor(database: Database, forget: () => void) {
    this.#database = database;
    this.#forget = forget;
  }

  add(job: Job): void {
    const { mode } = job.operation;
    if (mode === 'read' || mode === 'steps') this.#reads.push({ job });
    else if (this.#database.readOnly) job.reject(new AppError('invalid_request', 'The store was opened for reading alone.'));
    else (mode === 'bulk' ? this.#bulk : this.#writes).push(job);
    this.#schedule();
  }

  /** Takes a read that has not ended out of the timetable, without an outcome. A write that was sent is done. */
  cancel(job: Job): void {
    const index = this.#reads.findIndex((read) => read.job === job);
    if (index !== -1) this.#reads.splice(index, 1);
  }

  /** Calls back once everything that was added is done. */
  whenIdle(callback: () => void): void {
    this.#idle = callback;
    this.#schedule();
  }

  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    // After the messages that are here already: they join the same transaction.
    setImmediate(() => {
      this.#scheduled = false;
      this.#turn();
    });
  }

  #turn(): void {
    if (this.#hasWrites) for (const outcome of this.#writeGroup()) tell(outcome);
    const end = performance.now() + READ_MS;
    while (this.#reads.length > 0 && performance.now() < end) this.#readStep();
    if (this.#hasWrites || this.#reads.length > 0) this.#schedule();
    else this.#idle?.();
  }

  get #hasWrites(): boolean {
    return this.#writes.length + this.#bulk.length > 0;
  }

  #readStep(): void {
    const read = this.#reads.shift();
    if (read === undefined) return;
    const { operation, args } = read.job;
    try {
      if (operation.mode === 'steps') {
        read.steps ??= operation.run(args);
        const step = read.steps.next();
        if (step.done === true) read.job.resolve(step.value);
        else this.#reads.push(read);
      } else read.job.resolve(operation.run(args));
    } catch (error) {
      read.job.reject(error);
    }
  }

  /** Runs waiting writes in one transaction. Where one of them fails, each is run again alone: a failing write fails for itself. */
  #writeGroup(): Outcome[] {
    const group: Job[] = [];
    const done: Outcome[] = [];
    try {
      this.#database.connection.exec('BEGIN IMMEDIATE');
      const end = performance.now() + GROUP_MS;
      // The longest waiting bulk goes into every group, after those that pass it: none waits for ever.
      let job = this.#writes.shift() ?? this.#bulk.shift();
      while (job !== undefined) {
        group.push(job);
        done.push({ job, value: job.operation.run(job.args) });
        if (performance.now() >= end) job = job.operation.mode === 'write' ? this.#bulk.shift() : undefined;
        else job = this.#writes.shift() ?? this.#bulk.shift();
      }
      this.#database.connection.exec('COMMIT');
      return done;
    } catch (error) {
      this.#rollBack();
      // Without a transaction there is nothing to try alone: whatever waits would meet the same lock or disk.
      if (group.length === 0) return [...this.#writes.splice(0), ...this.#bulk.splice(0)].map((job) => ({ job, error }));
      return group.length === 1 ? group.map((job) => ({ job, error })) : group.map((job) => this.#writeAlone(job));
    }
  }

  #writeAlone(job: Job): Outcome {
    try {
      this.#database.connection.exec('BEGIN IMMEDIATE');
      const value = job.operation.run(job.args);
      this.#database.connection.exec('COMMIT');
      return { job, value };
    } catch (error) {
      this.#rollBack();
      return { job, error };
    }
  }

  /** SQLite has ended the transaction itself after some errors. */
  #rollBack(): void {
    if (this.#database.connection.isTransaction) this.#database.connection.exec('ROLLBACK');
    this.#forget();
  }
}

function tell(outcome: Outcome): void {
  if ('error' in outcome) outcome.job.reject(outcome.error);
  else outcome.job.resolve(outcome.value);
}
