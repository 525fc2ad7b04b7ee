import type { Bus } from '../bus/bus.ts';
import { command } from '../events/command.ts';
import { fromRecord } from '../events/kafka-codec.ts';
import { queueEvent } from '../events/queue-event.ts';
import { QUEUE_EVENTS } from '../events/topics.ts';
import type { Clock, Publisher, Random } from './context.ts';

/** How long a pong is waited for. */
export const PONG_MS = 5_000;

/** Round trips in ms, over those that were answered; null where none was. */
export interface PingReport {
  readonly sent: number;
  readonly answered: number;
  readonly round_trip_ms: Readonly<Record<'min' | 'p50' | 'p90' | 'p99' | 'max', number>> | null;
}

interface PingParts {
  readonly bus: Bus;
  readonly publisher: Publisher;
  readonly clock: Clock;
  readonly random: Random;
}

/**
 * Sends `ping` on `queue-control`, one after the other, and waits for the pong of each on `queue-events`: the way of every control event through the log
 * and a consumer, measured.
 */
export async function ping(
  parts: PingParts,
  options: { readonly target?: string; readonly repeat: number },
  signal: AbortSignal,
): Promise<PingReport> {
  const times: number[] = [];
  let sent = 0;
  for (; sent < options.repeat && !signal.aborted; sent++) {
    const time = await roundTrip(parts, options.target, signal);
    if (time !== undefined) times.push(time);
    // Whoever does not answer once is not asked a thousand times, five seconds each.
    if (time === undefined && times.length === 0) return { sent: sent + 1, answered: 0, round_trip_ms: null };
  }
  return { sent, answered: times.length, round_trip_ms: summary(times) };
}

async function roundTrip(
  { bus, publisher, clock, random }: PingParts,
  target: string | undefined,
  signal: AbortSignal,
): Promise<number | undefined> {
  const queueId = `ping-${random.id(12)}`;
  const ends = (await bus.admin.topic(QUEUE_EVENTS)).offsets.map(({ partition, end }) => [partition, end]);
  const over = new AbortController();
  const either = AbortSignal.any([signal, over.signal]);
  const late = clock.sleep(PONG_MS, either).then(
    () => undefined,
    () => undefined,
  );
  const from: Record<number, number> = Object.fromEntries(ends);
  const pong = (async () => {
    for await (const records of bus.read({ topic: QUEUE_EVENTS, from, signal: either })) {
      const here = performance.now();
      if (records.some((record) => record.key === queueId && isPong(record))) return here;
    }
    return undefined;
  })();
  const started = performance.now();
  const data = { command: 'ping', queue_id: queueId, timestamp: clock.now() / 1000, ...(target === undefined ? {} : { target }) };
  try {
    await publisher.publish([command.build(data, { producer: 'runtime', time: clock.now() })]);
    const answered = await Promise.race([pong, late]);
    return answered === undefined ? undefined : answered - started;
  } finally {
    over.abort();
    // The read ends with its signal; how does not matter any more.
    await Promise.allSettled([pong]);
  }
}

function isPong(record: Parameters<typeof fromRecord>[0]): boolean {
  const event = fromRecord(record);
  return event.type === queueEvent.type && queueEvent.parse(event).type === 'pong';
}

function summary(times: number[]): PingReport['round_trip_ms'] {
  if (times.length === 0) return null;
  const sorted = times.sort((a, b) => a - b);
  const at = (share: number): number => sorted[Math.min(sorted.length - 1, Math.ceil(share * sorted.length) - 1)] as number;
  return { min: sorted[0] as number, p50: at(0.5), p90: at(0.9), p99: at(0.99), max: sorted.at(-1) as number };
}
