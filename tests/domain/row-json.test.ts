import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { ByteWriter } from '../../shared/domain/byte-writer.ts';
import { hasRowLayout, readRowsText, writeRowsText } from '../../shared/domain/row-json.ts';
import type { Row } from '../../shared/domain/rows.ts';
import { KINDS, type Kind } from '../../shared/domain/series.ts';
import { anyRow } from '../support/any-rows.ts';
import { edited, jsonOf, oneEdit } from '../support/byte-edits.ts';
import { LAID_OUT, laidOutRow, plainRow } from '../support/usual-rows.ts';

const writer = new ByteWriter();

/** The text that the writer makes of rows; undefined where it leaves them to others. */
function written(kind: Kind, rows: readonly Row[]): string | undefined {
  writer.clear();
  return writeRowsText(kind, rows, writer) ? Buffer.from(writer.copy()).toString('latin1') : undefined;
}

/** Fails where a text is read otherwise than JSON.parse reads it; true where it was read. */
function readsAlike(kind: Kind, text: Uint8Array): boolean {
  const rows = readRowsText(kind, text);
  if (rows !== undefined) assert.deepStrictEqual(rows, jsonOf(text), Buffer.from(text).toString('latin1'));
  return rows !== undefined;
}

/** What a field may hold by mistake. */
const anyOddity = fc.constantFrom<unknown>(
  undefined,
  null,
  true,
  false,
  '',
  '1',
  'buy',
  'hold',
  'ü"\\',
  Number.NaN,
  Number.POSITIVE_INFINITY,
  -1,
  -0,
  1e-7,
  1e21,
  [1],
  {},
);
const anyField = fc.constantFrom(
  'id',
  'time',
  'time_us',
  'price',
  'side',
  'is_best_match',
  'open',
  'volume',
  'trade_count',
  'is_closed',
  'x',
  'ü',
);

/** A laid-out row with fields that are odd, missing, added or in another order. */
const oddRow = (kind: Kind & keyof typeof laidOutRow): fc.Arbitrary<Row> =>
  fc
    .tuple(laidOutRow[kind], fc.array(fc.tuple(fc.constantFrom('put', 'delete', 'move'), anyField, anyOddity), { maxLength: 3 }))
    .map(([row, changes]) => {
      const odd: Record<string, unknown> = { ...row };
      for (const [change, field, value] of changes) {
        const before = odd[field];
        if (change !== 'put') delete odd[field];
        if (change === 'move' && before !== undefined) odd[field] = before;
        if (change === 'put') odd[field] = value;
      }
      return odd as unknown as Row;
    });

describe('rows written byte by byte', () => {
  for (const kind of LAID_OUT) {
    it(`are the text of JSON.stringify: ${kind}`, () => {
      fc.assert(
        fc.property(fc.array(laidOutRow[kind], { maxLength: 5 }), (rows) => {
          assert.equal(written(kind, rows), JSON.stringify(rows));
        }),
        { numRuns: 500 },
      );
    });

    it(`are the rows that JSON.stringify would have written, or left to it, whatever their fields are: ${kind}`, () => {
      let taken = 0;

      fc.assert(
        fc.property(fc.array(fc.oneof(laidOutRow[kind], oddRow(kind), anyRow[kind]), { minLength: 1, maxLength: 3 }), (rows) => {
          const text = written(kind, rows);
          if (text === undefined) return;
          taken += 1;
          assert.deepStrictEqual(JSON.parse(text), JSON.parse(JSON.stringify(rows)));
        }),
        { numRuns: 2_000 },
      );

      assert.ok(taken > 0);
    });

    it(`are left to others where one is no row: ${kind}`, () => {
      for (const stranger of [5, 'row', true, [], {}]) assert.equal(written(kind, [stranger as unknown as Row]), undefined);
    });
  }

  it('have their fields in the order of the layout, in whatever order they came', () => {
    fc.assert(
      fc.property(laidOutRow.candles, (row) => {
        const turned = Object.fromEntries(Object.entries(row).reverse()) as unknown as Row;
        assert.equal(written('candles', [turned]), JSON.stringify([row]));
      }),
      { numRuns: 100 },
    );
  });

  it('find room for any number of them', () => {
    const rows = fc.sample(laidOutRow.candles, { numRuns: 2_000, seed: 1 });

    assert.equal(written('candles', rows), JSON.stringify(rows));
  });

  it('are of the kinds that have a layout; others are left to JSON.stringify', () => {
    assert.deepEqual(KINDS.filter(hasRowLayout).sort(), [...LAID_OUT].sort());
    for (const kind of KINDS.filter((each) => !hasRowLayout(each))) {
      assert.equal(written(kind, []), undefined);
      assert.equal(readRowsText(kind, Buffer.from('[{}]')), undefined);
    }
  });
});

