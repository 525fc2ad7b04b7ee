import { z } from 'zod';
import { command } from '../../shared/events/command.ts';
import { checkFields } from '../../shared/events/field-problems.ts';
import { queueEvent } from '../../shared/events/queue-event.ts';
import type { Context } from '../../shared/runtime/context.ts';
import type { ReceivedEvent, Route } from '../../shared/runtime/define-function.ts';
import { type DummyConfig, MODES } from './config.ts';
import { type Simulation, simulate } from './simulate.ts';

/** Names under which this function is addressed; no target addresses everyone. */
const OWN_NAMES: readonly (string | undefined)[] = [undefined, 'dummy', 'dummy-service'];

/** Answers `ping` with a pong, both times in it; on `start` runs the simulation of its settings. Other commands change nothing. */
export async function handle(received: ReceivedEvent, context: Context<DummyConfig>): Promise<void> {
  const asked = command.parse(received.event);
  if (!OWN_NAMES.includes(asked.target)) return;
  if (asked.command === 'ping') {
    const pong = queueEvent.build(
      {
        queue_id: asked.queue_id,
        attempt: 1,
        producer: asked.telemetry_id ?? 'dummy-service__probe',
        symbol: asked.symbol ?? '',
        type: 'pong',
        status: 'completed',
        message: 'pong',
        records_written: 0,
        finished: false,
        timestamp: context.clock.now() / 1_000,
        detail: { pinged_at: asked.timestamp, ponged_at: context.clock.now() / 1_000 },
      },
      { producer: context.functionName, time: context.clock.now() },
    );
    await context.publisher.publish([pong], { signal: context.signal });
    return;
  }
  if (asked.command !== 'start' || asked.target === undefined) return;
  const plan: Simulation = { ...context.config, queue_id: asked.queue_id };
  for await (const step of simulate(plan, context, context.signal)) context.logger.debug({ ...step }, 'simulating');
}

const body = z.looseObject({
  mode: z.enum(MODES),
  rate: z.number().min(0.01).max(10_000).optional(),
  seconds: z.number().min(0).max(3_600).optional(),
  queue_id: z
    .string()
    .regex(/^[a-z0-9][a-z0-9_.-]{0,127}$/)
    .optional(),
});

const line = (value: unknown): string => `${JSON.stringify(value)}\n`;

/** `POST /simulate`: runs while the request is open and writes a line of progress at a time; the last one says how it ended. */
export const routes: readonly Route<DummyConfig>[] = [
  {
    method: 'POST',
    path: '/simulate',
    summary: 'Simulate load, a failure or waiting for a ping; ends with the request',
    body,
    async handle(request, context) {
      const asked = checkFields(body, request.body ?? {}, 'The simulation', 'invalid_request');
      const plan: Simulation = {
        mode: asked.mode,
        rate: asked.rate ?? context.config.rate,
        seconds: asked.seconds ?? context.config.seconds,
        queue_id: asked.queue_id ?? `probe-${context.random.id(6)}`,
      };
      async function* lines(): AsyncGenerator<string, void, undefined> {
        try {
          for await (const step of simulate(plan, context, request.signal)) yield line(step);
        } catch (error) {
          if (request.signal.aborted) return;
          yield line({ status: 'failed', mode: plan.mode, message: error instanceof Error ? error.message : String(error) });
        }
      }
      return { status: 200, headers: { 'content-type': 'application/x-ndjson' }, stream: lines() };
    },
  },
];
