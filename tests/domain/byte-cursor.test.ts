import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { ByteCursor } from '../../shared/domain/byte-cursor.ts';

const bytesOf = (text: string): Uint8Array => Buffer.from(text, 'utf8');

/** A text as a whole, or in quotes; undefined where a cursor does not take it. */
function read(text: string, maxDigits?: number): number | undefined {
  const cursor = new ByteCursor(bytesOf(text));
  const value = cursor.number(maxDigits);
  return cursor.failed || !cursor.isAtEnd ? undefined : value;
}

const digits = (min: number, max: number): fc.Arbitrary<string> =>
  fc.string({ unit: fc.constantFrom(...'0123456789'), minLength: min, maxLength: max });
const wholePart = (most: number): fc.Arbitrary<string> =>
  fc.oneof(
    fc.constant('0'),
    fc.tuple(fc.constantFrom(...'123456789'), digits(0, most - 1)).map(([first, rest]) => first + rest),
  );
const decimal = (whole: number, places: number): fc.Arbitrary<string> =>
  fc
    .tuple(wholePart(whole), fc.option(digits(1, places), { nil: undefined }))
    .map(([before, behind]) => (behind === undefined ? before : `${before}.${behind}`));

/** The middle between 1 and the next double, to its last digit: any digit behind it decides. */
const MIDDLE = '1.00000000000000011102230246251565404236316680908203125';

describe('a cursor over bytes', () => {
  it('reads any plain decimal as its nearest double, whatever stands behind it', () => {
    fc.assert(
      fc.property(
        fc.oneof(decimal(9, 8), decimal(15, 15), decimal(40, 40)),
        fc.constantFrom('', ',', '"', ']', ' ', 'e5'),
        (text, behind) => {
          const cursor = new ByteCursor(bytesOf(`{${text}${behind}`), 1);

          const value = cursor.number();

          assert.deepEqual([value, cursor.failed, cursor.at], [Number(text), false, 1 + text.length]);
        },
      ),
      { numRuns: 10_000 },
    );
  });

  it('never misreads a number of hundreds of digits', () => {
    const texts = [
      `${MIDDLE}${'0'.repeat(400)}1`,
      `${MIDDLE}${'0'.repeat(400)}`,
      `0.${'0'.repeat(320)}${'9'.repeat(200)}`,
      `${'1'.repeat(200)}.${'9'.repeat(300)}`,
      '9'.repeat(500),
    ];

    fc.assert(
      fc.property(fc.oneof(fc.constantFrom(...texts), decimal(600, 600)), (text) => {
        const value = read(text);
        assert.ok(value === undefined || Object.is(value, Number(text)), text);
      }),
      { numRuns: 500, examples: texts.map((text) => [text]) },
    );
    assert.equal(read(`${MIDDLE}${'0'.repeat(300)}1`), 1 + Number.EPSILON, 'what is not too long is read');
  });

  for (const text of [
    '',
    '.',
    '1.',
    '.5',
    '-1',
    '+1',
    '-0',
    '01',
    '00',
    '00.5',
    '1e5',
    '1E5',
    '1.5e-3',
    '1.2.3',
    '1_0',
    '0x10',
    ' 1',
    '1 ',
    'NaN',
    '１',
  ]) {
    it(`does not take ${JSON.stringify(text)} for a number`, () => assert.equal(read(text), undefined));
  }

  it('takes nothing that JSON would refuse or read otherwise', () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom(...'0012359..-+eE '), maxLength: 20 }), (text) => {
        const value = read(text);
        if (value !== undefined) assert.ok(Object.is(value, JSON.parse(text)), text);
      }),
      { numRuns: 10_000 },
    );
  });

  it('fails for more digits than were allowed, zeros counted, with and without quotes', () => {
    fc.assert(
      fc.property(decimal(12, 12), fc.integer({ min: 15, max: 20 }), (text, most) => {
        const inQuotes = new ByteCursor(bytesOf(`"${text}"`));

        const values = [read(text, most), inQuotes.quoted(most)];

        const fits = text.replace('.', '').length <= most;
        assert.equal(values[0], fits ? Number(text) : undefined);
        assert.equal(inQuotes.failed, !fits);
        if (fits) assert.deepEqual([values[1], inQuotes.isAtEnd], [Number(text), true]);
      }),
      { numRuns: 2_000 },
    );
  });

  for (const text of ['1"', '"1', '1', '""', '"1.5', '"1 "', "'1'"]) {
    it(`does not take ${text} for a number in quotes`, () => {
      const cursor = new ByteCursor(bytesOf(text));

      cursor.quoted();

      assert.ok(cursor.failed || !cursor.isAtEnd);
    });
  }

  it('goes over a text only where it stands, and over an optional one only then', () => {
    const cursor = new ByteCursor(bytesOf('abc,d'));

    const taken = [
      cursor.maybe(bytesOf('abd')),
      cursor.maybe(bytesOf('ab')),
      cursor.maybeByte(44),
      cursor.maybeByte(99),
      cursor.maybeByte(44),
    ];
    const before = cursor.failed;
    cursor.text(bytesOf('x'));

    assert.deepEqual(taken, [false, true, false, true, true]);
    assert.deepEqual([before, cursor.failed], [false, true]);
  });

  it('has failed for good', () => {
    const cursor = new ByteCursor(bytesOf('a1'));
    cursor.text(bytesOf('b'));

    assert.equal(cursor.number(), 1);
    assert.deepEqual([cursor.isAtEnd, cursor.failed], [true, true]);
  });

  it('fails behind the end of its bytes, and nowhere else of the buffer that they lie in', () => {
    const whole = bytesOf('12345678');
    const within = (): ByteCursor => new ByteCursor(whole.subarray(2, 4));
    const short = within();
    short.text(bytesOf('345'));
    const number = within();

    assert.equal(short.failed, true);
    assert.deepEqual([number.number(), number.isAtEnd, number.failed], [34, true, false]);
    assert.equal(number.maybe(bytesOf('5')), false);
    number.number();
    assert.equal(number.failed, true);
  });
});
