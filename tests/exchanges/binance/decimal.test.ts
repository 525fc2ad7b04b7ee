import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { losesPrecision, microsBelow, readDecimal, wholeMs } from '../../../shared/exchanges/binance/decimal.ts';

const digits = (min: number, max: number) => fc.string({ unit: fc.constantFrom(...'0123456789'), minLength: min, maxLength: max });
const decimal = fc
  .tuple(digits(1, 14), fc.option(digits(1, 14), { nil: undefined }))
  .map(([whole, part]) => (part === undefined ? whole : `${whole}.${part}`));

test('every decimal is read as the nearest double', () => {
  fc.assert(
    fc.property(decimal, (text) => assert.equal(readDecimal(text), Number(text))),
    { numRuns: 5_000 },
  );
});

test('a decimal that does not lose precision comes back as it was', () => {
  fc.assert(
    fc.property(decimal, (text) => {
      const plain = text.includes('.') ? text.replace(/0+$/, '').replace(/\.$/, '') : text;
      const same =
        BigInt(plain.replace('.', '')) ===
        BigInt(readDecimal(text).toLocaleString('en', { useGrouping: false, maximumFractionDigits: 20 }).replace('.', ''));
      return losesPrecision(text) || same;
    }),
    { numRuns: 5_000 },
  );
});

for (const text of [
  '',
  ' 1',
  '1 ',
  '.5',
  '5.',
  '-1',
  '+1',
  '1e5',
  '0x10',
  '1.2.3',
  '1,5',
  'NaN',
  'Infinity',
  '1_0',
  '12345678901234567.x',
]) {
  test(`${JSON.stringify(text)} is no decimal`, () => assert.ok(Number.isNaN(readDecimal(text))));
}
for (const value of [null, undefined, 1, true, {}, ['1']]) {
  test(`${JSON.stringify(value)} is no decimal`, () => assert.ok(Number.isNaN(readDecimal(value))));
}

for (const [text, loses] of [
  ['61837.63000000', false],
  ['123456789012345', false],
  ['1234567.89012345', false],
  ['000123456789012345.000', false],
  ['0.000000001234567', false],
  ['1000000000000000000000', false],
  ['1234567890123456', true],
  ['12345678.90123456', true],
  ['0.1234567890123456', true],
  ['100000000.00000001', true],
] as const) {
  test(`${text} ${loses ? 'has' : 'has not'} more than 15 significant digits`, () => assert.equal(losesPrecision(text), loses));
}

test('times in ms and in µs are told apart by their size', () => {
  assert.deepEqual([wholeMs(1722470400123), microsBelow(1722470400123)], [1722470400123, 0]);
  assert.deepEqual([wholeMs(1735689600000456), microsBelow(1735689600000456)], [1735689600000, 456]);
  assert.ok(Number.isNaN(wholeMs('1722470400123')));
});
