import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Candle } from '../../../shared/domain/rows.ts';
import type { Series } from '../../../shared/domain/series.ts';
import type { WireKline, WireMarket } from './exchange-server.ts';
import { openBench, readAll } from './open-bench.ts';
import { aKline, FIVE_MINUTES, klinesOf, START } from './wire-rows.ts';

const series: Series = { exchange: 'binance', symbol: 'BTCUSDT', kind: 'candles', interval: '5m' };
const at = (bucket: number): number => START + bucket * FIVE_MINUTES;
const range = (from: number, to: number) => ({ series, from: at(from), to: at(to) });
const market = (klines: readonly WireKline[], more: Partial<WireMarket> = {}): WireMarket => ({ klines: { '5m': klines }, ...more });
const without = (klines: readonly WireKline[], from: number, to: number): WireKline[] =>
  klines.filter(([open]) => (open as number) < at(from) || (open as number) >= at(to));
const opens = (rows: readonly unknown[]): number[] => (rows as readonly Candle[]).map((row) => (row.open_time - START) / FIVE_MINUTES);
const buckets = (from: number, to: number): number[] => Array.from({ length: to - from }, (_, index) => from + index);

test('case 3: an empty hour inside the range does not end it, and is an outage where another symbol is silent too', async (t) => {
  const klines = klinesOf(0, 100);
  const { exchange } = await openBench(t, { BTCUSDT: market(without(klines, 40, 52)), ETHUSDT: market(without(klines, 40, 52)) });

  const { rows, summary } = await readAll(exchange, range(10, 90));

  assert.deepEqual(opens(rows), [...buckets(10, 40), ...buckets(52, 90)]);
  assert.equal(summary.absent.length, 1);
  const [absence] = summary.absent;
  assert.deepEqual(
    { ...absence, evidence: { ...absence?.evidence, asked_at: undefined } },
    {
      from: at(40),
      to: at(52),
      kind: 'exchange-outage',
      evidence: {
        method: 'ETHUSDT is silent in the same range',
        grade: 'two-reads',
        before_key: String(at(39)),
        after_key: String(at(52)),
        asked_at: undefined,
      },
    },
  );
});

test('case 3: a hole that no other symbol shares is only said to be none of the exchange', async (t) => {
  const { exchange } = await openBench(t, { BTCUSDT: market(without(klinesOf(0, 100), 40, 41)), ETHUSDT: market(klinesOf(0, 100)) });

  const { summary } = await readAll(exchange, range(0, 100));

  assert.deepEqual(
    summary.absent.map(({ from, to, kind, evidence }) => [from, to, kind, evidence.grade]),
    [[at(40), at(41), 'exchange-has-none', 'two-reads']],
  );
});

test('case 3: trade ids that are contiguous across the hole prove an outage by ids', async (t) => {
  const trades = [
    { id: 71, timeUs: (at(40) - 10) * 1000, price: '1.0', quantity: '1.0', buyerIsMaker: true },
    { id: 72, timeUs: at(52) * 1000, price: '1.0', quantity: '1.0', buyerIsMaker: true },
  ];
  const { exchange } = await openBench(t, {
    BTCUSDT: market(without(klinesOf(0, 100), 40, 52), { trades }),
    ETHUSDT: market(klinesOf(0, 100)),
  });

  const { summary } = await readAll(exchange, range(0, 100));

  assert.deepEqual(
    summary.absent.map(({ kind, evidence }) => [kind, evidence.grade]),
    [['exchange-outage', 'ids']],
  );
});

test('trades inside a hole make the exchange be asked again before it is said to have none', async (t) => {
  const trades = [{ id: 71, timeUs: (at(40) + 10) * 1000, price: '1.0', quantity: '1.0', buyerIsMaker: true }];
  const { exchange, server } = await openBench(t, { BTCUSDT: market(klinesOf(0, 100), { trades }) });
  let lies = 3;
  server.script(({ path }, rows) => (path.endsWith('klines') && lies-- > 0 ? without(rows as WireKline[], 40, 41) : undefined));

  const { rows, summary } = await readAll(exchange, range(0, 100));

  assert.deepEqual(
    opens(rows).sort((a, b) => a - b),
    buckets(0, 100),
  );
  assert.deepEqual(summary.absent, []);
});

test('a hole at the edge of the shard takes its neighbours from beyond it', async (t) => {
  const klines = without(without(klinesOf(0, 100), 0, 20), 60, 80);
  const { exchange } = await openBench(t, { BTCUSDT: market([aKline(-9), ...klines]), ETHUSDT: market([aKline(-9), ...klines]) });

  const { rows, summary } = await readAll(exchange, range(10, 70));

  assert.deepEqual(opens(rows), buckets(20, 60));
  assert.deepEqual(
    summary.absent.map(({ from, to, kind, evidence }) => [from, to, kind, evidence.before_key, evidence.after_key]),
    [
      [at(10), at(20), 'exchange-outage', String(at(-9)), String(at(20))],
      [at(60), at(70), 'exchange-outage', String(at(59)), String(at(80))],
    ],
  );
});

