import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { Series } from '../../shared/domain/series.ts';
import { parseSeriesId } from '../../shared/domain/series.ts';
import type { MarketStore } from '../../shared/store/market-store.ts';
import { aMinute } from '../support/written.ts';
import { describeMarketDurability } from './market-store-durability.ts';
import { describeLedger } from './market-store-ledger.ts';
import { describeReads } from './market-store-reads.ts';
import { describeTexts } from './market-store-texts.ts';
import { describeUpserts } from './market-store-upserts.ts';
import type { Place, Stores, StoresFactory } from './stores.ts';

/** What the parts of the suite share: the open store, and series that no other test uses. */
export interface MarketSuite {
  readonly market: MarketStore;
  readonly place: Place<Stores>;
  /** `binance:<fresh symbol>:<rest>`, as in `fresh('candles:1m')`. */
  fresh(rest: string, exchange?: string): Series;
}

let symbols = 0;

/** The promises of `MarketStore`, to be kept by every adapter alike. */
export function describeMarketStore(factory: StoresFactory): void {
  describe('MarketStore', () => {
    let place: Place<Stores>;
    let stores: Stores;
    const suite: MarketSuite = {
      get market() {
        return stores.market;
      },
      get place() {
        return place;
      },
      fresh: (rest, exchange = 'binance') => parseSeriesId(`${exchange}:T${process.pid}X${++symbols}:${rest}`),
    };

    before(async () => {
      place = await factory();
      stores = await place.open();
    });
    after(() => place.remove());

    describeUpserts(suite);
    describeTexts(suite);
    describeReads(suite);
    describeLedger(suite);
    describeMarketDurability(suite, factory);

    test('a closed store answers store_unavailable', async () => {
      const { market } = await place.open();

      await market.close();

      await assert.rejects(market.countRows(suite.fresh('trades')), { code: 'store_unavailable' });
      await assert.rejects(market.upsertRows(suite.fresh('candles:1m'), [aMinute(0)], { origin: 'rest', received_at: 1 }), {
        code: 'store_unavailable',
      });
    });
  });
}

/** Every row of a query, in the order of the pages. */
export async function collect<Item>(pages: AsyncIterable<readonly Item[]>): Promise<Item[]> {
  const all: Item[] = [];
  for await (const page of pages) all.push(...page);
  return all;
}
