import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Series } from '../../../shared/domain/series.ts';
import type { Script, WireTrade } from './exchange-server.ts';
import { openBench, proofOf, readAll } from './open-bench.ts';
import { aTrade, FIVE_MINUTES, klinesOf, START } from './wire-rows.ts';

/** One spoilt answer: a page with rows left out, doubled, cut off, refused, or broken on its way. */
const fault = fc.oneof(
  fc.record({ kind: fc.constant('drop' as const), from: fc.nat(999), count: fc.integer({ min: 1, max: 600 }) }),
  fc.record({
    kind: fc.constantFrom(
      'empty' as const,
      'double' as const,
      'reverse' as const,
      'truncate' as const,
      'reset' as const,
      'status' as const,
      'limit' as const,
    ),
  }),
);
type Fault = typeof fault extends fc.Arbitrary<infer F> ? F : never;
/** At most one answer in two is spoilt: an exchange that never tells the truth cannot be read. */
const plan = fc.array(fc.option(fault, { freq: 1 }), { maxLength: 14 });

function spoiling(faults: readonly (Fault | null)[]): Script {
  let next = 0;
  let wasSpoilt = false;
  return ({ path }, rows) => {
    if (rows === undefined || path.endsWith('exchangeInfo')) return undefined;
    const due = wasSpoilt ? null : (faults[next++] ?? null);
    wasSpoilt = due !== null;
    if (due === null) return undefined;
    if (due.kind === 'drop') return rows.toSpliced(due.from % Math.max(1, rows.length), due.count);
    switch (due.kind) {
      case 'empty':
        return [];
      case 'double':
        return [...rows, ...rows];
      case 'reverse':
        return rows.toReversed();
      case 'truncate':
        return { truncateAfter: 40 };
      case 'reset':
        return { resetAfter: 40 };
      case 'status':
        return { status: 503, body: '{"code":-1001,"msg":"Internal error."}' };
      default:
        return { status: 429, headers: { 'retry-after': '2' }, body: '{"code":-1003,"msg":"Too many requests queued."}' };
    }
  };
}

/** Trades in bursts: many share a millisecond, some ids are skipped by the exchange itself. */
const market = fc
  .array(
    fc.record({
      waitMs: fc.constantFrom(0, 0, 0, 1, 1_000, 600_000),
      count: fc.integer({ min: 1, max: 700 }),
      skip: fc.constantFrom(0, 0, 0, 1, 40),
    }),
    {
      minLength: 1,
      maxLength: 8,
    },
  )
  .map((bursts) => {
    const rows: WireTrade[] = [];
    let [id, time] = [17, START];
    for (const { waitMs, count, skip } of bursts) {
      time += waitMs;
      id += skip;
      for (let index = 0; index < count; index += 1) rows.push(aTrade(id++, time * 1000 + Math.floor(index / 3)));
    }
    return rows;
  });

for (const kind of ['agg-trades', 'trades'] as const) {
  test(`whatever is wrong with single answers, every row of ${kind} comes exactly once and every id is accounted for`, async (t) => {
    const series: Series = { exchange: 'binance', symbol: 'BTCUSDT', kind };
    await fc.assert(
      fc.asyncProperty(market, plan, fc.integer({ min: 0, max: 700_000 }), async (rows, faults, startMs) => {
        const { exchange, server } = await openBench(t, { BTCUSDT: { trades: rows } });
        server.script(spoiling(faults));
        const [from, to] = [START + startMs, START + 1_200_000];

        const history = await readAll(exchange, { series, from, to });

        const expected = rows.filter(({ timeUs }) => timeUs >= from * 1000 && timeUs < to * 1000).map(({ id }) => id);
        assert.deepEqual(
          history.rows.map((row) => (row as { id: number }).id),
          expected,
        );
        const { first_id = 0, last_id = 0, absent, unavailable, row_count } = history.summary;
        const held = absent.reduce((sum, { from_id = 0, to_id = -1 }) => sum + to_id - from_id + 1, 0);
        assert.equal(last_id - first_id + 1, row_count + held);
        assert.deepEqual(unavailable, []);
        assert.deepEqual(proofOf({ series, from, to }, history).missing, []);
        await Promise.all([exchange.close(), server.close()]);
      }),
      { numRuns: 60 },
    );
  });
}

test('whatever is wrong with single answers, every candle comes and no hole is invented', async (t) => {
  const series: Series = { exchange: 'binance', symbol: 'BTCUSDT', kind: 'candles', interval: '5m' };
  await fc.assert(
    fc.asyncProperty(
      plan,
      fc.array(fc.record({ from: fc.nat(2_000), count: fc.integer({ min: 1, max: 300 }) }), { maxLength: 3 }),
      async (faults, outages) => {
        const isOut = (bucket: number): boolean => outages.some(({ from, count }) => bucket >= from && bucket < from + count);
        const klines = klinesOf(-50, 2_400).filter(([open]) => !isOut(((open as number) - START) / FIVE_MINUTES));
        const { exchange, server } = await openBench(t, { BTCUSDT: { klines: { '5m': klines } }, ETHUSDT: { klines: { '5m': klines } } });
        server.script(spoiling(faults));

        const { rows, summary } = await readAll(exchange, { series, from: START, to: START + 2_000 * FIVE_MINUTES });

        const got = rows.map((row) => ((row as { open_time: number }).open_time - START) / FIVE_MINUTES).sort((a, b) => a - b);
        const buckets = Array.from({ length: 2_000 }, (_, index) => index);
        const missing = buckets.filter(isOut);
        assert.deepEqual(
          got,
          buckets.filter((bucket) => !isOut(bucket)),
        );
        // An outage that single lies leave in doubt may stay missing; one that is not there is never claimed.
        const claimed = summary.absent.flatMap(({ from, to }) =>
          buckets.filter((bucket) => START + bucket * FIVE_MINUTES >= from && START + bucket * FIVE_MINUTES < to),
        );
        assert.ok(claimed.every((bucket) => missing.includes(bucket)));
        if (faults.every((spoilt) => spoilt === null)) assert.equal(claimed.length, missing.length);
        await Promise.all([exchange.close(), server.close()]);
      },
    ),
    { numRuns: 40 },
  );
});
