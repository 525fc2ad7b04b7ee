import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { ByteWriter } from '../../shared/domain/byte-writer.ts';

const NUMBER_BYTES = 25;

const used = new ByteWriter();

/** What a writer makes of one value; undefined where it fails. */
function written(value: unknown): string | undefined {
  used.clear();
  used.reserve(NUMBER_BYTES);
  used.number(value as number);
  return used.failed ? undefined : textOf(used);
}

const textOf = (writer: ByteWriter): string => Buffer.from(writer.copy()).toString('latin1');

const anyNumber = fc.oneof(
  fc.double({ noNaN: true, noDefaultInfinity: true }),
  fc.tuple(fc.maxSafeNat(), fc.nat(8)).map(([digits, places]) => digits / 10 ** places),
  fc.tuple(fc.nat(2_000_000_000), fc.nat(8)).map(([digits, places]) => digits / 10 ** places),
  fc.tuple(fc.nat(10_000_000), fc.integer({ min: 9, max: 20 })).map(([digits, places]) => digits / 10 ** places),
  fc.maxSafeInteger(),
  fc.double({ min: 0, max: 1e-4, noNaN: true }),
  fc.double({ min: 1e14, max: 1e22, noNaN: true }),
);

/** The doubles beside a bound. */
function around(value: number): number[] {
  const bits = new BigInt64Array(new Float64Array([value]).buffer)[0] as bigint;
  return [-2n, -1n, 0n, 1n, 2n].map((step) => new Float64Array(new BigInt64Array([bits + step]).buffer)[0] as number);
}

describe('a writer of bytes', () => {
  it('writes every finite number as JSON.stringify does', () => {
    fc.assert(
      fc.property(anyNumber, (value) => {
        const text = written(value);

        assert.equal(text, JSON.stringify(value));
        assert.ok(text.length <= NUMBER_BYTES);
      }),
      { numRuns: 20_000 },
    );
  });

  it('writes numbers at the bounds of its short ways as JSON.stringify does', () => {
    const bounds = [1e-8, 1e-7, 1e-6, 0.1, 1, 9_999, 1e4, 1e7, 1e8, 99_999_999.99999999, 1e15, 2 ** 53, 1e21];
    const values = [...bounds.flatMap(around), 0, 0.1 + 0.2, 5e-324, Number.MAX_VALUE, Number.MAX_SAFE_INTEGER, 999_999_999_999_999];

    for (const value of [...values, ...values.map((each) => -each)]) assert.equal(written(value), JSON.stringify(value), String(value));
  });

  it('writes every number of up to three digits before and behind the dot', () => {
    for (let digits = 0; digits < 1_000_000; digits += 7) assert.equal(written(digits / 1_000), String(digits / 1_000));
  });

  it('writes -0 as 0, which is what JSON.stringify makes of it', () => {
    assert.equal(written(-0), '0');
    assert.equal(JSON.stringify(-0), '0');
  });

  for (const value of [
    Number.NaN,
    Number.POSITIVE_INFINITY,
    Number.NEGATIVE_INFINITY,
    '1',
    '',
    null,
    undefined,
    true,
    false,
    {},
    [],
    [5],
  ]) {
    it(`fails for ${typeof value === 'number' ? value : JSON.stringify(value)}, which is no number of JSON`, () => {
      assert.equal(written(value), undefined);
    });
  }

  it('has failed until it is cleared', () => {
    const writer = new ByteWriter();
    writer.number(Number.NaN);
    writer.number(1);
    const failed = writer.failed;

    writer.clear();
    writer.number(7);

    assert.deepEqual([failed, writer.failed, writer.length, textOf(writer)], [true, false, 1, '7']);
  });

  it('keeps what was written when it grows, and what was copied when it is used again', () => {
    const writer = new ByteWriter();
    const numbers = Array.from({ length: 20_000 }, (_, index) => index + 0.5);
    for (const number of numbers) {
      writer.reserve(NUMBER_BYTES + 1);
      writer.number(number);
      writer.byte(10);
    }
    const copy = writer.copy();

    writer.clear();
    writer.text(Buffer.from('other'));

    assert.equal(Buffer.from(copy).toString(), `${numbers.join('\n')}\n`);
    assert.equal(textOf(writer), 'other');
  });
});
