import type { Bus, OutgoingRecord } from '../../../shared/bus/bus.ts';
import { isRetryable } from '../../../shared/domain/errors.ts';

/** Keys that fall into all of twelve partitions, several in each. */
const KEYS = 60;
const CALL_RECORDS = 500;

/** What was sent: which ids the bus acknowledged, and what it refused meanwhile. */
export interface Sent {
  readonly acknowledged: ReadonlySet<number>;
  /** Calls that were refused for now and made again. */
  readonly refusals: number;
  /** Longest time between two acknowledgements, in ms. */
  readonly longestStallMs: number;
}

/** Publishes `count` records with ids from 0, `inFlight` calls of 500 at once, each again until it is acknowledged. `progress` hears how many are. */
export async function sendAll(
  bus: Bus,
  topic: string,
  count: number,
  { inFlight = 4, progress = () => {} }: { readonly inFlight?: number; readonly progress?: (acknowledged: number) => void } = {},
): Promise<Sent> {
  const acknowledged = new Set<number>();
  let [next, refusals, last, longestStallMs] = [0, 0, performance.now(), 0];
  const lane = async (): Promise<void> => {
    while (next < count) {
      const first = next;
      next = Math.min(count, first + CALL_RECORDS);
      const records = Array.from({ length: next - first }, (_, index) => numbered(topic, first + index));
      for (let done = false; !done; ) {
        try {
          await bus.publish(records);
          done = true;
        } catch (error) {
          if (!isRetryable(error)) throw error;
          refusals += 1;
        }
      }
      for (let id = first; id < first + records.length; id++) acknowledged.add(id);
      const now = performance.now();
      longestStallMs = Math.max(longestStallMs, now - last);
      last = now;
      progress(acknowledged.size);
    }
  };
  await Promise.all(Array.from({ length: inFlight }, lane));
  return { acknowledged, refusals, longestStallMs };
}

export function numbered(topic: string, id: number): OutgoingRecord {
  return { topic, key: `key-${id % KEYS}`, headers: { id: String(id) }, value: Buffer.from(`${id} ${'x'.repeat(100)}`) };
}

/** What lies in a topic: how often each id is there, and how many first occurrences of a key's ids stand in the wrong order. */
export async function readIds(
  bus: Bus,
  topic: string,
): Promise<{ readonly times: ReadonlyMap<number, number>; readonly inversions: number }> {
  const times = new Map<number, number>();
  const highest = new Map<string, number>();
  let inversions = 0;
  for await (const records of bus.read({ topic, from: 'earliest', untilEnd: true })) {
    for (const { key, headers } of records) {
      const id = Number(headers.id);
      const seen = times.get(id) ?? 0;
      times.set(id, seen + 1);
      if (seen > 0) continue;
      if (id < (highest.get(key ?? '') ?? -1)) inversions += 1;
      highest.set(key ?? '', id);
    }
  }
  return { times, inversions };
}

/** The ids that were acknowledged and are not in the log. */
export function missing(acknowledged: ReadonlySet<number>, times: ReadonlyMap<number, number>): number[] {
  return [...acknowledged].filter((id) => !times.has(id));
}

export function duplicates(times: ReadonlyMap<number, number>): number {
  return [...times.values()].reduce((sum, count) => sum + count - 1, 0);
}
