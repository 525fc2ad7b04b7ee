import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { AppError } from '../../shared/domain/errors.ts';
import type { Series } from '../../shared/domain/series.ts';
import type { StreamEvent } from '../../shared/events/event.ts';
import { fromRecord, fromRecordLater, toRecord } from '../../shared/events/kafka-codec.ts';
import { packRows, rowContract } from '../../shared/events/micro-batch.ts';
import { trades } from '../../shared/events/trades.ts';
import { plainRow } from '../support/usual-rows.ts';
import { anEvent } from './an-event.ts';

const series: Series = { exchange: 'binance', symbol: 'BTCUSDT', kind: 'trades' };
const provenance = { origin: 'rest', received_at: 1_722_470_405_000 } as const;
const rows = fc.sample(plainRow.trades, { numRuns: 3, seed: 1 });
const [event] = packRows(series, rows, provenance, { producer: 'fetch' }) as [StreamEvent];
const record = toRecord(event, 'market.trades.history');
const withValue = (text: string | Uint8Array | null) => ({ ...record, value: typeof text === 'string' ? Buffer.from(text) : text });
const withData = (data: unknown) => withValue(JSON.stringify(data));
const envelope = { exchange: 'binance', symbol: 'BTCUSDT', ...provenance };

/** What a call throws: the code and the fields of it. */
function thrown(work: () => unknown): { readonly code: string; readonly fields: unknown } {
  try {
    work();
  } catch (error) {
    assert.ok(error instanceof AppError);
    return { code: error.code, fields: error.context.fields };
  }
  return assert.fail('nothing was thrown');
}

describe('an event of rows that is read later', () => {
  it('is the event that was sent, with its rows read anew each time', () => {
    const late = fromRecordLater(record);

    const [one, other] = [late.data, late.data];

    assert.deepStrictEqual(one, event.data);
    assert.deepStrictEqual(other, event.data);
    assert.notEqual(one, other);
    assert.deepStrictEqual({ ...late }, { ...event });
    assert.deepEqual(Object.keys(late).sort(), Object.keys(event).sort());
  });

  it('is the same as one that is read at once', () => {
    fc.assert(
      fc.property(fc.array(plainRow.trades, { minLength: 1, maxLength: 5 }), (some) => {
        const sent = toRecord(packRows(series, some, provenance, { producer: 'fetch' })[0] as StreamEvent, 't');
        assert.deepStrictEqual({ ...fromRecordLater(sent) }, fromRecord(sent));
      }),
      { numRuns: 100 },
    );
  });

  for (const [what, value] of [
    ['bytes that are no JSON', '{"torn'],
    ['no byte', ''],
    ['JSON with a comma too many', '{,"rows":[]}'],
    ['bytes that are not UTF-8', Buffer.from('{"a":"\xff"}', 'latin1')],
  ] as const) {
    it(`case 56: throws unparsable_event once its data is wanted: ${what}`, () => {
      const late = fromRecordLater(withValue(value));

      assert.equal(late.id, event.id);
      assert.equal(thrown(() => late.data).code, 'unparsable_event');
      assert.equal(thrown(() => late.data).code, 'unparsable_event', 'each time');
      assert.deepEqual(
        thrown(() => fromRecord(withValue(value))),
        thrown(() => late.data),
      );
    });
  }

  it('case 56: throws at once where there is no value, or an attribute is missing', () => {
    assert.equal(thrown(() => fromRecordLater(withValue(null))).code, 'unparsable_event');
    assert.equal(thrown(() => fromRecordLater({ ...record, headers: { ...record.headers, ce_id: '' } })).code, 'unparsable_event');
  });

  it('case 56: is only for rows: any other event is read at once', () => {
    const other = toRecord(anEvent({ type: 'io.streamforge.train.v1' }), 't');

    assert.equal(thrown(() => fromRecordLater({ ...other, value: Buffer.from('{"torn') })).code, 'unparsable_event');
  });
});

describe('an event of rows that nobody has read', () => {
  it('has its series, its provenance and the text of its rows', () => {
    const unread = trades.unread(fromRecordLater(record));

    assert.deepEqual(unread && { ...unread, rows: Buffer.from(unread.rows).toString() }, {
      series,
      ...provenance,
      rows: JSON.stringify(rows),
    });
  });

  it('is of bars where it is of derived candles', () => {
    const bars: Series = { exchange: 'binance', symbol: 'BTCUSDT', kind: 'bars', interval: '1m' };
    const [sent] = packRows(bars, fc.sample(plainRow.bars, 2), { origin: 'derived', received_at: 1 }, { producer: 'p' }) as [StreamEvent];

    assert.deepEqual(rowContract('bars').unread(fromRecordLater(toRecord(sent, 't')))?.series, bars);
  });

  it('has no faulty row found, nor one too many, nor one that is no JSON: whoever reads them looks', () => {
    const many = Array.from({ length: 1_001 }, () => ({}));

    for (const list of [JSON.stringify(many), '[]', '[not json]']) {
      const text = `${JSON.stringify(envelope).slice(0, -1)},"rows":${list}}`;
      assert.equal(Buffer.from(trades.unread(fromRecordLater(withValue(text)))?.rows ?? []).toString(), list);
    }
  });

  it('is undefined where it did not come as a record, or is held with its data', () => {
    assert.equal(trades.unread(event), undefined);
    assert.equal(trades.unread(fromRecord(record)), undefined);
    assert.equal(trades.unread({ ...fromRecordLater(record) }), undefined);
  });

  it('is undefined where other fields stand behind its rows: then it has to be read', () => {
    const { exchange, symbol, origin, received_at } = envelope;
    for (const data of [
      { exchange, symbol, rows, origin, received_at },
      { exchange, symbol, origin, rows, received_at, note: [1] },
      { ...envelope, rows, note: 'x' },
      { rows, ...envelope },
    ]) {
      const late = fromRecordLater(withData(data));
      const unread = trades.unread(late);

      // Text that is no list of rows alone is for nobody to write.
      if (unread !== undefined) assert.throws(() => JSON.parse(Buffer.from(unread.rows).toString()), SyntaxError);
      assert.deepStrictEqual(trades.parse(late).rows, rows);
    }
  });

  it('throws what parsing it would throw where its envelope is wrong', () => {
    for (const data of [
      { ...envelope, exchange: 'nowhere', rows },
      { ...envelope, symbol: 'btc/usdt', rows },
      { ...envelope, origin: undefined, rows },
      { ...envelope, origin: 'hearsay', received_at: -1, rows },
      { received_at: 1, rows },
      { ...envelope, received_at: '1', rows },
    ]) {
      const late = fromRecordLater(withData(data));

      const [unread, parsed] = [thrown(() => trades.unread(late)), thrown(() => trades.parse(late))];

      assert.equal(unread.code, 'contract_mismatch');
      assert.deepEqual(unread, parsed);
    }
  });
});
