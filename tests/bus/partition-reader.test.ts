import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { PartitionLog } from '../../shared/bus/embedded/catalog.ts';
import { prepareRecord, writeFrame } from '../../shared/bus/embedded/frames.ts';
import { PartitionReader, type ReadLog } from '../../shared/bus/embedded/partition-reader.ts';

interface Row {
  readonly base: number;
  readonly count: number;
  readonly bytes: Uint8Array<ArrayBuffer>;
}

/** A partition in memory: rows of so many records of so many bytes each, read as the log's thread reads them. */
function aPartition(rows: readonly { readonly count: number; readonly bytes: number }[]) {
  const log = new PartitionLog(1, 'topic', 0);
  const stored: Row[] = [];
  let end = 0;
  for (const { count, bytes } of rows) {
    const prepared = Array.from({ length: count }, (_, index) =>
      prepareRecord({ key: `${end + index}`, headers: {}, value: new Uint8Array(bytes) }),
    );
    const target = Buffer.from(new ArrayBuffer(prepared.reduce((sum, { frameBytes }) => sum + frameBytes, 0)));
    let at = 0;
    for (const record of prepared) at = writeFrame(target, at, record, 0);
    stored.push({ base: end, count, bytes: new Uint8Array(target.buffer as ArrayBuffer) });
    end += count;
  }
  log.move({ end });
  let fetched = 0;
  const read: ReadLog = async ({ from, maxBytes }) => {
    const chunks: Uint8Array<ArrayBuffer>[] = [];
    let [base, next, bytes] = [from, from, 0];
    for (const row of stored.filter((candidate) => candidate.base >= log.begin && candidate.base + candidate.count > from)) {
      if (bytes >= maxBytes) break;
      if (chunks.length === 0) base = row.base;
      chunks.push(row.bytes);
      next = row.base + row.count;
      bytes += row.bytes.byteLength;
    }
    fetched += bytes;
    return { base, next, chunks };
  };
  return { log, end, read, fetchedBytes: () => fetched };
}

const rows = fc.array(fc.record({ count: fc.integer({ min: 1, max: 12 }), bytes: fc.nat(400) }), { minLength: 1, maxLength: 20 });

describe('partition reader', () => {
  it('takes every record once and in order, whatever the rows, the limits and the jumps', async () => {
    await fc.assert(
      fc.asyncProperty(
        rows,
        fc.integer({ min: 1, max: 2_000 }),
        fc.boolean(),
        fc.array(
          fc.record({ records: fc.integer({ min: 1, max: 9 }), bytes: fc.integer({ min: 1, max: 3_000 }), jump: fc.option(fc.nat(100)) }),
          {
            minLength: 1,
          },
        ),
        async (layout, maxBytes, readAhead, takes) => {
          const { log, end, read } = aPartition(layout);
          const reader = new PartitionReader(log, read, 0, { maxBytes, readAhead });
          let expected = 0;
          for (const { records, bytes, jump } of takes) {
            if (jump !== null) {
              expected = jump % end;
              reader.seek(expected);
            }
            const got = await reader.take({ maxBytes: bytes, maxRecords: records });
            assert.ok(got.length <= records && (got.length > 0 || expected === end));
            for (const record of got) {
              assert.deepEqual([record.offset, record.key], [expected, String(expected)]);
              expected += 1;
            }
            assert.equal(reader.position, expected);
          }
        },
      ),
    );
  });

  it('starts at the begin of the log where the records before it are gone', async () => {
    const { log, read } = aPartition([
      { count: 5, bytes: 10 },
      { count: 5, bytes: 10 },
    ]);
    log.move({ begin: 5 });
    const reader = new PartitionReader(log, read, 2, { maxBytes: 1_000, readAhead: true });

    const got = await reader.take({ maxBytes: 10_000, maxRecords: 100 });

    assert.deepEqual(
      got.map(({ offset }) => offset),
      [5, 6, 7, 8, 9],
    );
  });

  it('keeps the numbers right when records behind those it holds are deleted', async () => {
    const { log, read } = aPartition(Array.from({ length: 6 }, () => ({ count: 2, bytes: 100 })));
    const reader = new PartitionReader(log, read, 0, { maxBytes: 400, readAhead: true });
    const got = [...(await reader.take({ maxBytes: 10_000, maxRecords: 1 }))];
    await new Promise((resolve) => setImmediate(resolve));

    log.move({ begin: 10 });
    while (reader.hasMore) got.push(...(await reader.take({ maxBytes: 10_000, maxRecords: 1 })));

    assert.ok(got.every(({ offset, key }) => key === String(offset)));
    assert.deepEqual(
      got.map(({ offset }) => offset).filter((offset) => offset >= 8),
      [10, 11],
    );
  });

  it('takes nothing at or behind the offset where it has to end', async () => {
    const { log, read } = aPartition([{ count: 8, bytes: 10 }]);
    const reader = new PartitionReader(log, read, 3, { maxBytes: 1_000, readAhead: false });

    const got = await reader.take({ maxBytes: 10_000, maxRecords: 100, before: 6 });

    assert.deepEqual(
      got.map(({ offset }) => offset),
      [3, 4, 5],
    );
  });

  it('holds at most twice its bytes and a row, however long the records wait', async () => {
    const { log, read, fetchedBytes } = aPartition(Array.from({ length: 200 }, () => ({ count: 1, bytes: 1_000 })));
    const reader = new PartitionReader(log, read, 0, { maxBytes: 10_000, readAhead: true });
    let taken = 0;
    let most = 0;

    while (reader.hasMore) {
      taken += (await reader.take({ maxBytes: 10_000, maxRecords: 3 })).length * 1_025;
      await new Promise((resolve) => setImmediate(resolve));
      most = Math.max(most, fetchedBytes() - taken);
    }

    assert.ok(most > 0 && most <= 2 * 10_000 + 2 * 1_100, `${most} bytes`);
  });
});
