import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { RecentFrames } from '../../shared/bus/embedded/recent-frames.ts';

const MIB = 1_048_576;
const KEPT_BYTES = 8 * MIB;

/** Frames of so many bytes that tell where they belong. */
function framesOf(partition: number, base: number, bytes: number): Uint8Array<ArrayBuffer> {
  const frames = new Uint8Array(bytes);
  new DataView(frames.buffer).setUint16(0, partition);
  new DataView(frames.buffer).setUint32(2, base);
  return frames;
}

/** Everything that is held of a partition that ends at `end`, oldest first. */
function heldOf(recent: RecentFrames, id: number, end: number): { readonly begin: number; readonly bytes: number } {
  for (let from = 0; from < end; from += 1) {
    const reply = recent.read({ id, from, maxBytes: Number.POSITIVE_INFINITY });
    if (reply === undefined) continue;
    assert.equal(reply.next, end, 'what is held reaches to the end');
    return { begin: reply.base, bytes: reply.chunks.reduce((sum, chunk) => sum + chunk.byteLength, 0) };
  }
  return { begin: end, bytes: 0 };
}

describe('the newest frames of the log', () => {
  it('answer what the file would, without a hole and in order, or nothing', () => {
    const anAdd = fc.record({
      id: fc.nat(3),
      count: fc.integer({ min: 1, max: 5 }),
      bytes: fc.oneof(fc.integer({ min: 8, max: 1_000 }), fc.integer({ min: 100_000, max: 3 * MIB })),
    });
    const aRead = fc.record({ id: fc.nat(3), back: fc.integer({ min: -1, max: 40 }), maxBytes: fc.constantFrom(0, 1, 500, MIB, 20 * MIB) });
    let answered = 0;

    fc.assert(
      fc.property(fc.array(anAdd, { minLength: 1, maxLength: 40 }), fc.array(aRead, { minLength: 5, maxLength: 20 }), (adds, reads) => {
        const recent = new RecentFrames();
        const file = new Map<number, { base: number; next: number; frames: Uint8Array<ArrayBuffer> }[]>();
        const endOf = (id: number): number => file.get(id)?.at(-1)?.next ?? 0;
        for (const { id, count, bytes } of adds) {
          const base = endOf(id);
          const frames = framesOf(id, base, bytes);
          file.set(id, [...(file.get(id) ?? []), { base, next: base + count, frames }]);
          recent.add(id, base, count, frames);
        }

        for (const { id, back, maxBytes } of reads) {
          const from = endOf(id) - back;
          const reply = recent.read({ id, from, maxBytes });
          if (reply === undefined) continue;
          answered += 1;
          const rows = file.get(id) ?? [];
          const first = rows.findIndex(({ base, next }) => base <= from && from < next);
          assert.ok(first >= 0, 'nothing is there that was not added');
          const taken = rows.slice(first, first + reply.chunks.length);
          assert.deepEqual([reply.base, reply.next], [taken[0]?.base, taken.at(-1)?.next]);
          for (const [index, chunk] of reply.chunks.entries()) assert.equal(chunk, taken[index]?.frames);
          const before = taken.slice(0, -1).reduce((sum, { frames }) => sum + frames.byteLength, 0);
          assert.ok(taken.length === 1 || before < maxBytes, 'stops behind the frames that reach maxBytes');
          const isAll = before + (taken.at(-1)?.frames.byteLength ?? 0) < maxBytes;
          if (isAll) assert.equal(reply.next, endOf(id), 'goes on while there is room');
        }
      }),
      { numRuns: 100 },
    );

    assert.ok(answered > 100);
  });

  it('are held to their bytes, of all partitions together; the oldest leave first, whichever partition they are of', () => {
    const recent = new RecentFrames();
    const ends = [0, 0, 0];
    for (let index = 0; index < 40; index += 1) {
      const id = index % 3;
      recent.add(id, ends[id] as number, 2, framesOf(id, ends[id] as number, 500_000));
      ends[id] = (ends[id] as number) + 2;

      const held = ends.map((end, partition) => heldOf(recent, partition, end));

      const bytes = held.reduce((sum, each) => sum + each.bytes, 0);
      assert.equal(bytes, Math.min((index + 1) * 500_000, Math.floor(KEPT_BYTES / 500_000) * 500_000));
    }
    // The 16 newest of 40: of the partitions 0, 1 and 2 the last 6, 5 and 5.
    assert.deepEqual(
      ends.map((end, id) => end - heldOf(recent, id, end).begin),
      [12, 10, 10],
    );
  });

  it('leave a quiet partition for a busy one, and come back with the next record', () => {
    const recent = new RecentFrames();
    recent.add(1, 0, 1, framesOf(1, 0, 100));
    for (let base = 0; base < 20; base += 1) recent.add(2, base, 1, framesOf(2, base, MIB));

    const gone = recent.read({ id: 1, from: 0, maxBytes: MIB });
    recent.add(1, 1, 1, framesOf(1, 1, 100));

    assert.equal(gone, undefined);
    assert.equal(recent.read({ id: 1, from: 0, maxBytes: MIB }), undefined);
    assert.deepEqual(recent.read({ id: 1, from: 1, maxBytes: MIB }), { base: 1, next: 2, chunks: [framesOf(1, 1, 100)] });
  });

  it('are none where one alone is larger than what is held; the next are held again', () => {
    const recent = new RecentFrames();
    recent.add(1, 0, 3, framesOf(1, 0, 100));
    recent.add(1, 3, 1, framesOf(1, 3, KEPT_BYTES + 1));

    const none = [0, 3].map((from) => recent.read({ id: 1, from, maxBytes: MIB }));
    recent.add(1, 4, 1, framesOf(1, 4, KEPT_BYTES));

    assert.deepEqual(none, [undefined, undefined]);
    assert.deepEqual(heldOf(recent, 1, 5), { begin: 4, bytes: KEPT_BYTES });
  });

  it('answer nothing for what is not held: another partition, an offset before them, their end', () => {
    const recent = new RecentFrames();
    recent.add(1, 10, 5, framesOf(1, 10, 100));

    for (const [id, from] of [
      [2, 10],
      [1, 9],
      [1, 0],
      [1, 15],
      [1, 99],
    ] as const)
      assert.equal(recent.read({ id, from, maxBytes: MIB }), undefined);
    assert.equal(recent.read({ id: 1, from: 14, maxBytes: 0 })?.base, 10, 'one row at least, from its begin');
  });
});
