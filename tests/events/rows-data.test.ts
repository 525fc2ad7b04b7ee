import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import type { Row } from '../../shared/domain/rows.ts';
import { eventType } from '../../shared/events/define-contract.ts';
import { hasRowsLayout, readRowsData, splitRowsData, writeRowsData } from '../../shared/events/rows-data.ts';
import { anyRow } from '../support/any-rows.ts';
import { edited, jsonOf, oneEdit } from '../support/byte-edits.ts';
import { laidOutRow, plainRow } from '../support/usual-rows.ts';

const LAID_OUT = ['candles', 'trades', 'agg-trades'] as const;
const typeOf = (kind: string): string => eventType(`${kind}.v1`);
const TRADES = typeOf('trades');

const anyText = fc.oneof(fc.string(), fc.string({ unit: 'grapheme' }), fc.constantFrom(',"rows":[', '","rows":[', '}', '"', '\\', 'Київ'));
/** No name has a backslash: after one of `\` the engine (V8 13.6) takes a name of `"` in its place for the same. */
const anyName = anyText.filter((name) => !name.includes('\\'));
const anyValue = fc.oneof(anyText, fc.jsonValue({ stringUnit: fc.constantFrom(...'ab0{}[]:,"ü \n') }));
/** Fields before the rows, one at least: those of an envelope, and any others. */
const anyHead = fc
  .tuple(fc.constantFrom('rest', 'ws', ',"rows":['), fc.dictionary(anyName, anyValue, { noNullPrototype: true }))
  .map(([origin, { rows: _, ...others }]) => ({ ...others, origin }));

const A = '{"id":7,"first_trade_id":1,"last_trade_id":2,"time":1722470400000,"price":10.5,"quantity":2,"side":"buy"}';
const B = A.replace('"id":7', '"id":8');

/** Fails where bytes are read otherwise than JSON.parse reads them; true where they were read. */
function readsAlike(type: string, bytes: Uint8Array): boolean {
  const data = readRowsData(type, bytes);
  if (data !== undefined) assert.deepStrictEqual(data, jsonOf(bytes), Buffer.from(bytes).toString('latin1'));
  return data !== undefined;
}

describe('data of rows as it is written', () => {
  for (const kind of [...LAID_OUT, 'quotes', 'depth', 'tickers'] as const) {
    it(`is the JSON of its fields with the rows behind them: ${kind}`, () => {
      const rows = fc.array((kind in laidOutRow ? fc.oneof(plainRow[kind as 'trades'], anyRow[kind]) : anyRow[kind]) as fc.Arbitrary<Row>, {
        minLength: 1,
        maxLength: 4,
      });

      fc.assert(
        fc.property(anyHead, rows, (head, list) => {
          const json = writeRowsData(typeOf(kind), head, list);

          const expected: unknown = JSON.parse(JSON.stringify({ ...head, rows: list }));
          assert.deepStrictEqual(jsonOf(json.bytes), expected);
          assert.deepStrictEqual(jsonOf(json.rows), (expected as { readonly rows: unknown }).rows);
        }),
        { numRuns: 300 },
      );
    });
  }

  it('is its own, whatever is written afterwards', () => {
    const [first, second] = fc.sample(plainRow.trades, { numRuns: 2, seed: 1 }) as [Row, Row];
    const one = writeRowsData(TRADES, { origin: 'rest' }, [first]);
    const before = Buffer.from(one.bytes);

    writeRowsData(TRADES, { origin: 'ws' }, [second, second]);

    assert.deepEqual(Buffer.from(one.bytes), before);
  });

  it('is that of JSON.stringify where the rows are the usual ones', () => {
    fc.assert(
      fc.property(anyHead, fc.array(laidOutRow.candles, { minLength: 1, maxLength: 3 }), (head, rows) => {
        assert.equal(Buffer.from(writeRowsData(typeOf('candles'), head, rows).bytes).toString(), JSON.stringify({ ...head, rows }));
      }),
      { numRuns: 300 },
    );
  });
});

