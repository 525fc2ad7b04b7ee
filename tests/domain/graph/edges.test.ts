import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { simulateMarket } from '../../gnn/support/market.ts';
import { BAR, build, candlesOf, FROM, rowsOf } from './a-market.ts';

const DAY_BARS = 288;

describe('next edges', () => {
  it('come from the lags before, of the same symbol, the oldest first', () => {
    const { edges } = build([candlesOf([1, 2, 3, 4]), candlesOf([5, 6, 7, 8])], 4, { lags: [1, 3] });

    assert.deepEqual(
      rowsOf(edges.next).filter(([, dst]) => (dst as number) >= 4),
      [
        [2, 4, 1],
        [3, 5, 1],
        [0, 6, 3],
        [4, 6, 1],
        [1, 7, 3],
        [5, 7, 1],
      ],
    );
  });

  it('are neither sent nor received by a bar without a candle', () => {
    const { edges } = build([candlesOf([1, undefined, 3, 4])], 4, { lags: [1, 2] });

    assert.deepEqual(rowsOf(edges.next), [
      [0, 2, 2],
      [2, 3, 1],
    ]);
  });
});

describe('visible edges', () => {
  it('are those of the natural visibility graph by its definition, but for the direct neighbour', () => {
    fc.assert(
      fc.property(
        fc.array(fc.option(fc.integer({ min: 90, max: 110 }), { freq: 6, nil: undefined }), { minLength: 3, maxLength: 40 }),
        fc.integer({ min: 2, max: 20 }),
        (closes, vis_window) => {
          fc.pre(closes.some((close) => close !== undefined));
          const { edges } = build([candlesOf(closes)], closes.length, { vis_window, vis_cap: 100 });
          const expected: [number, number][] = [];
          const y = closes.map((close) => (close === undefined ? undefined : Math.log(close)));
          for (let t = 0; t < y.length; t++) {
            for (let j = Math.max(0, t - vis_window); j < t - 1; j++) {
              const [a, b] = [y[j], y[t]];
              if (a === undefined || b === undefined) continue;
              const isHidden = y
                .slice(j + 1, t)
                .some((height, k) => height !== undefined && (height - b) / (t - (j + 1 + k)) >= (a - b) / (t - j));
              if (!isHidden) expected.push([j, t]);
            }
          }

          assert.deepEqual(
            rowsOf(edges.visible).map(([src, dst]) => [src, dst]),
            expected,
          );
        },
      ),
      { numRuns: 200 },
    );
  });

  it('are the nearest few, with their distance and the slope of the line', () => {
    const { edges } = build([candlesOf([100, 95, 90, 80, 100])], 5, { vis_cap: 1 });

    const [src, dst, dt, slope] = rowsOf(edges.visible).at(-1) as [number, number, number, number];
    assert.deepEqual([src, dst, dt], [2, 4, 2]);
    assert.ok(Math.abs(slope - (Math.log(100) - Math.log(90)) / 2) < 1e-6);
  });
});

describe('edges between symbols', () => {
  const bars = 3 * DAY_BARS;
  const market = simulateMarket({ symbols: 4, bars, seed: 3, lead: 0.5 });
  const { edges, grid } = build(market, bars, { lead_window: 500 });
  const returns = market.map((candles) =>
    candles.map((candle, t) => (t === 0 ? Number.NaN : Math.log(candle.close / (candles[t - 1]?.close ?? 1)))),
  );

  /** Pearson's correlation of two equally long lists. */
  const pearson = (a: readonly number[], b: readonly number[]): number => {
    const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;
    const [ma, mb] = [mean(a), mean(b)];
    const cov = mean(a.map((value, i) => (value - ma) * ((b[i] as number) - mb)));
    return cov / Math.sqrt(mean(a.map((value) => (value - ma) ** 2)) * mean(b.map((value) => (value - mb) ** 2)));
  };

  it('stand at one close, come from the strongest of the window before the day, and name it', () => {
    for (const [src, dst, rho, win, asOf] of rowsOf(edges.corr) as [number, number, number, number, number][]) {
      const t = Math.floor(dst / 4);
      const dayStart = Math.floor(t / DAY_BARS) * DAY_BARS;
      assert.equal(Math.floor(src / 4), t);
      assert.equal(win, DAY_BARS);
      assert.equal(asOf, FROM + dayStart * BAR - 1);
      if (t !== dayStart) continue;
      const window = (s: number): number[] => (returns[s] ?? []).slice(Math.max(1, dayStart - win), dayStart);
      const strength = [0, 1, 2, 3].filter((q) => q !== dst % 4).map((q) => ({ q, rho: pearson(window(q), window(dst % 4)) }));
      const strongest = strength.toSorted((a, b) => Math.abs(b.rho) - Math.abs(a.rho)).slice(0, 2);
      const own = strongest.find(({ q }) => q === src % 4);
      assert.ok(own !== undefined && Math.abs(own.rho - rho) < 1e-3);
    }
    assert.equal(edges.corr.src.length, 2 * DAY_BARS * 4 * 2);
  });

  it('find who leads, by one bar, once there is a day of history', () => {
    const rows = rowsOf(edges.leads) as [number, number, number, number, number, number][];

    assert.equal(Math.floor((rows[0] as number[])[1]! / 4), DAY_BARS);
    const followers = rows.filter(([, dst]) => dst % 4 !== 0);
    assert.ok(followers.every(([src, dst]) => src % 4 === 0 && Math.floor(src / 4) === Math.floor(dst / 4)));
    assert.ok(followers.every(([, , lag, rho]) => lag === 1 && rho > 0.2));
    assert.deepEqual([...new Set(rows.map(([, , , , win]) => win))], [DAY_BARS, 500]);
  });

  it('are never newer than the close of the node that hears them', () => {
    for (const relation of ['corr', 'leads'] as const) {
      const { dst, columns } = edges[relation];
      const asOf = columns.at(-1) as Float64Array;
      assert.ok(dst.length > 0);
      assert.ok(dst.every((node, e) => (asOf[e] as number) <= (grid.closeTime[Math.floor(node / 4)] as number)));
    }
  });

  it('skip a bar without a candle, and a symbol that never moves', () => {
    const holed = market.map((candles, s) => (s === 1 ? candles.filter((_, t) => t !== 400) : candles));
    const flat = build([...holed, candlesOf(Array.from({ length: bars }, () => 7))], bars);

    for (const relation of ['corr', 'leads'] as const) {
      const { src, dst } = flat.edges[relation];
      assert.ok(!src.includes(400 * 5 + 1) && !dst.includes(400 * 5 + 1));
      assert.ok(src.every((node) => node % 5 !== 4) && dst.every((node) => node % 5 !== 4));
    }
  });

  it('are none for a symbol alone, or where none are asked for', () => {
    const alone = build(market.slice(0, 1), bars);
    const none = build(market, bars, { corr_top: 0, lead_top: 0 });

    for (const graph of [alone, none]) assert.deepEqual([graph.edges.corr.src.length, graph.edges.leads.src.length], [0, 0]);
  });
});
