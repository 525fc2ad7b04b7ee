import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Absence } from '../../../shared/domain/coverage.ts';
import type { Candle } from '../../../shared/domain/rows.ts';
import type { Series } from '../../../shared/domain/series.ts';
import { FolderObjectStore } from '../../../shared/objects/folder/folder-object-store.ts';
import type { ObjectStore } from '../../../shared/objects/object-store.ts';
import { extendLedger } from '../../../shared/store/extend-ledger.ts';
import type { MarketStore } from '../../../shared/store/market-store.ts';
import { openSqliteStore, type SqliteStore } from '../../../shared/store/sqlite/open-sqlite-store.ts';
import { BAR_MS, MARKET_START, symbolName } from './market.ts';

/** Real stores in a folder of their own, gone after `close`. */
export interface ProvenMarket extends Omit<SqliteStore, 'close'> {
  readonly objects: ObjectStore;
  close(): Promise<void>;
}

export async function openProvenMarket(): Promise<ProvenMarket> {
  const dir = await mkdtemp(join(tmpdir(), 'streamforge-gnn-'));
  const store = await openSqliteStore({ dir });
  const objects = new FolderObjectStore({ dir: join(dir, 'objects') });
  return {
    ...store,
    objects,
    async close() {
      await store.close();
      await objects.close();
      await rm(dir, { recursive: true, force: true });
    },
  };
}

export const seriesOf = (s: number): Series => ({ exchange: 'binance', symbol: symbolName(s), kind: 'candles', interval: '5m' });

/** Stores candles of one symbol and says in the ledger that `[0, bars)` is proven but for the bars named `absent`. */
export async function prove(
  market: MarketStore,
  s: number,
  candles: readonly Candle[],
  bars: number,
  absentBars: readonly number[] = [],
): Promise<void> {
  const series = seriesOf(s);
  for (let at = 0; at < candles.length; at += 5_000) {
    await market.upsertRows(series, candles.slice(at, at + 5_000), { origin: 'rest', received_at: MARKET_START });
  }
  const time = (bar: number): number => MARKET_START + bar * BAR_MS;
  const absent = absentBars.map(
    (bar): Absence => ({
      from: time(bar),
      to: time(bar + 1),
      kind: 'exchange-outage',
      evidence: { method: 'test', grade: 'two-reads', asked_at: [MARKET_START, MARKET_START] },
    }),
  );
  const edges = [-1, ...absentBars, bars];
  const covered = edges.slice(1).flatMap((end, i) => {
    const from = (edges[i] as number) + 1;
    return from < end ? [{ from: time(from), to: time(end), origin: 'rest' as const }] : [];
  });
  await extendLedger(market, series, { covered, absent, open: [] });
}
