import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Bus, OutgoingRecord } from '../../shared/bus/bus.ts';
import { type DeadLetter, readDeadLetters } from '../../shared/bus/dead-letter.ts';
import { openEmbeddedBus } from '../../shared/bus/embedded/embedded-bus.ts';
import type { StreamEvent } from '../../shared/events/event.ts';
import { toRecord } from '../../shared/events/kafka-codec.ts';
import { TOPICS } from '../../shared/events/topics.ts';
import { classifyErrors } from '../../shared/runtime/adapter-errors.ts';
import { type Consumer, startConsumer } from '../../shared/runtime/consume.ts';
import type { Ports } from '../../shared/runtime/context.ts';
import { createDeadLetterWriter } from '../../shared/runtime/dead-letters.ts';
import type { FunctionModule, TopicTrigger } from '../../shared/runtime/define-function.ts';
import { createPublisher } from '../../shared/runtime/publisher.ts';
import { openSqliteStore, type SqliteStore } from '../../shared/store/sqlite/open-sqlite-store.ts';
import { createTestContext, type TestContext } from '../support/context.ts';
import { eventually } from '../support/eventually.ts';

/** A type that no contract has: a trigger that names it takes it all the same. */
export const PROBE_TYPE = 'io.streamforge.probe.v1';

/** Log and store on disk, as the local host has them. */
export interface Backing {
  readonly dir: string;
  readonly bus: Bus;
  readonly store: SqliteStore;
  close(): Promise<void>;
}

export async function openBacking(): Promise<Backing> {
  const dir = await mkdtemp(join(tmpdir(), 'streamforge-runtime-'));
  const [bus, store] = await Promise.all([openEmbeddedBus({ dir }), openSqliteStore({ dir })]);
  await bus.admin.ensureTopics(TOPICS);
  return {
    dir,
    bus,
    store,
    async close() {
      await bus.close();
      await store.close();
      await rm(dir, { recursive: true });
    },
  };
}

/** One topic with its dead letters, one group, one consumer with a handler of the test. */
export interface Harness {
  readonly topic: string;
  readonly group: string;
  readonly context: TestContext<unknown>;
  start(module: FunctionModule<unknown>, overrides?: Partial<TopicTrigger>): Promise<Consumer>;
  publish(records: readonly (OutgoingRecord | StreamEvent)[]): Promise<void>;
  /** Next offset to read of a partition, 0 where nothing was committed. */
  committed(partition?: number): Promise<number>;
  lag(): Promise<number>;
  letters(): Promise<DeadLetter[]>;
  /** Moves the test's clock on until the condition holds: waits between tries pass, nothing is slept. */
  until(condition: () => boolean | Promise<boolean>, what: string): Promise<void>;
}

let names = 0;

/** `ports` replaces ports of the context: adapters that fail. */
export async function createHarness(
  backing: Backing,
  { partitions = 1, ports = {} }: { partitions?: number; ports?: Partial<Ports> } = {},
): Promise<Harness> {
  names += 1;
  const [topic, group] = [`probe-${names}`, `probe-group-${names}`];
  const { bus, store } = backing;
  await bus.admin.ensureTopics([topic, `${topic}.dlq`].map((name) => ({ name, partitions, retentionMs: 86_400_000 })));
  const given = { bus: classifyErrors(bus, 'bus'), workflows: classifyErrors(store.workflows, 'store'), ...ports };
  const base = createTestContext({ ports: given, functionName: 'probe' });
  const context = { ...base, publisher: createPublisher(given.bus, 'probe', base.metrics) };
  return {
    topic,
    group,
    context,
    start: (module, overrides = {}) =>
      startConsumer({
        trigger: {
          kind: 'topic',
          name: 'probe-events',
          group,
          topics: [topic],
          events: [PROBE_TYPE],
          handler: 'handle',
          scaling: { maxReplicas: 1, memoryMiB: 64, cpuMillis: 100 },
          ...overrides,
        },
        load: async () => module,
        context,
        deadLetters: createDeadLetterWriter(context),
      }),
    async publish(records) {
      await bus.publish(records.map((record) => ('headers' in record ? { ...record, topic } : toRecord(record, topic))));
    },
    async committed(partition = 0) {
      return (await bus.admin.lag(group, [topic])).find((each) => each.partition === partition)?.committed ?? 0;
    },
    async lag() {
      return (await bus.admin.lag(group, [topic])).reduce((sum, { lag }) => sum + lag, 0);
    },
    async letters() {
      const letters: DeadLetter[] = [];
      for await (const letter of readDeadLetters(bus, topic)) letters.push(letter);
      return letters;
    },
    until: (condition, what) =>
      eventually(
        async () => {
          if (await condition()) return true;
          await context.clock.advance(1_000);
          return false;
        },
        { what, everyMs: 1 },
      ).then(() => undefined),
  };
}

/** Starts a consumer that takes everything, waits until nothing is left and stops it; the ids that it handled. */
export async function handleAll(h: Harness): Promise<string[]> {
  const handled: string[] = [];
  const consumer = await h.start({ handle: async ({ event }) => void handled.push(event.id) });
  await h.until(async () => (await h.lag()) === 0, 'no lag');
  await consumer.stop();
  return handled;
}

/** An event that the harness's trigger takes. */
export function aProbe(id: string, overrides: Partial<StreamEvent> = {}): StreamEvent {
  return { id, source: '/streamforge/test', type: PROBE_TYPE, time: '2024-08-01T00:00:00Z', partitionkey: id, data: { id }, ...overrides };
}

/** A record of raw bytes. */
export function aRecord(value: string | null, headers: Readonly<Record<string, string>> = {}): OutgoingRecord {
  return { topic: '', key: 'poison', headers, value: value === null ? null : new TextEncoder().encode(value) };
}

/** Headers of a probe in binary mode. */
export function probeHeaders(id: string): Record<string, string> {
  return {
    'content-type': 'application/json',
    ce_specversion: '1.0',
    ce_id: id,
    ce_source: '/streamforge/test',
    ce_type: PROBE_TYPE,
    ce_time: '2024-08-01T00:00:00Z',
  };
}
