import { after, before } from 'node:test';
import type {
  Bus,
  BusRecord,
  OutgoingRecord,
  PartitionBatch,
  SubscribeOptions,
  Subscription,
  TopicPartition,
} from '../../shared/bus/bus.ts';
import { eventually } from '../support/eventually.ts';

/** How another process opens the same log: `module[exportName](options)` resolves to the bus. Travels as JSON. */
export interface BusOpener {
  readonly module: string;
  readonly exportName: string;
  readonly options: unknown;
}

/** One durable log under test. */
export interface BusFixture {
  /** Opens the log. The one opened before is closed by then. */
  open(): Promise<Bus>;
  readonly opener: BusOpener;
  /** Removes the log. */
  remove(): Promise<void>;
}

export type CreateBusFixture = () => Promise<BusFixture>;

/** A consumer that keeps what it was given. */
export interface Recorder {
  readonly subscription: Subscription;
  readonly records: BusRecord[];
  readonly batches: PartitionBatch[];
}

/** The log of one part of the suite, with a bus that is open between `before` and `after`, and fresh names for each test. */
export interface BusUnderTest {
  readonly bus: Bus;
  readonly opener: BusOpener;
  /** Closes the bus, runs `meanwhile`, opens it again. */
  reopen(meanwhile?: () => Promise<void>): Promise<void>;
  freshTopic(options?: { partitions?: number; retentionMs?: number }): Promise<string>;
  freshGroup(): string;
  /** A topic and its dead-letter topic. */
  freshTopicWithDeadLetters(partitions?: number): Promise<string>;
  /** Subscribes and commits every batch, unless `onBatch` says otherwise. */
  record(options: Partial<SubscribeOptions> & Pick<SubscribeOptions, 'group' | 'topics'>): Promise<Recorder>;
  /** All records of a topic, as they are now. */
  readAll(topic: string): Promise<BusRecord[]>;
}

const DAY_MS = 86_400_000;

/** Registers the hooks of one part of the suite. */
export function useBus(createFixture: CreateBusFixture): BusUnderTest {
  let fixture: BusFixture;
  let bus: Bus;
  before(async () => {
    fixture = await createFixture();
    bus = await fixture.open();
  });
  after(async () => {
    await bus.close();
    await fixture.remove();
  });

  const under: BusUnderTest = {
    get bus() {
      return bus;
    },
    get opener() {
      return fixture.opener;
    },
    async reopen(meanwhile) {
      await bus.close();
      await meanwhile?.();
      bus = await fixture.open();
    },
    async freshTopic({ partitions = 4, retentionMs = 7 * DAY_MS } = {}) {
      const name = freshName('test.topic');
      await bus.admin.ensureTopics([{ name, partitions, retentionMs }]);
      return name;
    },
    freshGroup: () => freshName('test-group'),
    async freshTopicWithDeadLetters(partitions = 4) {
      const name = freshName('test.topic');
      const retentionMs = 30 * DAY_MS;
      await bus.admin.ensureTopics([
        { name, partitions, retentionMs },
        { name: `${name}.dlq`, partitions, retentionMs },
      ]);
      return name;
    },
    async record(options) {
      const records: BusRecord[] = [];
      const batches: PartitionBatch[] = [];
      const subscription = await bus.subscribe({
        ...options,
        onBatch: async (batch) => {
          records.push(...batch.records);
          batches.push(batch);
          await (options.onBatch ?? commitAll)(batch);
        },
      });
      return { subscription, records, batches };
    },
    async readAll(topic) {
      const records: BusRecord[] = [];
      for await (const batch of bus.read({ topic, from: 'earliest', untilEnd: true })) records.push(...batch);
      return records;
    },
  };
  return under;
}

let counter = 0;

/** Not used before, in this process or another: several suites may share one broker. */
function freshName(prefix: string): string {
  counter += 1;
  return `${prefix}.${process.pid}-${Date.now().toString(36)}-${counter}`;
}

/** A record with an id in its headers. */
export function aRecord(topic: string, key: string, id: string | number = 0): OutgoingRecord {
  return { topic, key, headers: { id: String(id) }, value: Buffer.from(JSON.stringify({ id })) };
}

/** `count` records with ids from `first`, their keys taken in turn. */
export function records(topic: string, keys: readonly string[], count: number, first = 0): OutgoingRecord[] {
  return Array.from({ length: count }, (_, index) => aRecord(topic, keys[index % keys.length] ?? 'key', first + index));
}

export function idOf(record: Pick<BusRecord, 'headers'>): string {
  return record.headers.id ?? '';
}

export function idsOf(list: readonly Pick<BusRecord, 'headers'>[]): string[] {
  return list.map(idOf);
}

export function placeOf({ topic, partition }: TopicPartition): string {
  return `${topic}/${partition}`;
}

/** Offset behind the last record of a batch. */
export function endOf(batch: PartitionBatch): number {
  return (batch.records.at(-1)?.offset ?? -1) + 1;
}

export async function commitAll(batch: PartitionBatch): Promise<void> {
  await batch.commit(endOf(batch));
}

/** As `eventually`, with the patience that a rebalance of a real broker needs. */
export function soon<T>(check: () => T | Promise<T>, what = 'the condition'): Promise<Exclude<T, false>> {
  return eventually(check, { deadlineMs: 30_000, what }) as Promise<Exclude<T, false>>;
}

/** Keeps a batch alive until `done` says true or its signal aborts. */
export async function holdUntil(batch: PartitionBatch, done: () => boolean): Promise<void> {
  await eventually(
    async () => {
      if (done() || batch.signal.aborted) return true;
      await batch.heartbeat();
      return false;
    },
    { deadlineMs: 60_000, what: `the end of the batch of ${placeOf(batch)}` },
  );
}

/** Sum of the group's lag. */
export async function lagOf(bus: Bus, group: string, topic: string): Promise<number> {
  const lags = await bus.admin.lag(group, [topic]);
  return lags.reduce((sum, { lag }) => sum + lag, 0);
}

/** A key that falls into each of the topic's partitions, by partition. */
export function keysByPartition(partitionOf: (key: string, partitions: number) => number, partitions: number): string[] {
  const keys: string[] = [];
  for (let at = 0; keys.filter((key) => key !== undefined).length < partitions; at++)
    keys[partitionOf(`key-${at}`, partitions)] ??= `key-${at}`;
  return keys;
}