test('a shard wholly inside an outage is absent as a whole', async (t) => {
  const klines = without(klinesOf(0, 100), 20, 80);
  const { exchange } = await openBench(t, { BTCUSDT: market(klines), ETHUSDT: market(klines) });

  const { summary } = await readAll(exchange, range(30, 70));

  assert.deepEqual(
    summary.absent.map(({ from, to, kind }) => [from, to, kind]),
    [[at(30), at(70), 'exchange-outage']],
  );
});

test('case 4: the row at `from` is in, the row at `to` is out', async (t) => {
  const { exchange, server } = await openBench(t, { BTCUSDT: market(klinesOf(0, 100)) });
  // An exchange that reads endTime as it likes and answers one row too many.
  server.script(({ path, query }) =>
    path.endsWith('klines') ? klinesOf((Number(query.get('startTime')) - START) / FIVE_MINUTES - 1, 12) : undefined,
  );

  const { rows } = await readAll(exchange, range(5, 15));

  assert.deepEqual(opens(rows), buckets(5, 15));
});

test('case 15: a page cut short is not the end, and rows left out of a page are no absence', async (t) => {
  const { exchange, server } = await openBench(t, { BTCUSDT: market(klinesOf(0, 1000)), ETHUSDT: market(klinesOf(0, 1000)) });
  server.script(({ path }, rows, nth) =>
    path.endsWith('klines') && nth === 1 ? [...(rows ?? []).slice(3, 500), ...(rows ?? []).slice(510, 990)] : undefined,
  );

  const { rows, summary } = await readAll(exchange, range(0, 1000));

  assert.deepEqual(
    opens(rows).sort((a, b) => a - b),
    buckets(0, 1000),
  );
  assert.deepEqual(summary, { row_count: 1000, refused: [], unavailable: [], absent: [] });
});

test('case 15: a page answered empty is asked again', async (t) => {
  const { exchange, server } = await openBench(t, { BTCUSDT: market(klinesOf(0, 50)), ETHUSDT: market(klinesOf(0, 50)) });
  server.script(({ path }, _rows, nth) => (path.endsWith('klines') && nth === 1 ? [] : undefined));

  const { rows, summary } = await readAll(exchange, range(0, 50));

  assert.deepEqual(opens(rows), buckets(0, 50));
  assert.deepEqual(summary.absent, []);
});

test('an absence takes a read of exactly the hole and one that spans it', async (t) => {
  const klines = without(klinesOf(0, 100), 40, 52);
  const { exchange, server } = await openBench(t, { BTCUSDT: market(klines), ETHUSDT: market(klines) });

  const { summary } = await readAll(exchange, range(0, 100));

  const asked = server.asked('/klines').map(({ query }) => ['symbol', 'startTime', 'endTime'].map((name) => query.get(name)));
  assert.deepEqual(asked, [
    ['BTCUSDT', String(at(0)), String(at(100) - 1)],
    ['BTCUSDT', String(at(40)), String(at(52) - 1)],
    ['BTCUSDT', String(at(39)), String(at(52))],
    ['ETHUSDT', String(at(39)), String(at(52))],
  ]);
  const [first = 0, second = 0] = summary.absent[0]?.evidence.asked_at ?? [];
  assert.ok(0 < first && first <= second);
});

for (const lies of [[1], [1, 2], [1, 3]]) {
  test(`case 15: rows that the answers ${lies} leave out are found by the others`, async (t) => {
    const { exchange, server } = await openBench(t, { BTCUSDT: market(klinesOf(-5, 105)), ETHUSDT: market(klinesOf(-5, 105)) });
    server.script(({ path }, rows, nth) =>
      path.endsWith('klines') && lies.includes(nth) ? without(rows as WireKline[], 40, 52) : undefined,
    );

    const { rows, summary } = await readAll(exchange, range(0, 100));

    assert.deepEqual(
      opens(rows).sort((a, b) => a - b),
      buckets(0, 100),
    );
    assert.deepEqual(summary.absent, []);
  });
}

test('case 2: a page of another range is no answer, however often it comes', async (t) => {
  const { exchange, server } = await openBench(t, { BTCUSDT: market(klinesOf(0, 3_000)) });
  server.script(({ path }, _rows, nth) => (path.endsWith('/klines') && nth > 1 && nth < 7 ? klinesOf(0, 1_000) : undefined));

  const { rows, summary } = await readAll(exchange, range(0, 2_500));

  assert.deepEqual(opens(rows), buckets(0, 2_500));
  assert.deepEqual(summary.absent, []);
});

test('a hole next to a row younger than five minutes stays missing, and the caller is told when it can be judged', async (t) => {
  const { exchange } = await openBench(t, { BTCUSDT: market(without(klinesOf(0, 100), 98, 99)) }, { start: at(99) + 299_999 });
  const ripe: number[] = [];

  const { rows, summary } = await readAll(exchange, range(90, 99), { onTooYoung: (at) => ripe.push(at) });

  assert.deepEqual(opens(rows), buckets(90, 98));
  assert.deepEqual(summary.absent, []);
  assert.deepEqual(ripe, [at(99) + 300_000]);
});

