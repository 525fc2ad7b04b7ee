import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseSeriesId } from '../../../shared/domain/series.ts';
import { systemClock } from '../../../shared/runtime/system-clock.ts';
import { readAll } from './open-bench.ts';
import { assertTrue, openSimulator as open } from './open-simulator.ts';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const AUGUST = Date.UTC(2024, 7, 1);
const NOON = Date.UTC(2024, 7, 15, 12);

for (const interval of ['1s', '1m', '5m', '1h', '1d', '3d', '1w', '1M']) {
  test(`candles of ${interval} are the truth, every field`, async (t) => {
    const lengths: Readonly<Record<string, number>> = { '1s': HOUR / 2, '1m': 2 * DAY, '5m': 10 * DAY, '1h': 60 * DAY };
    const parts = await open(t);

    const { summary } = await assertTrue(parts, `binance:BTCUSDT:candles:${interval}`, AUGUST, AUGUST + (lengths[interval] ?? 200 * DAY));

    assert.deepEqual([summary.absent, summary.refused, summary.unavailable], [[], [], []]);
  });
}

test('case 1: agg-trades and trades around a burst of 1,100 in one millisecond are the truth', async (t) => {
  const parts = await open(t);

  const aggregates = await assertTrue(parts, 'binance:XRPUSDT:agg-trades', NOON - HOUR, NOON + HOUR);
  const trades = await assertTrue(parts, 'binance:XRPUSDT:trades', NOON, NOON + 60_000);

  const times = aggregates.rows.map((row) => (row as { time: number }).time);
  assert.ok(times.filter((time) => time === NOON).length > 1_000);
  assert.deepEqual([aggregates.summary.absent, trades.summary.absent], [[], []]);
});

test('case 4: hours of trades meet by id, none twice, none missing', async (t) => {
  const parts = await open(t);
  let next: number | undefined;

  for (let hour = 0; hour < 6; hour += 1) {
    const { summary } = await assertTrue(parts, 'binance:ETHUSDT:agg-trades', AUGUST + hour * HOUR, AUGUST + (hour + 1) * HOUR);
    if (next !== undefined) assert.equal(summary.first_id, next);
    next = (summary.last_id ?? 0) + 1;
  }
});

const FAULTS: readonly (readonly [string, readonly object[]])[] = [
  ['case 2: a page that comes twice in one answer', [{ do: 'duplicate', times: 3 }]],
  ['case 2: a page that a stale cache answers again', [{ do: 'duplicate', of: 'previous', match: { nth: 2 }, times: 2 }]],
  ['case 10: 5xx several in a row', [{ do: 'status', status: 502, times: 5 }]],
  ['case 12: resets in the middle of a body', [{ do: 'reset', after_bytes: 3_000, times: 3 }]],
  ['case 12: resets before the first byte', [{ do: 'reset', after_bytes: 0, times: 3 }]],
  ['case 13: truncated JSON with status 200', [{ do: 'truncate', after_bytes: 3_000, times: 3 }]],
  ['case 15: rows left out at the end of a page', [{ do: 'drop', rows: [700, 1000], times: 2 }]],
  [
    'case 15: rows left out at the head and inside',
    [
      { do: 'drop', rows: [0, 5] },
      { do: 'drop', rows: [100, 120], match: { nth: 3 }, times: 2 },
    ],
  ],
  ['case 3: pages answered empty', [{ do: 'drop', rows: [0, 1000], times: 2 }]],
];
for (const [what, faults] of FAULTS) {
  test(`${what}: candles, agg-trades and trades are still the truth`, async (t) => {
    const parts = await open(t);

    for (const series of ['binance:BTCUSDT:candles:1m', 'binance:BTCUSDT:agg-trades', 'binance:XRPUSDT:trades']) {
      const path = series.includes('candles') ? '/klines' : series.includes('agg') ? '/aggTrades' : '/historicalTrades';
      await parts.simulator.addFaults(
        ...faults.map((fault) => ({ on: 'rest', ...fault, match: { path, ...(fault as { match?: object }).match } })),
      );

      const { summary } = await assertTrue(parts, series, NOON - DAY, NOON + DAY);

      assert.deepEqual([summary.absent, summary.refused, summary.unavailable], [[], [], []]);
    }
    assert.ok((await parts.simulator.faults()).every(({ served }) => served > 0));
  });
}

test('case 6: a 429 with Retry-After stops everyone until it is over, and never becomes a 418', async (t) => {
  // One connection: nothing else is on the wire when the answer comes, and 29 callers wait behind it.
  const parts = await open(t, {}, { connections: 1 });
  await parts.simulator.addFaults({
    on: 'rest',
    match: { path: '/klines', nth: 9 },
    do: 'status',
    status: 429,
    headers: { 'Retry-After': '1' },
  });

  const days = Array.from({ length: 30 }, (_, day) => AUGUST + day * DAY);
  await Promise.all(days.map((from) => assertTrue(parts, 'binance:BTCUSDT:candles:5m', from, from + DAY)));

  const requests = (await parts.simulator.requests()).filter(({ path }) => path.startsWith('/api/'));
  const refused = requests.findIndex(({ status }) => status === 429);
  const after = requests.slice(refused + 1).map(({ started_at }) => started_at - (requests[refused]?.started_at ?? 0));
  assert.ok(after.length >= 22 && after.every((ms) => ms >= 1_000), String(after));
  assert.ok(requests.every(({ status }) => status !== 418));
});

