import { AppError } from '../domain/errors.ts';
import type { Context } from './context.ts';
import { contextFor } from './create-context.ts';
import { GRACE_MS } from './defaults.ts';
import type { FunctionModule, ScheduleTrigger } from './define-function.ts';

/** A timer that runs. */
export interface Schedule {
  readonly name: string;
  /** Runs no further tick, waits for the one that runs; it is aborted after `graceMs`. */
  stop(options?: { readonly graceMs?: number }): Promise<void>;
}

/**
 * Runs a function's `tick` every `everyMs`, the first time after one such wait, never twice at once. A tick that fails is logged and has its next chance
 * with the next beat.
 */
export function startSchedule<C>(options: {
  readonly trigger: ScheduleTrigger;
  readonly load: () => Promise<FunctionModule<C>>;
  readonly context: Context<C>;
}): Schedule {
  const { trigger, load, context } = options;
  const stopping = new AbortController();
  const killed = new AbortController();
  const labels = { function: context.functionName, trigger: trigger.name };

  async function run(): Promise<void> {
    const started = performance.now();
    try {
      const { tick } = await load();
      if (tick === undefined) throw new AppError('invalid_setting', `The module of ${trigger.name} exports no tick.`);
      await tick(contextFor(context, {}, killed.signal));
      context.metrics.count('streamforge_events_handled_total', { ...labels, outcome: 'handled' });
    } catch (error) {
      if (!killed.signal.aborted)
        context.logger.error({ error, trigger: trigger.name }, 'The tick failed; the next one comes in its time.');
    } finally {
      context.metrics.observe('streamforge_handler_seconds', (performance.now() - started) / 1000, labels);
    }
  }

  async function loop(): Promise<void> {
    while (await waited(trigger.everyMs)) await run();
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
