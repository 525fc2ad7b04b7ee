import assert from 'node:assert/strict';
import { it } from 'node:test';
import fc from 'fast-check';
import type { PartitionBatch } from '../../shared/bus/bus.ts';
import { aRecord, type CreateBusFixture, commitAll, holdUntil, idOf, lagOf, placeOf, type Recorder, soon, useBus } from './bus-fixture.ts';

const KEYS = ['a', 'b', 'c', 'd', 'e', 'f'];

/** What happens from outside. */
type Step =
  | { readonly do: 'publish'; readonly key: number; readonly count: number }
  | { readonly do: 'join' | 'leave' | 'wait' }
  | { readonly do: 'leave-at-once' };

/** What a handler does with a batch; `slow` holds it until something else happened. */
type Behaviour = 'commit' | 'partly' | 'nothing' | 'reject' | 'commit-and-reject' | 'slow';

const steps: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({ do: fc.constant('publish' as const), key: fc.nat(KEYS.length - 1), count: fc.integer({ min: 1, max: 30 }) }),
  },
  { weight: 4, arbitrary: fc.record({ do: fc.constantFrom('join' as const, 'leave' as const, 'wait' as const) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('leave-at-once' as const) }) },
);
const behaviours: fc.Arbitrary<Behaviour> = fc.constantFrom(
  'commit',
  'commit',
  'commit',
  'partly',
  'nothing',
  'reject',
  'commit-and-reject',
  'slow',
);

/** Any schedule of publishing, joining, leaving, failing and committing. */
export function describeSchedules(createFixture: CreateBusFixture): void {
  const log = useBus(createFixture);

  it('hands every record of a key over in order and loses none, whoever joins, leaves or fails; committed offsets never go back', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(steps, { minLength: 4, maxLength: 16 }),
        fc.array(behaviours, { maxLength: 24 }),
        fc.integer({ min: 1, max: 9 }),
        (plan, handling, maxBatchRecords) => runSchedule(log, plan, handling, maxBatchRecords),
      ),
      { numRuns: 20, endOnFailure: true },
    );
  });
}

async function runSchedule(
  log: ReturnType<typeof useBus>,
  plan: readonly Step[],
  handling: readonly Behaviour[],
  maxBatchRecords: number,
): Promise<void> {
  const [topic, group] = [await log.freshTopic({ partitions: 3 }), log.freshGroup()];
  const watch = new Watch();
  const pending = [...handling];
  const published = new Map<string, number>();
  const members: Recorder[] = [];
  let turn = 0;
  const onBatch = async (batch: PartitionBatch): Promise<void> => {
    watch.begin(batch);
    try {
      await behave(batch, pending.shift() ?? 'commit', () => turn);
    } finally {
      watch.end(batch);
    }
  };
  const join = async (): Promise<void> => void members.push(await log.record({ group, topics: [topic], maxBatchRecords, onBatch }));

  for (const step of plan) {
    turn += 1;
    if (step.do === 'publish') {
      const key = KEYS[step.key] ?? 'a';
      const first = published.get(key) ?? 0;
      published.set(key, first + step.count);
      await log.bus.publish(Array.from({ length: step.count }, (_, index) => aRecord(topic, key, first + index)));
    } else if (step.do === 'join') await join();
    else if (step.do === 'wait') await soon(() => watch.settled());
    else {
      const leaving = members.shift()?.subscription.stop(step.do === 'leave' ? {} : { graceMs: 0 });
      turn += 1;
      await leaving;
    }
    watch.committed(await log.bus.admin.lag(group, [topic]));
  }
  turn = Number.POSITIVE_INFINITY;
  if (members.length === 0) await join();
  await soon(async () => (await lagOf(log.bus, group, topic)) === 0, 'no lag');
  watch.committed(await log.bus.admin.lag(group, [topic]));
  await Promise.all(members.map(({ subscription }) => subscription.stop()));

  assert.deepEqual(watch.problems, []);
  assert.deepEqual(watch.seen, published);
}

async function behave(batch: PartitionBatch, behaviour: Behaviour, turn: () => number): Promise<void> {
  const begun = turn();
  const middle = batch.records[Math.floor(batch.records.length / 2)]?.offset ?? 0;
  if (behaviour === 'slow') await holdUntil(batch, () => turn() > begun || turn() === Number.POSITIVE_INFINITY);
  if (behaviour === 'reject') throw new Error('rejected');
  if (behaviour === 'nothing') return;
  try {
    await (behaviour === 'partly' || behaviour === 'commit-and-reject' ? batch.commit(middle) : commitAll(batch));
  } catch (error) {
    // The partition moved meanwhile: that is what a handler has to expect.
    assert.equal((error as { code?: unknown }).code, 'state_conflict');
  }
  if (behaviour === 'commit-and-reject') throw new Error('rejected');
}

/** Sees all batches of a group, and says what should not be. */
class Watch {
  readonly problems: string[] = [];
  /** By key: how many of its records were seen, in order. */
  readonly seen = new Map<string, number>();
  readonly #inHands = new Set<string>();
  readonly #next = new Map<number, number>();
  readonly #committed = new Map<number, number>();
  #quiet = 0;

  begin(batch: PartitionBatch): void {
    this.#quiet = 0;
    if (this.#inHands.has(placeOf(batch))) this.problems.push(`${placeOf(batch)} is in two hands`);
    this.#inHands.add(placeOf(batch));
    let expected = batch.records[0]?.offset;
    for (const record of batch.records) {
      if (record.offset !== expected) this.problems.push(`${record.offset} follows ${(expected ?? 0) - 1} in one batch`);
      expected = record.offset + 1;
      const next = this.#next.get(batch.partition) ?? 0;
      if (record.offset > next) this.problems.push(`offset ${next} of partition ${batch.partition} was left out`);
      if (record.offset < next) continue;
      this.#next.set(batch.partition, record.offset + 1);
      const key = record.key ?? '';
      const count = this.seen.get(key) ?? 0;
      if (idOf(record) !== String(count)) this.problems.push(`${key}: ${idOf(record)} instead of ${count}`);
      this.seen.set(key, count + 1);
    }
  }

  end(batch: PartitionBatch): void {
    this.#inHands.delete(placeOf(batch));
  }

  /** True when three looks in a row found no batch at work: time enough for members to take up what lies there. */
  settled(): boolean {
    this.#quiet += 1;
    return this.#quiet > 3 || this.#inHands.size > 0;
  }

  committed(lags: readonly { readonly partition: number; readonly committed: number | null }[]): void {
    for (const { partition, committed } of lags) {
      const before = this.#committed.get(partition) ?? 0;
      if ((committed ?? 0) < before) this.problems.push(`partition ${partition} went back from ${before} to ${committed}`);
      this.#committed.set(partition, committed ?? 0);
    }
  }
}