test('case 11, case 14: an answer that comes too late, or drips, is given up at the deadline and asked again', async (t) => {
  const parts = await open(t, {}, { deadlineMs: 150 });
  await parts.simulator.addFaults(
    { on: 'rest', match: { path: '/klines' }, do: 'delay', ms: 2_000 },
    { on: 'rest', match: { path: '/klines' }, do: 'delay', ms: 50, per_chunk: 20 },
  );

  await assertTrue(parts, 'binance:BTCUSDT:candles:5m', AUGUST, AUGUST + DAY);

  const klines = (await parts.simulator.requests()).filter(({ path }) => path.endsWith('/klines'));
  assert.deepEqual(
    klines.map(({ aborted }) => aborted),
    [true, true, false],
  );
});

test('case 16: what lies before the listing is not listed, for candles and for trades', async (t) => {
  const parts = await open(t);
  const listed = Date.UTC(2024, 4, 7, 16);

  const candles = await assertTrue(parts, 'binance:PEPEUSDT:candles:5m', listed - 6 * HOUR, listed + 6 * HOUR);
  const trades = await assertTrue(parts, 'binance:PEPEUSDT:agg-trades', listed - 6 * HOUR, listed + 6 * HOUR);

  assert.deepEqual(
    candles.summary.absent.map(({ from, kind }) => [from, kind]),
    [[listed - 6 * HOUR, 'not-listed']],
  );
  assert.deepEqual(
    trades.summary.absent.map(({ from, kind }) => [from, kind]),
    [[listed - 6 * HOUR, 'not-listed']],
  );
});

test('behind the end of a symbol that is no longer traded the series has ended', async (t) => {
  const parts = await open(t);
  const ended = Date.UTC(2024, 5, 17, 3);

  const candles = await assertTrue(parts, 'binance:WAVESUSDT:candles:5m', ended - 6 * HOUR, ended + 6 * HOUR);
  const trades = await assertTrue(parts, 'binance:WAVESUSDT:agg-trades', ended - 6 * HOUR, ended + 6 * HOUR);

  assert.deepEqual(
    candles.summary.absent.map(({ to, kind }) => [to, kind]),
    [[ended + 6 * HOUR, 'ended']],
  );
  assert.deepEqual(
    trades.summary.absent.map(({ to, kind }) => [to, kind]),
    [[ended + 6 * HOUR, 'ended']],
  );
});

test('case 17: the candle that is forming is left out, and comes once it is closed', async (t) => {
  const now = AUGUST + 2 * 60_000 + 30_000;
  const parts = await open(t, { now, speed: 0 });

  const before = await readAll(parts.exchange, {
    series: parseSeriesId('binance:BTCUSDT:candles:1m'),
    from: AUGUST,
    to: AUGUST + 3 * 60_000,
  });
  await parts.simulator.setClock({ now: AUGUST + 3 * 60_000 });
  const after = await assertTrue(parts, 'binance:BTCUSDT:candles:1m', AUGUST, AUGUST + 3 * 60_000);

  assert.equal(before.rows.length, 2);
  assert.deepEqual(before.summary.absent, []);
  assert.equal(after.rows.length, 3);
});

for (const [what, shift] of [
  ['behind', -90_000],
  ['ahead', 90_000],
] as const) {
  test(`case 47: with our clock 90 s ${what}, closed and open are the exchange's`, async (t) => {
    const clock = { ...systemClock, now: () => Date.now() + shift };
    const now = AUGUST + 10 * 60_000 + 30_000;
    const parts = await open(t, { now, speed: 0 }, { clock });

    const { rows } = await readAll(parts.exchange, {
      series: parseSeriesId('binance:BTCUSDT:candles:1m'),
      from: AUGUST,
      to: AUGUST + 20 * 60_000,
    });

    assert.equal(rows.length, 10);
  });
}

test('case 19: an unknown symbol and an unknown interval are permanent', async (t) => {
  const { exchange } = await open(t);

  await assert.rejects(readAll(exchange, { series: parseSeriesId('binance:NOPEUSDT:candles:5m'), from: AUGUST, to: AUGUST + DAY }), {
    code: 'unknown_symbol',
  });
  const odd = { exchange: 'binance', symbol: 'BTCUSDT', kind: 'candles', interval: '7m' } as never;
  await assert.rejects(readAll(exchange, { series: odd, from: AUGUST, to: AUGUST + DAY }));
});
