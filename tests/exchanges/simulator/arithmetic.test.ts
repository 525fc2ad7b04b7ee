import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  bucketNumber,
  bucketOpen,
  CANDLE_INTERVALS,
  type CandleInterval,
  fixedLengthMs,
  nextBucketOpen,
} from '../../../shared/exchanges/simulator/buckets.ts';
import { ByteWriter } from '../../../shared/exchanges/simulator/byte-writer.ts';
import {
  addDecimals,
  compareDecimals,
  multiplyDecimals,
  parseDecimal,
  printDecimal,
  printDecimalText,
  printScaled,
} from '../../../shared/exchanges/simulator/decimal.ts';
import { ExactSum } from '../../../shared/exchanges/simulator/synthetic/sums.ts';

const anInterval = fc.constantFrom<CandleInterval>(...CANDLE_INTERVALS);
const aTime = fc.integer({ min: Date.UTC(2017, 0, 1), max: Date.UTC(2030, 0, 1) });
const aShift = fc.integer({ min: -12 * 60, max: 14 * 60 }).map((minutes) => minutes * 60_000);

test('every moment lies in exactly one bucket, and buckets follow each other without a gap', () => {
  fc.assert(
    fc.property(anInterval, aTime, aShift, (interval, time, shiftMs) => {
      const number = bucketNumber(interval, time, shiftMs);
      const open = bucketOpen(interval, number, shiftMs);
      const next = bucketOpen(interval, number + 1, shiftMs);

      assert.ok(open <= time && time < next);
      assert.equal(nextBucketOpen(interval, open, shiftMs), next);
      assert.equal(bucketNumber(interval, next, shiftMs), number + 1);
      assert.equal(bucketNumber(interval, next - 1, shiftMs), number);
    }),
  );
});

test('weeks open on Mondays, months on the first, and a time zone moves the border of the day', () => {
  const thursday = Date.UTC(2024, 1, 29, 12);

  assert.equal(bucketOpen('1w', bucketNumber('1w', thursday)), Date.UTC(2024, 1, 26));
  assert.equal(bucketOpen('1M', bucketNumber('1M', thursday)), Date.UTC(2024, 1, 1));
  assert.equal(nextBucketOpen('1M', Date.UTC(2024, 1, 1)), Date.UTC(2024, 2, 1));
  assert.equal(bucketOpen('1d', bucketNumber('1d', thursday, 8 * 3_600_000), 8 * 3_600_000), Date.UTC(2024, 1, 28, 16));
  assert.equal(fixedLengthMs('1M'), undefined);
  assert.equal(fixedLengthMs('3d'), 259_200_000);
});

test('a decimal text is printed with eight decimals at least, and never loses a digit', () => {
  assert.equal(printDecimalText('61837.63000000'), '61837.63000000');
  assert.equal(printDecimalText('24899.18'), '24899.18000000');
  assert.equal(printDecimalText('517173.0'), '517173.00000000');
  assert.equal(printDecimalText('12'), '12.00000000');
  assert.equal(printDecimalText('1e-7'), '0.00000010');
  assert.equal(printDecimalText('1.5E+3'), '1500.00000000');
  assert.equal(printDecimalText('1092922.8999999999'), '1092922.8999999999');
  assert.equal(printDecimalText('24899.180000000001234'), '24899.180000000001234');
});

test('a decimal text is read in every form, and what is none is not read', () => {
  const read = (text: string): string | undefined => {
    const value = parseDecimal(text);
    return value === undefined ? undefined : printDecimal(value);
  };

  assert.deepEqual(['1.5', '.5', '5.', '0', '999999999999999', '9999999999999999', '12345678901234567890.5', '-2', '1e2'].map(read), [
    '1.50000000',
    '0.50000000',
    '5.00000000',
    '0.00000000',
    '999999999999999.00000000',
    '9999999999999999.00000000',
    '12345678901234567890.50000000',
    '-2.00000000',
    '100.00000000',
  ]);
  assert.deepEqual(['', '.', '-', '1.2.3', 'x', '1e', '0x10', ' '].map(read), new Array(8).fill(undefined));
});

test('decimal arithmetic is exact', () => {
  const aDecimal = fc.record({ units: fc.bigInt({ min: -(10n ** 24n), max: 10n ** 24n }), decimals: fc.integer({ min: 0, max: 12 }) });
  fc.assert(
    fc.property(aDecimal, aDecimal, (a, b) => {
      const scaled = ({ units, decimals }: { units: bigint; decimals: number }, to: number): bigint => units * 10n ** BigInt(to - decimals);

      assert.equal(scaled(addDecimals(a, b), 24), scaled(a, 24) + scaled(b, 24));
      assert.equal(scaled(multiplyDecimals(a, b), 24), (scaled(a, 12) * scaled(b, 12)) as bigint);
      assert.equal(Math.sign(compareDecimals(a, b)), Math.sign(Number(scaled(a, 12) - scaled(b, 12))));
      const read = parseDecimal(printDecimal(a));
      assert.ok(read !== undefined && compareDecimals(read, a) === 0);
    }),
  );
});

test('what is written as bytes is what would be printed as text', () => {
  const writer = new ByteWriter();
  fc.assert(
    fc.property(fc.maxSafeNat(), fc.integer({ min: 0, max: 8 }), fc.maxSafeNat(), (units, decimals, whole) => {
      writer.clear();
      writer.beginRow();
      writer.text('["');
      writer.scaled(units, decimals);
      writer.nextQuoted();
      writer.whole(whole);

      assert.equal(writer.copy().toString(), `["${printDecimal({ units: BigInt(units), decimals })}","${whole}`);
      assert.equal(printScaled(units, decimals), printDecimal({ units: BigInt(units), decimals }));
    }),
    { numRuns: 500 },
  );
});

test('a sum of whole numbers is exact beyond what a double can hold', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: 2 ** 52 - 1 }), { maxLength: 40 }), (values) => {
      const sum = new ExactSum();

      for (const value of values) sum.add(value);

      const expected = values.reduce((total, value) => total + BigInt(value), 0n);
      assert.equal(sum.print(8), printDecimal({ units: expected, decimals: 8 }));
    }),
  );
});
