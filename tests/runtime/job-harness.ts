import type { Consumer } from '../../shared/runtime/consume.ts';
import { createDeadLetterWriter } from '../../shared/runtime/dead-letters.ts';
import type { FunctionModule, JobContext } from '../../shared/runtime/define-function.ts';
import type { JobRunnerOptions } from '../../shared/runtime/job-run.ts';
import { startJobs } from '../../shared/runtime/jobs.ts';
import { startOneJob, type Task } from '../../shared/runtime/one-job.ts';
import { type Harness, PROBE_TYPE } from './consumer-harness.ts';

export const LEASE_MS = 60_000;
export const keyOf = (h: Harness, id: string): string => `${h.topic}:${id}`;

const optionsFor = (h: Harness, runJob: NonNullable<FunctionModule<unknown>['runJob']>): JobRunnerOptions<unknown> => ({
  trigger: {
    kind: 'job',
    name: 'probe-job',
    group: h.group,
    topic: h.topic,
    events: [PROBE_TYPE],
    leaseMs: LEASE_MS,
    claimKey: ({ id }) => keyOf(h, id),
    scaling: { maxReplicas: 1, memoryMiB: 64, cpuMillis: 100 },
  },
  load: async () => ({ runJob }),
  context: h.context,
  deadLetters: createDeadLetterWriter(h.context),
});

/** Starts a job trigger on the harness's topic. */
export function startProbeJobs(h: Harness, runJob: NonNullable<FunctionModule<unknown>['runJob']>): Promise<Consumer> {
  return startJobs(optionsFor(h, runJob));
}

/** Starts a process's one job on the harness's topic. */
export function startProbeTask(h: Harness, runJob: NonNullable<FunctionModule<unknown>['runJob']>): Promise<Task> {
  return startOneJob(optionsFor(h, runJob));
}

/** How the jobs ended, in order. */
export const endings = (h: Harness): (string | undefined)[] =>
  h.context.measured.filter(({ name }) => name === 'streamforge_jobs_total').map(({ labels }) => labels.job);

/** A job that runs until it is aborted or let go. */
export function heldJob() {
  const [begun, gate] = [Promise.withResolvers<JobContext<unknown>>(), Promise.withResolvers<void>()];
  return {
    begun: begun.promise,
    finish: gate.resolve,
    runJob: async (_received: unknown, context: JobContext<unknown>) => {
      begun.resolve(context);
      await Promise.race([
        gate.promise,
        new Promise((_resolve, reject) => context.signal.addEventListener('abort', () => reject(context.signal.reason))),
      ]);
    },
  };
}
