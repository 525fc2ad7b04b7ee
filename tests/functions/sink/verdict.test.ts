import assert from 'node:assert/strict';
import { test } from 'node:test';
import { judgeShard } from '../../../functions/sink/verdict.ts';
import type { ShardCompleted } from '../../../shared/events/shard-completed.ts';

const FROM = Date.UTC(2024, 7, 1);
const STEP = 300_000;
const range = (from: number, to: number) => ({ from: FROM + from * STEP, to: FROM + to * STEP });

function aMarker(over: Partial<ShardCompleted> = {}): ShardCompleted {
  return {
    queue_id: 'wf-btcusdt-api_candles_5m-20240801-a1b2c3',
    attempt: 1,
    shard: `binance:BTCUSDT:candles:5m:${FROM}-${FROM + 10 * STEP}`,
    try: 1,
    series: 'binance:BTCUSDT:candles:5m',
    ...range(0, 10),
    row_count: 10,
    refused: [],
    unavailable: [],
    absent: [],
    ...over,
  };
}

test('a shard whose rows are all there is persisted, whatever the fetcher counted', () => {
  const { verdict, addition } = judgeShard(aMarker({ row_count: 3 }), { counted: 10, covered: [range(0, 10)], missing: [] });

  assert.equal(verdict.verdict, 'persisted');
  assert.deepEqual(addition, { covered: [{ ...range(0, 10), origin: 'rest' }], absent: [], open: [] });
});

test('case 63: stored rows that do not prove the shard make it short, with what is missing, and the ledger still gains what is there', () => {
  const { verdict, addition } = judgeShard(aMarker({ row_count: 10 }), {
    counted: 8,
    covered: [range(0, 4), range(6, 10)],
    missing: [range(4, 6)],
  });

  assert.equal(verdict.verdict, 'short');
  assert.deepEqual(verdict.missing, [range(4, 6)]);
  assert.deepEqual(addition.covered.length, 2);
});

test('case 22: a shard whose only hole is a refused row fails at once with the code of the row', () => {
  const refused = { ...range(4, 5), code: 'precision_lost' };

  const { verdict, addition } = judgeShard(aMarker({ refused: [refused] }), {
    counted: 9,
    covered: [range(0, 4), range(5, 10)],
    missing: [range(4, 5)],
  });

  assert.equal(verdict.verdict, 'failed');
  assert.equal(verdict.error?.code, 'precision_lost');
  assert.match(verdict.error?.message ?? '', /1 row refused/);
  assert.deepEqual(addition.open, [{ ...refused, kind: 'refused' }]);
});

test('a refused row beside a hole that can be fetched is short: the rest comes first', () => {
  const { verdict } = judgeShard(aMarker({ refused: [{ ...range(4, 5), code: 'row_refused' }] }), {
    counted: 8,
    covered: [range(0, 4), range(6, 10)],
    missing: [range(4, 6)],
  });

  assert.equal(verdict.verdict, 'short');
});

test('history that the exchange does not give fails the shard with rows_missing', () => {
  const trades = {
    series: 'binance:BTCUSDT:trades',
    shard: `binance:BTCUSDT:trades:${FROM}-${FROM + 10 * STEP}`,
    first_id: 100,
    last_id: 109,
  };
  const cold = { ...range(0, 2), from_id: 100, to_id: 104 };

  const { verdict, addition } = judgeShard(aMarker({ ...trades, unavailable: [cold] }), {
    counted: 5,
    covered: [{ ...range(2, 10), from_id: 105, to_id: 109 }],
    missing: [cold],
  });

  assert.equal(verdict.verdict, 'failed');
  assert.equal(verdict.error?.code, 'rows_missing');
  assert.deepEqual(addition.open, [{ ...cold, kind: 'unavailable' }]);
});

test('a head that is said not to be there, while the row in it is stored, is not believed: the shard is short and the ledger gains nothing', () => {
  const trades = {
    series: 'binance:BTCUSDT:trades',
    shard: `binance:BTCUSDT:trades:${FROM}-${FROM + 10 * STEP}`,
    first_id: 99,
    last_id: 99,
    row_count: 0,
  };
  const head = { ...range(0, 10), from_id: 99, to_id: 99 };
  const proof = { counted: 1, covered: [head], missing: [] };

  const unavailable = judgeShard(aMarker({ ...trades, unavailable: [head] }), proof);
  const evidence = { method: 'the first row ever is later', grade: 'two-reads', asked_at: [FROM, FROM] } as const;
  const unlisted = judgeShard(aMarker({ ...trades, absent: [{ ...head, kind: 'not-listed', evidence }] }), proof);

  for (const { verdict, addition } of [unavailable, unlisted]) {
    assert.deepEqual([verdict.verdict, verdict.missing], ['short', [range(0, 10)]]);
    assert.deepEqual(addition, { covered: [], absent: [], open: [] });
  }
});
