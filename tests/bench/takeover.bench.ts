import { setTimeout as sleep } from 'node:timers/promises';
import type { Bus } from '../../shared/bus/bus.ts';
import { openKafkaBus } from '../../shared/bus/kafka/kafka-bus.ts';
import { DEFAULT_TIMING } from '../../shared/bus/kafka/options.ts';
import { seriesId } from '../../shared/domain/series.ts';
import { type Bench, scaled } from './bench.ts';
import { PARTITIONS, SERIES } from './row-events.ts';
import { type ScriptProcess, startScript, withBroker } from './servers.ts';

const ROUNDS = scaled(3);
/** A record a partition, this often: what is handled late was not sent late. */
const SEND_EVERY_MS = 100;
/** A group that has not come to rest, or not taken over, by then never will. */
const LONGEST_MS = 120_000;

type Side = 'own' | 'bare';

/** A group of two, each in a process of its own, and who handled a record of each partition last. */
interface Group {
  readonly members: readonly ScriptProcess[];
  /** By partition: the member, and when (`performance.now()`). */
  readonly last: ReadonlyMap<number, { readonly member: number; readonly at: number }>;
}

async function startGroup(side: Side, broker: string, topic: string): Promise<Group> {
  const last = new Map<number, { readonly member: number; readonly at: number }>();
  const { sessionMs, heartbeatMs } = DEFAULT_TIMING;
  const args = [side, broker, topic, `${topic}-group`, String(sessionMs), String(heartbeatMs)];
  const members = await Promise.all([0, 1].map(() => startScript('bench/takeover-member.ts', args)));
  for (const [member, process] of members.entries())
    void follow(process, (partition) => last.set(partition, { member, at: performance.now() }));
  return { members, last };
}

async function follow(process: ScriptProcess, onHandled: (partition: number) => void): Promise<void> {
  try {
    for (;;) onHandled(((await process.next()) as { readonly partition: number }).partition);
  } catch {
    // It was killed.
  }
}

async function until(what: string, isSo: () => boolean): Promise<void> {
  for (const start = performance.now(); !isSo(); await sleep(5)) {
    if (performance.now() - start > LONGEST_MS) throw new Error(`${what} did not happen`);
  }
}

/** Milliseconds from the kill of one of two members until the other one has handled a record of each of its partitions: the first of them, and the last. */
async function takeover(side: Side, broker: string, bus: Bus, topic: string): Promise<{ readonly first: number; readonly all: number }> {
  await bus.admin.ensureTopics([{ name: topic, partitions: PARTITIONS, retentionMs: 3_600_000 }]);
  const stopped = new AbortController();
  const sending = (async () => {
    while (!stopped.signal.aborted) {
      await bus.publish(SERIES.map((series) => ({ topic, key: seriesId(series), headers: {}, value: Buffer.from('{}') })));
      await sleep(SEND_EVERY_MS, undefined, { signal: stopped.signal }).catch(() => undefined);
    }
  })();
  const { members, last } = await startGroup(side, broker, topic);
  try {
    const ownedBy = (member: number): number[] =>
      [...last].filter(([, handled]) => handled.member === member).map(([partition]) => partition);
    await until('a group of two', () => ownedBy(0).length === PARTITIONS / 2 && ownedBy(1).length === PARTITIONS / 2);
    const orphans = ownedBy(0);
    const killed = performance.now();
    await members[0]?.end('SIGKILL');
    const since = (partition: number): number => {
      const handled = last.get(partition);
      return handled?.member === 1 ? handled.at - killed : Number.POSITIVE_INFINITY;
    };
    await until('the takeover', () => orphans.some((partition) => since(partition) < LONGEST_MS));
    const first = Math.min(...orphans.map(since));
    await until('the takeover of all', () => orphans.every((partition) => since(partition) < LONGEST_MS));
    return { first, all: performance.now() - killed };
  } finally {
    stopped.abort();
    await sending;
    await members[1]?.end('SIGKILL');
  }
}

const middleOf = (values: readonly number[]): number => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;

/** How long a partition stands still whose consumer died. */
const bench: Bench = {
  name: 'takeover',
  what: `from kill -9 of one of two consumers of ${PARTITIONS} partitions to the first record of its partitions at the other; session ${DEFAULT_TIMING.sessionMs} ms, the middle of ${ROUNDS} runs`,
  onlyNamed: true,
  run: () =>
    withBroker(async ({ plain }) => {
      const bus = await openKafkaBus({ bootstrapServers: plain });
      const found = { own: { first: [] as number[], all: [] as number[] }, bare: { first: [] as number[], all: [] as number[] } };
      try {
        for (let round = 0; round < ROUNDS; round += 1) {
          // Side by side: both do nothing but wait.
          await Promise.all(
            (['own', 'bare'] as const).map(async (side) => {
              const { first, all } = await takeover(side, plain, bus, `takeover.${round}.${side}`);
              found[side].first.push(first);
              found[side].all.push(all);
            }),
          );
        }
      } finally {
        await bus.close();
      }
      const against = 'bare kafkajs, the same session and heartbeat';
      const goal = 'session + heartbeat';
      return [
        {
          name: 'until the first is handled',
          value: middleOf(found.own.first),
          unit: 'ms',
          floor: middleOf(found.bare.first),
          goal,
          against,
        },
        { name: 'until all are', value: middleOf(found.own.all), unit: 'ms', floor: middleOf(found.bare.all), goal, against },
      ];
    }),
};

export default bench;
