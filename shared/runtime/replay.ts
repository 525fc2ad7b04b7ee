import type { Bus, BusRecord } from '../bus/bus.ts';
import { type DeadLetter, readDeadLetters, replayDeadLetters } from '../bus/dead-letter.ts';
import { AppError } from '../domain/errors.ts';

/** What one consumer group does with a record that is handed to it again. */
export interface Replayer {
  readonly group: string;
  readonly topics: readonly string[];
  readonly replayable: boolean;
  replay(record: BusRecord): Promise<void>;
}

/** What became of the dead letters of a topic. */
export interface ReplayReport {
  readonly replayed: number;
  readonly failed: readonly { readonly letter: DeadLetter; readonly error: unknown }[];
  /** Letters of groups that do not run here: left alone. */
  readonly skipped: number;
}

/**
 * Feeds the dead letters of a topic to the handlers that failed, group by group; never to the topic. Throws `not_found` for an unknown topic,
 * `invalid_request` where nobody's letters may be replayed (`queue-control`).
 */
export async function replayTopic(bus: Bus, topic: string, replayers: readonly Replayer[], signal: AbortSignal): Promise<ReplayReport> {
  await bus.admin.topic(topic);
  const reading = replayers.filter(({ topics }) => topics.includes(topic));
  if (reading.length > 0 && reading.every(({ replayable }) => !replayable)) {
    throw new AppError(
      'invalid_request',
      `Dead letters of ${topic} cannot be replayed: what they asked for is over. Send a new event instead.`,
      { topic },
    );
  }
  let replayed = 0;
  const failed: { readonly letter: DeadLetter; readonly error: unknown }[] = [];
  const able = reading.filter(({ replayable }) => replayable);
  for (const { group, replay } of able) {
    const result = await replayDeadLetters({ bus, topic, group, handle: replay, signal });
    replayed += result.replayed;
    failed.push(...result.failed);
  }
  const groups = new Set(able.map(({ group }) => group));
  let skipped = 0;
  for await (const letter of readDeadLetters(bus, topic, { signal })) if (!letter.replayed && !groups.has(letter.group)) skipped += 1;
  return { replayed, failed, skipped };
}