describe('rows read byte by byte', () => {
  for (const kind of LAID_OUT) {
    it(`are what JSON.parse reads: ${kind}`, () => {
      fc.assert(
        fc.property(fc.array(plainRow[kind], { minLength: 1, maxLength: 5 }), (rows) => {
          assert.deepStrictEqual(readRowsText(kind, Buffer.from(JSON.stringify(rows))), rows);
        }),
        { numRuns: 500 },
      );
    });

    it(`are what JSON.parse reads, or left to it, whatever their numbers and fields are: ${kind}`, () => {
      fc.assert(
        fc.property(fc.array(fc.oneof(laidOutRow[kind], oddRow(kind), anyRow[kind]), { maxLength: 3 }), (rows) => {
          readsAlike(kind, Buffer.from(JSON.stringify(rows)));
        }),
        { numRuns: 2_000 },
      );
    });

    it(`are never read from a text that JSON.parse would refuse or read otherwise, whichever byte is wrong: ${kind}`, () => {
      const rows = fc.sample(plainRow[kind], { numRuns: 2, seed: 2 });
      let taken = 0;

      for (const text of oneEdit(Buffer.from(JSON.stringify(rows)))) if (readsAlike(kind, text)) taken += 1;

      assert.ok(taken > 100, 'another digit is another number');
    });

    it(`are never read from a text with several wrong bytes either: ${kind}`, () => {
      const anEdit = fc.tuple(
        fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
        fc.constantFrom('delete' as const, 'insert' as const, 'replace' as const),
        fc.nat(255),
      );

      fc.assert(
        fc.property(fc.array(plainRow[kind], { minLength: 1, maxLength: 2 }), fc.array(anEdit, { maxLength: 4 }), (rows, edits) => {
          readsAlike(kind, edited(Buffer.from(JSON.stringify(rows)), edits));
        }),
        { numRuns: 3_000 },
      );
    });

    it(`are one at least, in a list, and nothing behind it: ${kind}`, () => {
      const [row] = fc.sample(plainRow[kind], { numRuns: 1, seed: 3 }).map((each) => JSON.stringify(each));

      for (const text of ['', '[', '[]', '[{}]', `${row}`, `[${row}`, `[${row},]`, `[${row}] `, `[${row}]]`, ` [${row}]`, `[${row}${row}]`])
        assert.equal(readRowsText(kind, Buffer.from(text)), undefined, text);
      assert.equal(readRowsText(kind, Buffer.from(`[${row},${row}]`))?.length, 2);
    });
  }

  it('are read from the part of a buffer that was given, and from nothing behind it', () => {
    const [row] = fc.sample(plainRow.trades, { numRuns: 1, seed: 4 });
    const text = JSON.stringify([row]);
    const within = Buffer.from(`[[${text}]]`);

    assert.deepStrictEqual(readRowsText('trades', within.subarray(2, 2 + text.length)), [row]);
    assert.equal(readRowsText('trades', within.subarray(2, 1 + text.length)), undefined);
  });
});
