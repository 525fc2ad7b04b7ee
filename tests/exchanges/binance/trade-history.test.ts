import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Series } from '../../../shared/domain/series.ts';
import { openBench, readAll } from './open-bench.ts';
import { aTrade, START, tradesOf } from './wire-rows.ts';

const aggTrades: Series = { exchange: 'binance', symbol: 'BTCUSDT', kind: 'agg-trades' };
const trades: Series = { ...aggTrades, kind: 'trades' };
const HOUR = 3_600_000;
const after = (seconds: number): number => START + seconds * 1000;
const ids = (rows: readonly unknown[]): number[] => (rows as readonly { id: number }[]).map(({ id }) => id);
const span = (from: number, to: number): number[] => Array.from({ length: to - from + 1 }, (_, index) => from + index);

for (const series of [aggTrades, trades]) {
  test(`case 1: more ${series.kind} in one millisecond than a page holds are all read, by id`, async (t) => {
    const burst = Array.from({ length: 3_500 }, (_, index) => aTrade(501 + index, START * 1000 + 5_000_000));
    const { exchange, server } = await openBench(t, {
      BTCUSDT: {
        trades: [
          ...tradesOf(100, 401, 1),
          ...burst,
          ...tradesOf(4_001, 5).map((trade) => ({ ...trade, timeUs: trade.timeUs + 9_000_000 })),
        ],
      },
    });

    const { rows, summary } = await readAll(exchange, { series, from: START + 1, to: START + HOUR });

    assert.deepEqual(ids(rows), span(101, 4_005));
    assert.deepEqual([summary.first_id, summary.last_id, summary.row_count], [101, 4_005, 3_905]);
    const paged = server.requests.filter(({ query }) => query.has('startTime') || query.has('endTime'));
    assert.equal(paged.length, 1);
    assert.ok(paged.every(({ query }) => !query.has('fromId')));
  });

  test(`case 4: of ${series.kind} the row at \`from\` is in, the row at \`to\` is out; neighbouring shards meet by id`, async (t) => {
    const { exchange } = await openBench(t, { BTCUSDT: { trades: tradesOf(100, 200) } });

    const first = await readAll(exchange, { series, from: after(10), to: after(60) });
    const second = await readAll(exchange, { series, from: after(60), to: after(120) });

    assert.deepEqual(ids(first.rows), span(110, 159));
    assert.deepEqual(ids(second.rows), span(160, 219));
    assert.equal(second.summary.first_id, (first.summary.last_id ?? 0) + 1);
  });
}

for (const [what, aggregates] of [
  ['end before the trades do', []],
  ['are of other trades', [{ a: 7, p: '1.00000000', q: '1.00000000', f: 9_000, l: 9_003, T: (START + 30_500) * 1000, m: true, M: true }]],
] as const) {
  test(`trades are found by their ids where the aggregates ${what}`, async (t) => {
    const skipping = [
      ...tradesOf(100, 2_000, 100),
      ...tradesOf(2_200, 300, 100).map((row) => ({ ...row, timeUs: row.timeUs + 205_000_000 })),
    ];
    const { exchange, server } = await openBench(t, { BTCUSDT: { trades: skipping } });
    server.script(({ path }) => (path.endsWith('/aggTrades') ? aggregates : undefined));

    const histories = [
      await readAll(exchange, { series: trades, from: START - HOUR, to: after(20) }),
      await readAll(exchange, { series: trades, from: after(20), to: after(202) }),
      await readAll(exchange, { series: trades, from: after(202), to: after(HOUR / 1000) }),
      await readAll(exchange, { series: trades, from: after(3_000), to: after(HOUR / 1000) }),
    ];

    assert.deepEqual(
      histories.map(({ rows }) => [rows.length, ids(rows)[0], ids(rows).at(-1)]),
      [
        [200, 100, 299],
        [1_800, 300, 2_099],
        [300, 2_200, 2_499],
        [0, undefined, undefined],
      ],
    );
  });
}

for (const [what, lies] of [
  ['come twice, again and again', (rows: readonly unknown[], before: readonly unknown[]) => (before.length > 0 ? before : rows)],
  [
    'are left out, and the newest row is an old one',
    (rows: readonly unknown[], before: readonly unknown[]) => (rows.length > 1 ? [] : before),
  ],
] as const) {
  test(`case 2, case 15: pages that ${what} do not end a range early`, async (t) => {
    const { exchange, server } = await openBench(t, { BTCUSDT: { trades: tradesOf(100, 3_000, 100) } });
    let before: readonly unknown[] = [];
    server.script(({ path }, rows = [], nth) => {
      if (!path.endsWith('/aggTrades')) return undefined;
      if (nth === 3 || nth === 4) return lies(rows, before);
      before = rows;
      return undefined;
    });

    const { rows } = await readAll(exchange, { series: aggTrades, from: START + 1, to: START + 250_000 });

    assert.deepEqual(ids(rows), span(101, 2_599));
  });
}

test('case 15: answers without their rows, one after the other, are not a series that has none', async (t) => {
  const { exchange, server } = await openBench(t, { BTCUSDT: { trades: tradesOf(100, 2_000, 100) } });
  server.script(({ path }, _rows, nth) => (path.endsWith('/aggTrades') && nth <= 4 ? [] : undefined));

  const { rows, summary } = await readAll(exchange, { series: aggTrades, from: START + 1, to: START + 150_000 });

  assert.deepEqual(ids(rows), span(101, 1_599));
  assert.deepEqual([summary.absent, summary.unavailable], [[], []]);
});