describe('data of rows as it is read', () => {
  for (const kind of LAID_OUT) {
    it(`is what was written: ${kind}`, () => {
      const head = { exchange: 'binance', symbol: 'BTCUSDT', origin: 'rest', received_at: 1_722_470_400_000 };

      fc.assert(
        fc.property(fc.array(plainRow[kind], { minLength: 1, maxLength: 4 }), (rows) => {
          const { bytes } = writeRowsData(typeOf(kind), head, rows);
          assert.deepStrictEqual(readRowsData(typeOf(kind), bytes), { ...head, rows });
        }),
        { numRuns: 300 },
      );
    });

    it(`is what JSON.parse reads, or left to it, whatever its fields, its rows and a few wrong bytes are: ${kind}`, () => {
      const anEdit = fc.tuple(
        fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
        fc.constantFrom('delete' as const, 'insert' as const, 'replace' as const),
        fc.nat(255),
      );
      const rows = fc.array(fc.oneof(plainRow[kind], anyRow[kind]), { maxLength: 2 });

      fc.assert(
        fc.property(anyHead, rows, fc.array(anEdit, { maxLength: 3 }), (head, list, edits) => {
          readsAlike(typeOf(kind), edited(Buffer.from(JSON.stringify({ ...head, rows: list })), edits));
        }),
        { numRuns: 2_000 },
      );
    });
  }

  it('is never read from bytes that JSON.parse would refuse or read otherwise, whichever byte is wrong', () => {
    for (const text of [`{"a":1,"rows":[${A},${B}]}`, `{"a":[{}],"b":",\\"rows\\":[","rows":[${A}]}`, `{"rows":[],"rows":[${A}]}`]) {
      const bytes = Buffer.from(text);
      let taken = 0;

      for (const wrong of oneEdit(bytes)) if (readsAlike(typeOf('agg-trades'), wrong)) taken += 1;

      assert.ok(readsAlike(typeOf('agg-trades'), bytes) && taken > 50, text);
    }
  });

  for (const [what, text, isRead] of [
    ['one field before the rows', `{"a":1,"rows":[${A}]}`, true],
    ['a first list that the second one replaces', `{"rows":1,"rows":[${A}]}`, true],
    ['a text that looks like the rows', `{"a":",\\"rows\\":[","rows":[${A}]}`, true],
    ['a text of a comma', `{"a":",","rows":[${A}]}`, true],
    ['a field named as what objects inherit', `{"__proto__":{"x":1},"constructor":2,"rows":[${A}]}`, true],
    ['a field twice', `{"a":1,"a":2,"rows":[${A}]}`, true],
    ['blanks before the rows', `{ "a" : 1 ,"rows":[${A}]}`, true],
    ['no field before the rows', `{"rows":[${A}]}`, false],
    ['a comma alone before the rows', `{,"rows":[${A}]}`, false],
    ['blanks and a comma before the rows', `{ \n,"rows":[${A}]}`, false],
    ['two commas before the rows', `{"a":1,,"rows":[${A}]}`, false],
    ['rows twice', `{"a":1,"rows":[${A}],"rows":[${B}]}`, false],
    ['rows of a field', `{"a":{"b":1,"rows":[${A}]}}`, false],
    ['rows of a field and its own', `{"a":{"b":1,"rows":[${A}]},"rows":[${B}]}`, false],
    ['rows in a list', `{"a":[1,"rows":[${A}]}`, false],
    ['rows that are not last', `{"a":1,"rows":[${A}],"b":2}`, false],
    ['rows that are not last, before another list', `{"a":1,"rows":[${A}],"b":[${B}]}`, false],
    ['rows behind the end', `{"a":1},"rows":[${A}]}`, false],
    ['a field beyond ASCII', `{"a":"ü","rows":[${A}]}`, false],
    ['a list instead of an object', `[1,"rows":[${A}]}`, false],
    ['a blank before it', ` {"a":1,"rows":[${A}]}`, false],
    ['a byte order mark before it', `\uFEFF{"a":1,"rows":[${A}]}`, false],
    ['a blank behind it', `{"a":1,"rows":[${A}]} `, false],
    ['a line end behind it', `{"a":1,"rows":[${A}]}\n`, false],
    ['another brace behind it', `{"a":1,"rows":[${A}]}}`, false],
    ['another bracket behind it', `{"a":1,"rows":[${A}]]}`, false],
    ['no end', `{"a":1,"rows":[${A}]`, false],
    ['no rows', '{"a":1,"rows":[]}', false],
    ['rows that are no list', '{"a":1,"rows":{}}', false],
    ['a row of another layout', `{"a":1,"rows":[${A},{}]}`, false],
    ['nothing', '', false],
  ] as const) {
    it(`is what JSON.parse says, and ${isRead ? 'read at once' : 'left to it'}: ${what}`, () => {
      assert.equal(readsAlike(typeOf('agg-trades'), Buffer.from(text)), isRead);
    });
  }

  it('is left to others where its head is not UTF-8', () => {
    const bytes = Buffer.from(`{"a":"\xff","rows":[${A}]}`, 'latin1');

    assert.equal(readRowsData(typeOf('agg-trades'), bytes), undefined);
  });

  it('is left to others where its type has no layout, even if its rows look like one', () => {
    const text = Buffer.from(`{"a":1,"rows":[${A}]}`);

    for (const type of [typeOf('quotes'), typeOf('bars'), typeOf('train'), '']) {
      assert.equal(hasRowsLayout(type), false);
      assert.equal(readRowsData(type, text), undefined);
    }
  });
});

describe('data of rows in two parts', () => {
  it('is its fields and the text of its rows, which nobody has read yet', () => {
    const parts = splitRowsData(Buffer.from('{"a":1,"b":{"c":2},"rows":[not json]}'));

    assert.deepEqual(parts?.head, { a: 1, b: { c: 2 } });
    assert.equal(Buffer.from(parts?.rows ?? []).toString(), '[not json]');
  });

  it('is a view of the bytes, wherever they lie in their buffer', () => {
    const whole = Buffer.from(`xx{"a":1,"rows":[${A}]}yy`);

    const parts = splitRowsData(whole.subarray(2, -2));

    assert.equal(Buffer.from(parts?.rows ?? []).toString(), `[${A}]`);
    assert.equal(parts?.rows.buffer, whole.buffer);
  });
});
