import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { aggTradeLine, candleLine, tradeLine } from '../../../shared/domain/row-formats/archive-csv.ts';
import type { Row } from '../../../shared/domain/rows.ts';
import { parseSeriesId } from '../../../shared/domain/series.ts';
import { aCandle, aTrade, CANDLES, FIVE_MINUTES, FROM, type ServedStats, serveStats, someCandles, TRADES } from './serve-stats.ts';

interface RowsBody {
  readonly series: string;
  readonly rows: readonly Row[];
  readonly cursor?: string;
}

describe('GET /series/{id}/rows', () => {
  let stats: ServedStats;
  const rowsOf = async (query: string, id = 'binance:BTCUSDT:candles:5m'): Promise<RowsBody> => {
    const answer = await stats.get(`/series/${encodeURIComponent(id)}/rows?${query}`);
    assert.equal(answer.status, 200, answer.text);
    return answer.json<RowsBody>();
  };

  before(async () => {
    stats = await serveStats();
    const provenance = { origin: 'rest', received_at: FROM + 90 * 86_400_000 } as const;
    await stats.stores.market.upsertRows(CANDLES, someCandles(1_500), provenance);
    const trades = Array.from({ length: 2_345 }, (_, index) => aTrade(10_000 + index));
    await stats.stores.market.upsertRows(TRADES, trades, provenance);
  });
  after(() => stats.close());

  it('answers rows in order, half-open in time', async () => {
    const { series, rows, cursor } = await rowsOf(`from=${FROM + FIVE_MINUTES}&to=${FROM + 4 * FIVE_MINUTES}`);

    assert.equal(series, 'binance:BTCUSDT:candles:5m');
    assert.deepEqual(rows, [aCandle(1), aCandle(2), aCandle(3)]);
    assert.equal(cursor, undefined);
  });

  it('takes dates and instants too', async () => {
    const { rows } = await rowsOf('from=2024-08-02&to=2024-08-02T00:10:00Z');

    assert.deepEqual(rows, [aCandle(288), aCandle(289)]);
  });

  it('answers 1,000 rows unless another limit is asked for, and goes on at the cursor until the last row', async () => {
    const first = await rowsOf('');
    const second = await rowsOf(`cursor=${encodeURIComponent(first.cursor ?? '')}`);

    assert.equal(first.rows.length, 1_000);
    assert.deepEqual([...first.rows, ...second.rows], someCandles(1_500));
    assert.equal(second.cursor, undefined);
  });

  it('has no cursor where the last page is full', async () => {
    const { rows, cursor } = await rowsOf('limit=1500');

    assert.equal(rows.length, 1_500);
    assert.equal(cursor, undefined);
  });

  it('case 1: walks a thousand trades of one millisecond without losing or repeating one', async () => {
    const ids: unknown[] = [];
    let query = 'limit=300';
    for (;;) {
      const page = await rowsOf(query, 'binance:BTCUSDT:trades');
      ids.push(...page.rows.map((row) => (row as { id: unknown }).id));
      if (page.cursor === undefined) break;
      query = `limit=300&cursor=${page.cursor}`;
    }

    assert.deepEqual(
      ids,
      Array.from({ length: 2_345 }, (_, index) => 10_000 + index),
    );
  });

  it('writes CSV as the archive has it, in either unit, with the cursor in a header', async () => {
    const ms = await stats.get('/series/binance:BTCUSDT:candles:5m/rows?limit=2&format=csv');
    const us = await stats.get('/series/binance:BTCUSDT:trades/rows?limit=1&format=csv&time_unit=us');

    assert.equal(ms.text, `${candleLine(aCandle(0), 'ms')}\n${candleLine(aCandle(1), 'ms')}\n`);
    assert.equal(ms.text.split('\n')[0], '1722470400000,100,102.5,99.5,101,0.0000001,1722470699999,5.25,3,0,0,0');
    assert.match(ms.headers.get('content-type') ?? '', /^text\/csv/);
    assert.equal(ms.headers.get('x-next-cursor'), String(aCandle(1).open_time));
    assert.equal(us.text, `${tradeLine(aTrade(10_000), 'us')}\n`);
  });

  it('writes NDJSON, a row of the contract a line', async () => {
    const answer = await stats.get('/series/binance:BTCUSDT:candles:5m/rows?limit=1500&format=ndjson');

    const lines = answer.text.trimEnd().split('\n');
    assert.deepEqual(
      lines.map((line) => JSON.parse(line) as unknown),
      someCandles(1_500),
    );
    assert.equal(answer.headers.get('content-type'), 'application/x-ndjson');
    assert.equal(answer.headers.get('x-series'), 'binance:BTCUSDT:candles:5m');
    assert.equal(answer.headers.get('x-next-cursor'), null);
  });

  it('answers no rows of a series that is not stored', async () => {
    const { rows, cursor } = await rowsOf('', 'binance:ETHUSDT:candles:5m');
    const csv = await stats.get('/series/binance:ETHUSDT:candles:5m/rows?format=csv');

    assert.deepEqual(rows, []);
    assert.equal(cursor, undefined);
    assert.deepEqual([csv.status, csv.text], [200, '']);
  });

  it('writes aggregate trades with their eight columns', async () => {
    const series = parseSeriesId('binance:BTCUSDT:agg-trades');
    const row = { id: 5, first_trade_id: 7, last_trade_id: 9, time: FROM, price: 100.5, quantity: 2, side: 'sell' } as const;
    await stats.stores.market.upsertRows(series, [row], { origin: 'rest', received_at: FROM });

    const answer = await stats.get('/series/binance:BTCUSDT:agg-trades/rows?format=csv');

    assert.equal(answer.text, `${aggTradeLine(row, 'ms')}\n`);
  });
});
