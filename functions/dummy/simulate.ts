import { AppError } from '../../shared/domain/errors.ts';
import { command } from '../../shared/events/command.ts';
import { fromRecord } from '../../shared/events/kafka-codec.ts';
import { type QueueEvent, queueEvent } from '../../shared/events/queue-event.ts';
import { QUEUE_CONTROL } from '../../shared/events/topics.ts';
import type { Context } from '../../shared/runtime/context.ts';
import type { DummyConfig, Mode } from './config.ts';

/** What to simulate: `rate` events a second for `seconds`, a failure after `seconds`, or waiting for a ping. */
export interface Simulation {
  readonly mode: Mode;
  readonly rate: number;
  readonly seconds: number;
  readonly queue_id: string;
}

/** One line of progress. */
export interface SimulationStep {
  readonly status: 'running' | 'ended';
  readonly mode: Mode;
  readonly sent: number;
  readonly elapsed_ms: number;
}

/** Length of one slice of simulated load, in milliseconds. */
const SLICE_MS = 100;

/**
 * Runs a simulation and tells how far it is. `load` sends `queue-event` records at the rate asked and ends, `fail` throws `unclassified` after its
 * seconds, `end-on-ping` ends at the first ping on `queue-control`, `idle` ends at once. Ends with `signal` in any mode.
 */
export async function* simulate(
  plan: Simulation,
  context: Context<DummyConfig>,
  signal: AbortSignal,
): AsyncGenerator<SimulationStep, void, undefined> {
  const start = context.clock.now();
  let sent = 0;
  const step = (status: SimulationStep['status']): SimulationStep => ({
    status,
    mode: plan.mode,
    sent,
    elapsed_ms: context.clock.now() - start,
  });
  const say = (status: QueueEvent['status'], message: string, finished: boolean): QueueEvent => ({
    queue_id: plan.queue_id,
    attempt: 1,
    producer: 'dummy-service__probe',
    symbol: '',
    type: 'simulation',
    status,
    message,
    records_written: sent,
    finished,
    timestamp: context.clock.now() / 1_000,
  });
  const publish = (events: readonly QueueEvent[]): Promise<void> =>
    context.publisher.publish(
      events.map((data) => queueEvent.build(data, { producer: context.functionName, time: context.clock.now() })),
      { signal },
    );

  if (plan.mode === 'fail') {
    yield step('running');
    await context.clock.sleep(plan.seconds * 1_000, signal);
    throw new AppError('unclassified', `The simulation failed after ${plan.seconds} s, as it was asked to.`);
  }
  if (plan.mode === 'end-on-ping') {
    yield step('running');
    await nextPing(context, signal);
  }
  if (plan.mode === 'load') {
    const due = Math.round(plan.rate * plan.seconds);
    while (sent < due) {
      const target = Math.min(due, Math.floor(((context.clock.now() - start) / 1_000) * plan.rate) + 1);
      const slice: QueueEvent[] = [];
      for (; sent < target; sent += 1) slice.push(say('loading', `Simulated record ${sent + 1} of ${due}`, false));
      if (slice.length > 0) await publish(slice);
      yield step('running');
      if (sent < due) await context.clock.sleep(SLICE_MS, signal);
    }
    await publish([say('completed', `Simulated ${due} records`, true)]);
  }
  yield step('ended');
}

async function nextPing(context: Context<DummyConfig>, signal: AbortSignal): Promise<void> {
  for await (const records of context.ports.bus.read({ topic: QUEUE_CONTROL, from: 'latest', signal })) {
    if (records.some((record) => isPing(record))) return;
  }
}

function isPing(record: Parameters<typeof fromRecord>[0]): boolean {
  const event = fromRecord(record);
  return event.type === command.type && command.parse(event).command === 'ping';
}
