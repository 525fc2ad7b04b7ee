import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { Row } from '../../../shared/domain/rows.ts';
import { aCandle, aTrade, CANDLES, FIVE_MINUTES, FROM, type ServedStats, serveStats, someCandles, TRADES } from './serve-stats.ts';

interface PageBody {
  readonly collection: string;
  readonly series: string;
  readonly rows: readonly Row[];
  readonly cursor?: string;
}

const at = (index: number): number => FROM + index * FIVE_MINUTES;

describe('GET /collections/{name}/rows', () => {
  let stats: ServedStats;
  const pagesOf = async (query: string): Promise<PageBody[]> => {
    const pages: PageBody[] = [];
    let cursor: string | undefined = '';
    while (cursor !== undefined) {
      const answer = await stats.get(
        `/collections/first_days/rows?${query}${cursor === '' ? '' : `&cursor=${encodeURIComponent(cursor)}`}`,
      );
      assert.equal(answer.status, 200, answer.text);
      const page: PageBody = answer.json<PageBody>();
      pages.push(page);
      cursor = page.cursor;
    }
    return pages;
  };

  before(async () => {
    stats = await serveStats();
    const provenance = { origin: 'rest', received_at: at(100) } as const;
    await stats.stores.market.upsertRows(CANDLES, someCandles(10), provenance);
    await stats.stores.market.upsertRows(TRADES, [aTrade(1), aTrade(2), aTrade(3)], provenance);
    await stats.stores.workflows.putCollection({
      name: 'first_days',
      queue_id: 'wf-btcusdt-api_candles_5m-20240801-a1b2c3',
      selections: [
        { series: 'binance:BTCUSDT:candles:5m', from: at(2), to: at(7) },
        { series: 'binance:ETHUSDT:candles:5m', from: at(2), to: at(7) },
        { series: 'binance:BTCUSDT:trades', from: at(0), to: at(1) },
        { series: 'binance:ETHUSDT:trades', from: at(0), to: at(1) },
      ],
      created_at: at(100),
    });
  });
  after(() => stats.close());

  it('answers exactly the rows that the selection names, series after series, and no page mixes two', async () => {
    const pages = await pagesOf('limit=2');

    const rows = pages.flatMap((page) => page.rows);
    assert.deepEqual(
      rows,
      [2, 3, 4, 5, 6]
        .map(aCandle)
        .concat([] as never[])
        .concat([1, 2, 3].map(aTrade) as never[]),
    );
    assert.deepEqual(
      pages.filter((page) => page.rows.length > 0).map((page) => `${page.series} ${page.rows.length}`),
      [
        'binance:BTCUSDT:candles:5m 2',
        'binance:BTCUSDT:candles:5m 2',
        'binance:BTCUSDT:candles:5m 1',
        'binance:BTCUSDT:trades 2',
        'binance:BTCUSDT:trades 1',
      ],
    );
    for (const page of pages) assert.equal(page.collection, 'first_days');
  });

  it('is narrowed by from and to, never widened', async () => {
    const narrow = await pagesOf(`from=${at(6)}&to=${at(50)}`);

    assert.deepEqual(
      narrow.flatMap((page) => page.rows),
      [aCandle(6)],
    );
  });

  it('names the series and the cursor in headers where the rows are lines', async () => {
    const answer = await stats.get('/collections/first_days/rows?limit=2&format=csv&cursor=2~');

    assert.equal(answer.headers.get('x-series'), 'binance:BTCUSDT:trades');
    assert.equal(answer.headers.get('x-next-cursor'), '2~2');
    assert.equal(answer.text.split('\n').length, 3);
  });

  it('refuses a cursor that is none of this collection', async () => {
    for (const cursor of ['4~', 'x~1', '0~a b', '~', '1']) {
      const answer = await stats.get(`/collections/first_days/rows?cursor=${encodeURIComponent(cursor)}`);

      assert.equal(answer.status, 400);
      assert.deepEqual(
        answer.json<{ fields: { path: string }[] }>().fields.map(({ path }) => path),
        ['cursor'],
      );
    }
  });
});
