import type { BusRecord } from '../../shared/bus/bus.ts';
import { isRetryable } from '../../shared/domain/errors.ts';
import { fromRecord } from '../../shared/events/kafka-codec.ts';
import { QUEUE_EVENTS } from '../../shared/events/topics.ts';
import type { Ports } from '../../shared/runtime/context.ts';
import { DocumentCache } from './document-cache.ts';
import { factOf } from './facts.ts';
import { type FoldedEvent, foldEvents } from './fold-events.ts';
import { GROUP } from './group.ts';

/** What a rebuild has folded. */
export interface Rebuilt {
  readonly workflows: number;
  readonly events: number;
}

/**
 * Drops the workflow collections and folds `queue-events` into them again, up to the offsets that the group has committed: what lies above them is folded
 * by the consumer, which also sends what follows from it. Sends nothing itself. No consumer of the group may run meanwhile.
 */
export async function rebuildWorkflows(ports: Pick<Ports, 'bus' | 'workflows'>): Promise<Rebuilt> {
  const { bus, workflows } = ports;
  const lags = await bus.admin.lag(GROUP, [QUEUE_EVENTS]);
  const ends = new Map(lags.flatMap(({ partition, committed }) => (committed === null ? [] : [[partition, committed] as const])));
  await workflows.dropWorkflows();
  const cache = new DocumentCache(workflows);
  const seen = new Set<string>();
  let count = 0;
  if (ends.size === 0) return { workflows: 0, events: 0 };
  for await (const records of bus.read({ topic: QUEUE_EVENTS, partitions: [...ends.keys()], from: 'earliest', untilEnd: true })) {
    const events = records.filter(({ partition, offset }) => offset < (ends.get(partition) ?? 0)).flatMap(readEvent);
    const groups = Map.groupBy(events, ({ fact }) => fact.data.queue_id);
    const documents = await cache.read([...groups.keys()]);
    const folded = [...groups].flatMap(([id, group]) => foldEvents(documents.get(id), group, { producer: GROUP, send: false }) ?? []);
    for (const { selections } of folded) for (const selection of selections) await workflows.putCollection(selection);
    if (folded.length > 0) await workflows.commitChanges(folded.map(({ change }) => change));
    for (const { change } of folded) {
      seen.add(change.document.queue_id);
      cache.keep({ ...change.document, rev: change.document.rev + 1 });
      count += change.events.length;
    }
  }
  return { workflows: seen.size, events: count };
}

/** The event of a record; nothing for what no consumer could fold either: it lies in the dead letters. */
function readEvent(record: BusRecord): FoldedEvent[] {
  try {
    const event = fromRecord(record);
    return [{ event, fact: factOf(event) }];
  } catch (error) {
    if (isRetryable(error)) throw error;
    return [];
  }
}