for (const [where, place] of [
  ['at the head', 1],
  ['inside', 500],
] as const) {
  test(`case 15: a row left out of pages ${where} and an answer without any row are no skipped id`, async (t) => {
    const { exchange, server } = await openBench(t, { BTCUSDT: { trades: tradesOf(100, 2_000, 100) } });
    let left = 0;
    server.script(({ path, query }, rows = []) => {
      if (!path.endsWith('/aggTrades') || !query.has('fromId') || left === 3) return undefined;
      left += 1;
      return rows.length > 2 ? rows.toSpliced(place, 1) : rows.length === 2 ? [rows[0], { ...(rows[1] as object), a: 700 }] : [];
    });

    const { rows, summary } = await readAll(exchange, { series: aggTrades, from: START + 1, to: START + 150_000 });

    assert.deepEqual(ids(rows), span(101, 1_599));
    assert.deepEqual([summary.first_id, summary.absent], [101, []]);
  });
}

test('a row behind the newest one that was told contradicts it', async (t) => {
  const { exchange, server } = await openBench(t, { BTCUSDT: { trades: tradesOf(100, 3_000, 100) } });
  const [, old] = tradesOf(100, 2).map(({ id, timeUs }) => ({ a: id, p: '1.0', q: '1.0', f: id, l: id, T: timeUs, m: true, M: true }));
  server.script(({ path, query }, _rows, nth) => {
    if (!path.endsWith('/aggTrades') || nth > 2) return undefined;
    return query.has('startTime') ? [] : [old];
  });

  const { rows } = await readAll(exchange, { series: aggTrades, from: START + 50_000, to: START + 250_000 });

  assert.deepEqual(ids(rows), span(600, 2_599));
});

test('case 15: rows left out of a page, at its end or inside, are read again by id', async (t) => {
  const { exchange, server } = await openBench(t, { BTCUSDT: { trades: tradesOf(100, 3_000, 100) } });
  server.script(({ query }, rows, nth) =>
    query.has('fromId') && nth % 2 === 0 ? [...(rows ?? []).slice(0, 100), ...(rows ?? []).slice(107, -3)] : undefined,
  );

  const { rows, summary } = await readAll(exchange, { series: aggTrades, from: START + 1, to: START + 250_000 });

  assert.deepEqual(ids(rows), span(101, 2_599));
  assert.deepEqual(summary.absent, []);
});

for (const lies of [[1], [1, 2], [1, 3]]) {
  test(`case 15: ids that the pages ${lies} leave out are found by the others`, async (t) => {
    const { exchange, server } = await openBench(t, { BTCUSDT: { trades: tradesOf(100, 500) } });
    let page = 0;
    server.script(({ query }, rows = []) => {
      if (!query.has('fromId')) return undefined;
      page += 1;
      const skipping = [...(rows as readonly { a: number }[]), { ...(rows[0] as object), a: 211, f: 211, l: 211 }].filter(
        ({ a }) => a < 200 || a > 210,
      );
      return lies.includes(page) ? skipping : undefined;
    });

    const { rows, summary } = await readAll(exchange, { series: aggTrades, from: START + 1, to: START + HOUR });

    assert.deepEqual(ids(rows), span(101, 599));
    assert.deepEqual(summary.absent, []);
  });
}

test('case 3: an empty page below the newest row is not the end', async (t) => {
  const { exchange, server } = await openBench(t, { BTCUSDT: { trades: tradesOf(100, 2_500, 100) } });
  server.script(({ query }, _rows, nth) => (query.has('fromId') && [3, 4, 5].includes(nth) ? [] : undefined));

  const { rows } = await readAll(exchange, { series: aggTrades, from: START + 1, to: START + HOUR });

  assert.deepEqual(ids(rows), span(101, 2_599));
});

test('an exchange that answers empty for ever is an error, not an end', async (t) => {
  const { exchange, server } = await openBench(t, { BTCUSDT: { trades: tradesOf(100, 2_500, 100) } });
  server.script(({ query }, _rows, nth) => (query.has('fromId') && nth > 2 ? [] : undefined));

  await assert.rejects(readAll(exchange, { series: aggTrades, from: START + 1, to: START + HOUR }), { code: 'exchange_unavailable' });
});

test('case 2: the page before, answered once more, changes nothing', async (t) => {
  const { exchange, server } = await openBench(t, { BTCUSDT: { trades: tradesOf(100, 2_500, 100) } });
  let last: readonly unknown[] = [];
  server.script(({ query }, rows, nth) => {
    const stale = last;
    last = rows ?? [];
    return query.has('fromId') && nth === 3 ? stale : undefined;
  });

  const { rows } = await readAll(exchange, { series: aggTrades, from: START + 1, to: START + HOUR });

  assert.deepEqual(ids(rows), span(101, 2_599));
});

test('the newest row decides where nothing at or after `to` exists yet', async (t) => {
  const { exchange } = await openBench(t, { BTCUSDT: { trades: tradesOf(100, 50) } });

  const tail = await readAll(exchange, { series: aggTrades, from: after(10), to: after(3_600) });
  const behind = await readAll(exchange, { series: aggTrades, from: after(3_600), to: after(7_200) });

  assert.deepEqual([tail.summary.first_id, tail.summary.last_id], [110, 149]);
  assert.deepEqual([behind.summary.first_id, behind.summary.last_id, behind.summary.absent], [150, 149, []]);
});

test('a range that ends in the future of the exchange is refused, one that ends in a moment is waited for', async (t) => {
  const { exchange, clock } = await openBench(t, { BTCUSDT: { trades: tradesOf(100, 100) } }, { start: after(50) });

  await assert.rejects(readAll(exchange, { series: aggTrades, from: START, to: after(200) }), { code: 'invalid_request' });
  const { rows } = await readAll(exchange, { series: aggTrades, from: after(30), to: after(60) });

  assert.deepEqual(ids(rows), span(130, 159));
  assert.ok(clock.now() >= after(60));
});
