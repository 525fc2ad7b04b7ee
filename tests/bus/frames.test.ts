import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { frameBytesAt, prepareRecord, readFrame, writeFrame } from '../../shared/bus/embedded/frames.ts';

const text = fc.string({ unit: 'grapheme', maxLength: 30 });
const outgoing = fc.record({
  key: text,
  headers: fc.dictionary(text, text, { maxKeys: 5 }),
  value: fc.option(fc.uint8Array({ maxLength: 300 })),
});

describe('frames', () => {
  it('gives back every record, in order, from any place in a buffer', () => {
    fc.assert(
      fc.property(fc.array(outgoing, { maxLength: 8 }), fc.nat(50), fc.integer({ min: 0, max: 2 ** 52 }), (list, start, timestamp) => {
        const prepared = list.map(prepareRecord);
        const target = Buffer.alloc(start + prepared.reduce((sum, { frameBytes }) => sum + frameBytes, 0), 0xaa);
        let end = start;
        for (const record of prepared) end = writeFrame(target, end, record, timestamp);

        let at = start;
        for (const [index, sent] of list.entries()) {
          const got = readFrame(target, at, 'topic', 3, index);
          assert.deepEqual(
            { ...got, headers: { ...got.headers }, value: got.value && [...got.value] },
            {
              topic: 'topic',
              partition: 3,
              offset: index,
              timestamp,
              key: sent.key,
              headers: { ...sent.headers },
              value: sent.value && [...sent.value],
            },
          );
          at += frameBytesAt(target, at);
        }
        assert.deepEqual([at, end], [target.length, target.length]);
      }),
    );
  });
});
