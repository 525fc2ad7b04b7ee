import { AppError } from '../domain/errors.ts';
import { type Consumer, startConsumer } from './consume.ts';
import type { Context } from './context.ts';
import { createDeadLetterWriter } from './dead-letters.ts';
import type { FunctionDefinition, FunctionModule, Trigger } from './define-function.ts';
import { type MountedRoute, mountRoutes } from './http/mounted-route.ts';
import { createPushReceiver, type PushReceiver } from './http/push.ts';
import { startJobs } from './jobs.ts';
import { startOneJob, type Task } from './one-job.ts';
import type { OpenPorts } from './ports.ts';
import type { RuntimeParts } from './process-parts.ts';
import { createPublisher } from './publisher.ts';
import { type Schedule, startOneTick, startSchedule } from './schedule.ts';

/** The parsed settings of a function. */
export type Config = Readonly<Record<string, unknown>>;

/** A function that is bound to its ports: its triggers can be started one by one. */
export interface BoundFunction {
  readonly definition: FunctionDefinition;
  /** Imports the function's code and gives what its HTTP triggers serve. */
  readonly http: () => Promise<{ readonly routes: readonly MountedRoute[]; readonly receivers: readonly PushReceiver[] }>;
  /** Starts the triggers of these kinds. Those that had started are stopped again where one fails. */
  readonly consume: (kinds: readonly ('topic' | 'job')[]) => Promise<readonly Consumer[]>;
  readonly schedule: () => readonly Schedule[];
  /** Starts the one task that a process was made for: one message of the job trigger, or one tick. Throws `invalid_setting` where there is neither. */
  readonly startTask: () => Promise<Task>;
}

/** Makes the context of a function; its code is imported with the first trigger that needs it. */
export function bindFunction(definition: FunctionDefinition, config: Config, ports: OpenPorts, parts: RuntimeParts): BoundFunction {
  const { name, triggers } = definition;
  const context: Context<Config> = {
    functionName: name,
    config,
    clock: parts.clock,
    random: parts.random,
    logger: parts.logger.child({ function: name }),
    metrics: parts.metrics,
    ports,
    publisher: createPublisher(ports.bus, name, parts.metrics),
    signal: parts.signal,
  };
  let loading: Promise<FunctionModule<Config>> | undefined;
  const load = (): Promise<FunctionModule<Config>> => {
    loading ??= definition.load();
    return loading;
  };
  const deadLetters = createDeadLetterWriter(context);
  const triggersOf = <K extends Trigger['kind']>(kind: K): readonly Extract<Trigger, { kind: K }>[] =>
    triggers.filter((trigger): trigger is Extract<Trigger, { kind: K }> => trigger.kind === kind);

  return {
    definition,
    async http() {
      const served = triggersOf('http');
      if (served.length === 0) return { routes: [], receivers: [] };
      const module = await load();
      return {
        routes: mountRoutes(module.routes ?? [], context),
        receivers: served.flatMap((trigger) => createPushReceiver(trigger, module, context) ?? []),
      };
    },
    async consume(kinds) {
      const starting = [
        ...(kinds.includes('topic') ? triggersOf('topic').map((trigger) => startConsumer({ trigger, load, context, deadLetters })) : []),
        ...(kinds.includes('job') ? triggersOf('job').map((trigger) => startJobs({ trigger, load, context, deadLetters })) : []),
      ];
      const settled = await Promise.allSettled(starting);
      const started = settled.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []));
      const failed = settled.find((result) => result.status === 'rejected');
      if (failed === undefined) return started;
      await Promise.allSettled(started.map((consumer) => consumer.stop()));
      throw failed.reason;
    },
    schedule: () => triggersOf('schedule').map((trigger) => startSchedule({ trigger, load, context })),
    async startTask() {
      const [job] = triggersOf('job');
      if (job !== undefined) return await startOneJob({ trigger: job, load, context, deadLetters });
      const [schedule] = triggersOf('schedule');
      if (schedule !== undefined) return startOneTick({ trigger: schedule, load, context });
      throw new AppError('invalid_setting', `${name} has no job and no schedule: there is no one task to run.`);
    },
  };
}
