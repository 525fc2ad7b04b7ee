import type { Endpoint } from './call.ts';
import { depth } from './depth.ts';
import { exchangeInfo, ping, time } from './general.ts';
import { klines } from './klines.ts';
import { avgPrice, ticker24hr, tickerBook, tickerPrice, tickerTradingDay, tickerWindow } from './tickers.ts';
import { aggTrades, historicalBlockTrades, historicalTrades, trades } from './trades.ts';

/** Every public endpoint of the spot API's market data, by path (binance-spot-api-docs, 2026-07-21). */
export const ENDPOINTS: ReadonlyMap<string, Endpoint> = new Map([
  ['/api/v3/ping', ping],
  ['/api/v3/time', time],
  ['/api/v3/exchangeInfo', exchangeInfo],
  ['/api/v3/klines', klines],
  ['/api/v3/uiKlines', klines],
  ['/api/v3/aggTrades', aggTrades],
  ['/api/v3/trades', trades],
  ['/api/v3/historicalTrades', historicalTrades],
  ['/api/v3/historicalBlockTrades', historicalBlockTrades],
  ['/api/v3/depth', depth],
  ['/api/v3/avgPrice', avgPrice],
  ['/api/v3/ticker', tickerWindow],
  ['/api/v3/ticker/24hr', ticker24hr],
  ['/api/v3/ticker/price', tickerPrice],
  ['/api/v3/ticker/bookTicker', tickerBook],
  ['/api/v3/ticker/tradingDay', tickerTradingDay],
]);
