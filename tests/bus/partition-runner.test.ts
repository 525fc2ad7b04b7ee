import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { PartitionLog } from '../../shared/bus/embedded/catalog.ts';
import { prepareRecord, writeFrame } from '../../shared/bus/embedded/frames.ts';
import { OffsetTable } from '../../shared/bus/embedded/offset-table.ts';
import type { ReadLog } from '../../shared/bus/embedded/partition-reader.ts';
import { PartitionRunner } from '../../shared/bus/embedded/partition-runner.ts';
import { Slots } from '../../shared/bus/slots.ts';
import { AppError } from '../../shared/domain/errors.ts';
import { eventually } from '../support/eventually.ts';

/** A partition with one record, run by a member whose first `failures` reads fail. */
function run(failures: number) {
  const log = new PartitionLog(1, 'topic', 3);
  const record = prepareRecord({ key: 'k', headers: {}, value: new Uint8Array(10) });
  const frame = Buffer.from(new ArrayBuffer(record.frameBytes));
  writeFrame(frame, 0, record, 0);
  log.move({ end: 1 });
  const told: (string | undefined)[] = [];
  const offsets: number[] = [];
  let reads = 0;
  const read: ReadLog = async () => {
    reads += 1;
    if (reads <= failures) throw new AppError('bus_unavailable', 'the page is torn');
    return { base: 0, next: 1, chunks: [new Uint8Array(frame.buffer as ArrayBuffer)] };
  };
  const options = {
    group: 'group',
    maxBatchBytes: 1_000,
    maxBatchRecords: 10,
    slots: new Slots(1),
    offsets: new OffsetTable([], async () => undefined),
    read,
    async onBatch(batch: { readonly records: readonly { readonly offset: number }[]; commit(next: number): Promise<void> }) {
      offsets.push(...batch.records.map(({ offset }) => offset));
      await batch.commit(1);
    },
    onUnreadable: ({ topic, partition }: { topic: string; partition: number }, error: AppError | undefined) =>
      void told.push(error && `${topic}/${partition}: ${error.code}`),
  };
  return { runner: new PartitionRunner(log, 1, options, undefined), told, offsets };
}

describe('partition runner', () => {
  it('tells of every read that fails and of the first that does not, and delivers then', async () => {
    const { runner, told, offsets } = run(2);

    await eventually(() => offsets.length > 0);
    runner.finish();
    await runner.settled;

    assert.deepEqual([told, offsets], [['topic/3: bus_unavailable', 'topic/3: bus_unavailable', undefined], [0]]);
  });

  it('says no more of a partition that it gave away', async () => {
    const { runner, told } = run(Number.POSITIVE_INFINITY);
    await eventually(() => told.length > 0);

    runner.revoke(new Error('it moves'));
    await runner.settled;
    const toldByThen = [...told];

    assert.equal(toldByThen.at(-1), undefined);
    assert.ok(toldByThen.slice(0, -1).every((line) => line === 'topic/3: bus_unavailable'));
  });

  it('says nothing of reads that succeed', async () => {
    const { runner, told, offsets } = run(0);

    await eventually(() => offsets.length > 0);
    runner.finish();
    await runner.settled;

    assert.deepEqual(told, []);
  });
});
