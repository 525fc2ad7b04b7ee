import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { seededRandom } from '../../shared/runtime/random.ts';
import { childOf, continueTrace, formatTraceparent, parseTraceparent, startTrace } from '../../shared/telemetry/trace.ts';

const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736';
const SPAN = '00f067aa0ba902b7';

describe('traceparent', () => {
  test("reads the specification's own example", () => {
    assert.deepEqual(parseTraceparent(`00-${TRACE}-${SPAN}-01`), { traceId: TRACE, spanId: SPAN, flags: 1 });
  });

  for (const [what, text] of [
    ['nothing', undefined],
    ['version ff', `ff-${TRACE}-${SPAN}-01`],
    ['a trace id of zeros', `00-${'0'.repeat(32)}-${SPAN}-01`],
    ['a span id of zeros', `00-${TRACE}-${'0'.repeat(16)}-01`],
    ['upper case', `00-${TRACE.toUpperCase()}-${SPAN}-01`],
    ['more behind version 00', `00-${TRACE}-${SPAN}-01-more`],
    ['a short trace id', `00-${TRACE.slice(1)}-${SPAN}-01`],
    ['space around it', ` 00-${TRACE}-${SPAN}-01`],
  ] as const) {
    test(`refuses ${what}`, () => {
      assert.equal(parseTraceparent(text), undefined);
    });
  }

  test('reads the four known fields of a later version and writes version 00 with "sampled" alone', () => {
    const trace = parseTraceparent(`01-${TRACE}-${SPAN}-ff-more`);

    assert.ok(trace !== undefined);
    assert.equal(formatTraceparent(trace), `00-${TRACE}-${SPAN}-01`);
  });

  test('a child keeps the trace and has a span of its own', () => {
    const { next } = seededRandom(7);
    const parent = startTrace(next);

    const child = childOf(parent, next);

    assert.equal(child.traceId, parent.traceId);
    assert.notEqual(child.spanId, parent.spanId);
  });

  test('whatever comes in, what goes out is a valid traceparent, of the same trace where there was one', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.constant(`00-${TRACE}-${SPAN}-00`)), fc.integer({ min: 0, max: 2 ** 31 }), (received, seed) => {
        const sent = parseTraceparent(continueTrace(received, seededRandom(seed).next));

        assert.ok(sent !== undefined);
        const parent = parseTraceparent(received);
        if (parent !== undefined) assert.deepEqual([sent.traceId, sent.flags], [parent.traceId, parent.flags]);
      }),
    );
  });

  test('is valid even where the random numbers are all zero', () => {
    assert.ok(parseTraceparent(continueTrace(undefined, () => 0)) !== undefined);
  });
});
