import type { Ticker } from '../domain/rows.ts';
import { defineRowContract, type RowsData } from './row-contract.ts';

/**
 * Rolling 24-hour statistics of one symbol.
 *
 *     {"exchange": "binance", "symbol": "BTCUSDT", "origin": "ws", "received_at": 1722500000123, "rows": [{"time": 1722470400000, "last_price": 64628.01,
 *      "price_change": -120.5, "price_change_percent": -0.186, "weighted_average_price": 64700.2, "open": 64748.51, "high": 65000, "low": 64000,
 *      "volume": 25000.5, "quote_volume": 1617500000.25, "trade_count": 1500000}]}
 */
export type TickersData = RowsData<Ticker>;

/** `tickers.v1`. */
export const tickers = defineRowContract<Ticker>('tickers');
