import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { routes } from '../../../functions/stats/handle.ts';
import type { Candle, Trade } from '../../../shared/domain/rows.ts';
import { parseSeriesId } from '../../../shared/domain/series.ts';
import { mountRoutes } from '../../../shared/runtime/http/mounted-route.ts';
import { startHttpServer } from '../../../shared/runtime/http-server.ts';
import type { Stores } from '../../../shared/runtime/ports.ts';
import { openSqliteStore } from '../../../shared/store/sqlite/open-sqlite-store.ts';
import { createTestContext } from '../../support/context.ts';

/** The first moment of the test data: 2024-08-01. */
export const FROM = 1_722_470_400_000;
export const FIVE_MINUTES = 300_000;
export const CANDLES = parseSeriesId('binance:BTCUSDT:candles:5m');
export const TRADES = parseSeriesId('binance:BTCUSDT:trades');

/** The closed candle with this number from `FROM`. */
export function aCandle(index: number): Candle {
  const open_time = FROM + index * FIVE_MINUTES;
  return {
    open_time,
    close_time: open_time + FIVE_MINUTES - 1,
    open: 100 + index,
    high: 102.5 + index,
    low: 99.5 + index,
    close: 101 + index,
    volume: 1e-7 * (index + 1),
    quote_volume: 5.25,
    trade_count: 3,
    taker_buy_volume: 0,
    taker_buy_quote_volume: 0,
    is_closed: true,
  };
}

export function someCandles(count: number): Candle[] {
  return Array.from({ length: count }, (_, index) => aCandle(index));
}

/** The trade with this id: a thousand of them share one millisecond. */
export function aTrade(id: number): Trade {
  return { id, time: FROM + Math.floor(id / 1_000), time_us: 7, price: 100.5, quantity: 0.25, side: id % 2 === 0 ? 'buy' : 'sell' };
}

/** An answer of the API; `json` fails for what is none. */
export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  json<T = Record<string, unknown>>(): T;
}

/** The function over real HTTP and a real store in a folder of its own. */
export interface ServedStats {
  readonly stores: Stores;
  get(path: string): Promise<Answer>;
  close(): Promise<void>;
}

export async function serveStats(): Promise<ServedStats> {
  const dir = await mkdtemp(join(tmpdir(), 'stats-'));
  const stores: Stores = await openSqliteStore({ dir });
  const { market, workflows, graphs, models } = stores;
  const context = createTestContext({ functionName: 'stats', ports: { market, workflows, graphs, models } });
  const server = await startHttpServer({ ...context, host: '127.0.0.1', port: 0, routes: mountRoutes(routes, context) });
  return {
    stores,
    async get(path) {
      const response = await fetch(server.url + path);
      const text = await response.text();
      return { status: response.status, headers: response.headers, text, json: <T>() => JSON.parse(text) as T };
    },
    async close() {
      await server.close();
      await stores.close();
      await rm(dir, { recursive: true, force: true });
    },
  };
}