test('a hole that nothing stands behind yet can be judged when a row right behind it would be old enough', async (t) => {
  const { exchange } = await openBench(t, { BTCUSDT: market(klinesOf(0, 98)) }, { start: at(99) + 10_000 });
  const ripe: number[] = [];

  await readAll(exchange, range(90, 99), { onTooYoung: (at) => ripe.push(at) });

  assert.deepEqual(ripe, [at(99) + 300_000]);
});

test('case 16: what lies before the first candle ever is not listed', async (t) => {
  const { exchange } = await openBench(t, { BTCUSDT: market(klinesOf(10, 50)), ETHUSDT: market(klinesOf(0, 60)) });

  const { rows, summary } = await readAll(exchange, range(0, 20));

  assert.deepEqual(opens(rows), buckets(10, 20));
  assert.deepEqual(
    summary.absent.map(({ from, to, kind, evidence }) => [from, to, kind, evidence.after_key, evidence.before_key]),
    [[at(0), at(10), 'not-listed', String(at(10)), undefined]],
  );
});

test('what lies behind the newest candle of a symbol that is no longer traded has ended; of a traded one it stays missing', async (t) => {
  const { exchange } = await openBench(t, { BTCUSDT: market(klinesOf(0, 10), { status: 'BREAK' }), ETHUSDT: market(klinesOf(0, 10)) });

  const ended = await readAll(exchange, range(0, 20));
  const silent = await readAll(exchange, { ...range(0, 20), series: { ...series, symbol: 'ETHUSDT' } });

  assert.deepEqual(
    ended.summary.absent.map(({ from, to, kind, evidence }) => [from, to, kind, evidence.before_key]),
    [[at(10), at(20), 'ended', String(at(9))]],
  );
  assert.deepEqual(silent.summary.absent, []);
});

for (const skewMs of [0, 90_000, -90_000]) {
  test(`case 17, case 47: the forming candle is left out by the exchange's clock, ours being ${skewMs} ms behind it`, async (t) => {
    const closing = at(10) + FIVE_MINUTES;
    const { exchange, clock } = await openBench(t, { BTCUSDT: market(klinesOf(0, 100)) }, { start: closing - skewMs - 1, skewMs });

    const before = await readAll(exchange, range(8, 11));
    clock.set(closing - skewMs);
    const after = await readAll(exchange, range(8, 11));

    assert.deepEqual(opens(before.rows), [8, 9]);
    assert.deepEqual(before.summary.absent, []);
    assert.deepEqual(opens(after.rows), [8, 9, 10]);
  });
}

test('months are paged and checked by the calendar', async (t) => {
  const months = Array.from({ length: 14 }, (_, index) => {
    const open = Date.UTC(2023, index, 1);
    return aKline(0).map((value, column) => (column === 0 ? open : column === 6 ? Date.UTC(2023, index + 1, 1) - 1 : value));
  });
  const { exchange } = await openBench(t, { BTCUSDT: { klines: { '1M': months.toSpliced(5, 1) } } });

  const { rows, summary } = await readAll(exchange, {
    series: { ...series, interval: '1M' },
    from: Date.UTC(2023, 0, 1),
    to: Date.UTC(2024, 2, 1),
  });

  assert.equal(rows.length, 13);
  assert.deepEqual(
    summary.absent.map(({ from, to }) => [from, to]),
    [[Date.UTC(2023, 5, 1), Date.UTC(2023, 6, 1)]],
  );
});

test('candles of 3d take their phase from the rows', async (t) => {
  const day = 86_400_000;
  const first = START - 100 * day;
  const klines = [0, 1, 3, 4].map((index) =>
    aKline(0).map((value, column) => (column === 0 ? first + index * 3 * day : column === 6 ? first + (index + 1) * 3 * day - 1 : value)),
  );
  const { exchange } = await openBench(t, { BTCUSDT: { klines: { '3d': klines } } });

  const { rows, summary } = await readAll(exchange, { series: { ...series, interval: '3d' }, from: first - 2 * day, to: first + 13 * day });

  assert.equal(rows.length, 4);
  assert.deepEqual(
    summary.absent.map(({ from, to }) => [from, to]),
    [[first + 6 * day, first + 9 * day]],
  );
});

test('case 17: a candle of 3d that is still forming is left out too', async (t) => {
  const day = 86_400_000;
  const first = START - 9 * day;
  const klines = [0, 1, 2].map((index) =>
    aKline(0).map((value, column) => (column === 0 ? first + index * 3 * day : column === 6 ? first + (index + 1) * 3 * day - 1 : value)),
  );
  const { exchange } = await openBench(t, { BTCUSDT: { klines: { '3d': klines } } }, { start: START - 1 });

  const { rows, summary } = await readAll(exchange, { series: { ...series, interval: '3d' }, from: first, to: START });

  assert.equal(rows.length, 2);
  assert.deepEqual(summary.absent, []);
});
