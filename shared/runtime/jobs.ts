import type { BusRecord, PartitionBatch } from '../bus/bus.ts';
import { AppError } from '../domain/errors.ts';
import { type Consumer, startMember } from './consume.ts';
import { GRACE_MS } from './defaults.ts';
import { JobRun, type JobRunnerOptions } from './job-run.ts';

/**
 * Runs the jobs of a trigger one after the other: takes one message, claims it with a token and a lease, commits, and only then works, outside the group's
 * session limits. A message whose claim is done or live elsewhere is committed and left. The lease is renewed by a timer of this thread, so a handler must
 * compute elsewhere (a worker, a child process); a claim that is lost aborts the job. Whatever ends a job without its result leaves an expired claim:
 * the tick finds it and sends the message again.
 */
export async function startJobs<C>(options: JobRunnerOptions<C>): Promise<Consumer> {
  const { trigger, context } = options;
  const killed = new AbortController();
  let current: Promise<void> | undefined;

  /** Claims the message and begins to work; resolves before the work is done, false where there is none to do. */
  async function begin(batch: PartitionBatch, stopping: AbortSignal): Promise<boolean> {
    const claimed = new JobRun(options, batch, killed.signal).claim(stopping);
    // A claim that fails is told to the caller below; here it only means that nothing runs.
    current = claimed
      .then(
        (work) => work?.(),
        () => undefined,
      )
      .finally(() => {
        current = undefined;
      });
    return (await claimed) !== undefined;
  }

  const member = await startMember({
    name: trigger.name,
    group: trigger.group,
    topics: [trigger.topic],
    limits: { maxBatchRecords: 1, concurrency: 1 },
    context,
    async onBatch(batch, stopping) {
      const over = Promise.race([aborted(stopping), aborted(batch.signal)]);
      while (current !== undefined && !stopping.aborted && !batch.signal.aborted) await Promise.race([current, over]);
      if (!stopping.aborted && !batch.signal.aborted) await begin(batch, stopping);
    },
  });

  return {
    ...member,
    async replay(record) {
      if (current !== undefined) throw new AppError('state_conflict', `${trigger.name} runs another job: replay this one when it is done.`);
      if (!(await begin(aloneOf(record), killed.signal))) throw new AppError('state_conflict', 'The job is done, or claimed elsewhere.');
    },
    async stop({ graceMs = GRACE_MS } = {}) {
      const ended = new AbortController();
      const deadline = context.clock.sleep(graceMs, ended.signal).then(
        () => killed.abort(new AppError('timeout', `The job of ${trigger.name} is stopped: its host shuts down.`)),
        () => undefined,
      );
      await member.stop({ graceMs });
      await current;
      ended.abort();
      await deadline;
    },
  };
}

/** A batch of one record that belongs to no group: there is nothing to commit. */
function aloneOf(record: BusRecord): PartitionBatch {
  return {
    topic: record.topic,
    partition: record.partition,
    records: [record],
    generation: 0,
    signal: new AbortController().signal,
    isStale: () => false,
    commit: async () => undefined,
    heartbeat: async () => undefined,
  };
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
