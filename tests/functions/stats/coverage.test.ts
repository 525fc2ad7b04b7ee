import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { Absence, Coverage } from '../../../shared/domain/coverage.ts';
import { extendLedger } from '../../../shared/store/extend-ledger.ts';
import { aTrade, CANDLES, FIVE_MINUTES, FROM, type ServedStats, serveStats, someCandles, TRADES } from './serve-stats.ts';

const at = (index: number): number => FROM + index * FIVE_MINUTES;

/** Candles 0 to 9 proven, 10 to 11 the exchange's outage, 12 to 15 proven, 16 refused, 17 and 18 lost, 19 proven; nothing asked for behind. */
const outage: Absence = {
  from: at(10),
  to: at(12),
  kind: 'exchange-outage',
  evidence: { method: 'narrow-read', grade: 'two-reads', asked_at: [at(100), at(101)] },
};

describe('the coverage of a series', () => {
  let stats: ServedStats;
  const coverageOf = async (query: string): Promise<Coverage> => {
    const answer = await stats.get(`/coverage/binance:BTCUSDT:candles:5m?${query}`);
    assert.equal(answer.status, 200, answer.text);
    return answer.json<Coverage>();
  };

  before(async () => {
    stats = await serveStats();
    const { market } = stats.stores;
    const stored = someCandles(20).filter((_, index) => ![10, 11, 16, 17, 18].includes(index));
    await market.upsertRows(CANDLES, stored, { origin: 'rest', received_at: at(100) });
    await extendLedger(market, CANDLES, {
      covered: [
        { from: at(0), to: at(10), origin: 'rest' },
        { from: at(12), to: at(16), origin: 'rest' },
        { from: at(19), to: at(20), origin: 'rest' },
      ],
      absent: [outage],
      open: [
        { from: at(16), to: at(17), kind: 'refused', code: 'precision_lost' },
        { from: at(17), to: at(19), kind: 'lost' },
      ],
    });
  });
  after(() => stats.close());

  it('names proven ranges, absences with their evidence, and open holes by kind', async () => {
    const coverage = await coverageOf(`from=${at(0)}&to=${at(22)}`);

    assert.deepEqual(
      coverage.ranges.map(({ from, to }) => [from, to]),
      [
        [at(0), at(10)],
        [at(12), at(16)],
        [at(19), at(20)],
      ],
    );
    assert.deepEqual(coverage.holes, [
      outage,
      { from: at(16), to: at(17), kind: 'refused', code: 'precision_lost' },
      { from: at(17), to: at(19), kind: 'lost' },
      { from: at(20), to: at(22), kind: 'missing' },
    ]);
    assert.equal(coverage.complete, false);
  });

  it("is complete where the only holes are the exchange's own", async () => {
    const coverage = await coverageOf(`from=${at(5)}&to=${at(14)}`);

    assert.equal(coverage.complete, true);
    assert.deepEqual(coverage.holes, [outage]);
    assert.deepEqual([coverage.from, coverage.to], [at(5), at(14)]);
  });

  it('reaches as far as rows and ledger do where no range is asked', async () => {
    const whole = await coverageOf('');
    const tail = await coverageOf(`from=${at(19)}`);
    const before = await coverageOf(`to=${at(0)}`);

    assert.deepEqual([whole.from, whole.to], [at(0), at(20)]);
    assert.deepEqual([tail.from, tail.to, tail.complete], [at(19), at(20), true]);
    assert.deepEqual([before.from, before.to, before.complete], [at(0), at(0), true]);
  });

  it('is missing altogether where nothing was ever loaded', async () => {
    const answer = await stats.get(`/coverage/binance:ETHUSDT:candles:5m?from=${at(0)}&to=${at(2)}`);

    assert.deepEqual(answer.json(), {
      series: 'binance:ETHUSDT:candles:5m',
      from: at(0),
      to: at(2),
      ranges: [],
      holes: [{ from: at(0), to: at(2), kind: 'missing' }],
      complete: false,
    });
  });

  it('stands in the description of the series, with the holes that stay open', async () => {
    const { json } = await stats.get('/series/binance:BTCUSDT:candles:5m');

    const body = json();
    assert.equal(body.rows, 15);
    assert.deepEqual(body.first, { key: String(at(0)), time: at(0) });
    assert.deepEqual(body.last, { key: String(at(19)), time: at(19) });
    assert.deepEqual(body.gaps, [
      { from: at(16), to: at(17), kind: 'refused', code: 'precision_lost' },
      { from: at(17), to: at(19), kind: 'lost' },
    ]);
    const coverage = body.coverage as Coverage;
    assert.deepEqual([coverage.from, coverage.to, coverage.complete, coverage.ranges.length], [at(0), at(20), false, 3]);
  });

  it('is counted in the list of all series', async () => {
    await stats.stores.market.upsertRows(TRADES, [aTrade(1), aTrade(2)], { origin: 'rest', received_at: at(100) });

    const { items } = (await stats.get('/series')).json<{ items: Record<string, unknown>[] }>();

    const [candles, trades] = [...items].sort((a, b) => String(a.series).localeCompare(String(b.series)));
    assert.equal(items.length, 2);
    assert.deepEqual(candles?.coverage, { from: at(0), to: at(20), complete: false, ranges: 3 });
    assert.deepEqual(candles?.gaps, { 'exchange-outage': 1, refused: 1, lost: 1 });
    assert.equal(trades?.series, 'binance:BTCUSDT:trades');
    assert.equal(trades?.rows, 2);
    assert.deepEqual(trades?.gaps, { missing: 1 });
  });
});
