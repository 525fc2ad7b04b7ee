import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { AppError } from '../../shared/domain/errors.ts';
import type { StreamEvent } from '../../shared/events/event.ts';
import { rowContract } from '../../shared/events/micro-batch.ts';
import type { ReceivedRows } from '../../shared/events/row-contract.ts';
import { golden } from './golden.ts';

type PlainRow = Readonly<Record<string, unknown>>;

/** Fields that a source may not give (shared/domain/rows.ts); every other field of a golden row is required. */
const OPTIONAL_FIELDS = {
  candles: ['quote_volume', 'trade_count', 'taker_buy_volume', 'taker_buy_quote_volume', 'first_trade_id', 'last_trade_id'],
  trades: ['time_us', 'quote_quantity', 'is_best_match'],
  'agg-trades': ['time_us'],
  quotes: ['update_id'],
  depth: ['part', 'parts'],
  tickers: [],
} as const;

for (const [kind, optional] of Object.entries(OPTIONAL_FIELDS)) {
  const event = golden(`${kind}.v1`) as StreamEvent<{ readonly rows: readonly PlainRow[] }>;
  const contract = rowContract(kind as keyof typeof OPTIONAL_FIELDS);
  const row = event.data.rows[0] as PlainRow;
  const read = (rows: readonly unknown[]): ReceivedRows => contract.parse({ ...event, data: { ...event.data, rows } });

  /** Reads the row between two good ones: it alone may be refused. */
  const refusedOf = (bad: unknown): readonly { readonly index: number; readonly code: string }[] => {
    const { rows, refused } = read([row, bad, row]);
    assert.equal(rows.length + refused.length, 3);
    assert.deepEqual(rows, refused.length === 0 ? [row, bad, row] : [row, row]);
    for (const each of refused) assert.deepEqual(each.row, bad);
    return refused.map(({ index, code }) => ({ index, code }));
  };
  const alone = [{ index: 1, code: 'row_refused' }];

  describe(`rows of ${kind}`, () => {
    for (const field of Object.keys(row)) {
      const { [field]: value, ...without } = row;
      const isOptional = (optional as readonly string[]).includes(field);

      it(`${isOptional ? 'do' : 'do not do'} without ${field}`, () => {
        assert.deepEqual(refusedOf(without), isOptional ? [] : alone);
      });

      it(`are refused alone where ${field} is null, ill-typed or out of range`, () => {
        const illTyped = typeof value === 'string' ? [7, 'sideways'] : [String(value), {}, typeof value === 'boolean' ? 1 : true];
        const outOfRange = typeof value === 'number' && !field.startsWith('price_change') ? [-1, -0.5] : [];
        const unbounded = typeof value === 'number' ? [Number.NaN, Number.POSITIVE_INFINITY] : [];
        for (const bad of [null, ...illTyped, ...outOfRange, ...unbounded]) {
          assert.deepEqual(refusedOf({ ...row, [field]: bad }), alone, `${field}: ${String(bad)}`);
        }
      });
    }

    it('are refused alone where they are no objects', () => {
      for (const bad of [null, 7, 'row', true]) assert.deepEqual(refusedOf(bad), alone);
    });

    it('keep fields that they do not know', () => {
      const extended = { ...row, of_a_later_version: 1 };

      assert.deepEqual(read([extended]).rows, [extended]);
    });

    it('come in batches of 1 to 1,000; any other list breaks the contract of the event', () => {
      assert.equal(read(new Array(1_000).fill(row)).rows.length, 1_000);
      for (const rows of [[], new Array(1_001).fill(row), row, null, 'rows', undefined]) {
        assert.throws(
          () => contract.parse({ ...event, data: { ...event.data, rows } }),
          (error) => error instanceof AppError && error.code === 'contract_mismatch' && error.context.fields?.[0]?.path === 'rows',
        );
      }
    });
  });
}

describe('the series of received rows', () => {
  it('is the one of the envelope', () => {
    const event = golden('candles.v1');

    const { series } = rowContract('candles').parse(event);

    assert.deepEqual(series, { exchange: 'binance', symbol: 'BTCUSDT', kind: 'candles', interval: '5m' });
  });

  it('is one of bars where the candles are derived', () => {
    const event = golden('candles.v1') as StreamEvent<object>;

    const { series } = rowContract('bars').parse({ ...event, data: { ...event.data, origin: 'derived' } });

    assert.equal(series.kind, 'bars');
  });
});
