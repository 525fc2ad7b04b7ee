import { AppError } from '../domain/errors.ts';
import { startMember } from './consume.ts';
import { GRACE_MS, IDLE_JOB_MS } from './defaults.ts';
import { type Ending, JobRun, type JobRunnerOptions } from './job-run.ts';

/** How a process that was started for one task ended: as its job did, or `idle` where no message came. */
export type TaskEnding = Ending | 'idle';

/** A task that runs, and ends by itself. */
export interface Task {
  readonly name: string;
  /** Never rejects. */
  readonly ended: Promise<TaskEnding>;
  /** Why it has not begun to work yet: readiness follows from it, so that whoever starts tasks sees which are still waiting for a message. */
  waitsFor(): AppError | undefined;
  /** Takes no message any more; work in flight is aborted after `graceMs`, and its lease ends. */
  stop(options?: { readonly graceMs?: number }): Promise<void>;
}

/**
 * Takes one message of a job trigger: claims it with a token and a lease, commits, leaves the group, and only then works, so that hours of work stand under
 * no session. A message whose claim is done or live elsewhere is committed and left; without a message it ends after a quarter of a minute.
 */
export async function startOneJob<C>(options: JobRunnerOptions<C>): Promise<Task> {
  const { trigger, context } = options;
  const killed = new AbortController();
  const taken = new AbortController();
  const ended = Promise.withResolvers<TaskEnding>();
  let waiting: AppError | undefined = new AppError('bus_unavailable', `${trigger.name} has no message yet.`);

  const member = await startMember({
    name: trigger.name,
    group: trigger.group,
    topics: [trigger.topic],
    limits: { maxBatchRecords: 1, concurrency: 1 },
    context,
    async onBatch(batch, stopping) {
      if (taken.signal.aborted || stopping.aborted) return;
      const run = new JobRun(options, batch, killed.signal);
      const work = await run.claim(stopping);
      taken.abort();
      void finish(run, work);
    },
  });

  async function finish(run: JobRun<C>, work: (() => Promise<void>) | undefined): Promise<void> {
    try {
      await member.stop();
      waiting = undefined;
      await work?.();
    } catch (error) {
      context.logger.error({ error, trigger: trigger.name }, 'The task could not be brought to an end.');
    }
    ended.resolve(run.ending ?? 'failed');
  }

  async function endIdle(): Promise<void> {
    const isIdle = await context.clock.sleep(IDLE_JOB_MS, taken.signal).then(
      () => !taken.signal.aborted,
      () => false,
    );
    if (!isIdle) return;
    // A message that comes in this moment is claimed by nobody: it stays in the log.
    taken.abort();
    await member.stop();
    context.logger.info({ trigger: trigger.name }, 'No message came: there is nothing to do.');
    ended.resolve('idle');
  }

  void endIdle();
  return {
    name: trigger.name,
    ended: ended.promise,
    waitsFor: () => waiting,
    async stop({ graceMs = GRACE_MS } = {}) {
      const wasTaken = taken.signal.aborted;
      taken.abort();
      const over = new AbortController();
      const deadline = context.clock.sleep(graceMs, over.signal).then(
        () => killed.abort(new AppError('timeout', `The job of ${trigger.name} is stopped: its process shuts down.`)),
        () => undefined,
      );
      await member.stop({ graceMs });
      if (!wasTaken) ended.resolve('idle');
      await ended.promise;
      over.abort();
      await deadline;
    },
  };
}
