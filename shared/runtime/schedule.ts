import { AppError } from '../domain/errors.ts';
import type { Context } from './context.ts';
import { contextFor } from './create-context.ts';
import { GRACE_MS } from './defaults.ts';
import type { FunctionModule, ScheduleTrigger } from './define-function.ts';
import type { Task } from './one-job.ts';

/** A timer that runs. */
export interface Schedule {
  readonly name: string;
  /** Runs no further tick, waits for the one that runs; it is aborted after `graceMs`. */
  stop(options?: { readonly graceMs?: number }): Promise<void>;
}

/** What a tick needs of its function. */
export interface ScheduleOptions<C> {
  readonly trigger: ScheduleTrigger;
  readonly load: () => Promise<FunctionModule<C>>;
  readonly context: Context<C>;
}

/** Runs a function's `tick` once; false, and logged, where it failed. */
export async function runTick<C>({ trigger, load, context }: ScheduleOptions<C>, signal: AbortSignal): Promise<boolean> {
  const labels = { function: context.functionName, trigger: trigger.name };
  const started = performance.now();
  try {
    const { tick } = await load();
    if (tick === undefined) throw new AppError('invalid_setting', `The module of ${trigger.name} exports no tick.`);
    await tick(contextFor(context, {}, signal));
    context.metrics.count('streamforge_events_handled_total', { ...labels, outcome: 'handled' });
    return true;
  } catch (error) {
    if (!signal.aborted) context.logger.error({ error, trigger: trigger.name }, 'The tick failed; the next one comes in its time.');
    return false;
  } finally {
    context.metrics.observe('streamforge_handler_seconds', (performance.now() - started) / 1000, labels);
  }
}

/**
 * Runs a function's `tick` every `everyMs`, the first time after one such wait, never twice at once. A tick that fails is logged and has its next chance
 * with the next beat.
 */
export function startSchedule<C>(options: ScheduleOptions<C>): Schedule {
  const { trigger, context } = options;
  const stopping = new AbortController();
  const killed = new AbortController();

  async function loop(): Promise<void> {
    while (await waited(trigger.everyMs)) await runTick(options, killed.signal);
  }

  const waited = (ms: number): Promise<boolean> =>
    context.clock.sleep(ms, stopping.signal).then(
      () => !stopping.signal.aborted,
      () => false,
    );

  const running = loop();
  return {
    name: trigger.name,
    async stop({ graceMs = GRACE_MS } = {}) {
      stopping.abort();
      const ended = new AbortController();
      const deadline = context.clock.sleep(graceMs, ended.signal).then(
        () => killed.abort(new AppError('timeout', `The tick of ${trigger.name} is stopped: its host shuts down.`)),
        () => undefined,
      );
      await running;
      ended.abort();
      await deadline;
    },
  };
}

/** One tick as a task of its own process: what a CronJob runs. */
export function startOneTick<C>(options: ScheduleOptions<C>): Task {
  const killed = new AbortController();
  const ended = runTick(options, killed.signal).then((isDone) => (isDone ? 'done' : killed.signal.aborted ? 'stopped' : 'broken'));
  return {
    name: options.trigger.name,
    ended,
    waitsFor: () => undefined,
    async stop({ graceMs = GRACE_MS } = {}) {
      const over = new AbortController();
      const deadline = options.context.clock.sleep(graceMs, over.signal).then(
        () => killed.abort(new AppError('timeout', `The tick of ${options.trigger.name} is stopped: its process shuts down.`)),
        () => undefined,
      );
      await ended;
      over.abort();
      await deadline;
    },
  };
}
