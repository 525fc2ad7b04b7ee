import type { Candle } from '../domain/rows.ts';
import { defineRowContract, type RowsData } from './row-contract.ts';

/**
 * Candles of one symbol and interval; with origin `derived` they are bars. `interval` is required.
 *
 *     {"exchange": "binance", "symbol": "BTCUSDT", "interval": "5m", "origin": "rest", "received_at": 1722500000123,
 *      "rows": [{"open_time": 1722470400000, "close_time": 1722470699999, "open": 64628.01, "high": 64700, "low": 64600.5, "close": 64688.1, "volume": 123.4,
 *      "quote_volume": 7980000.5, "trade_count": 15321, "taker_buy_volume": 60.1, "taker_buy_quote_volume": 3887000.25, "is_closed": true}]}
 */
export type CandlesData = RowsData<Candle>;

/** `candles.v1`. */
export const candles = defineRowContract<Candle>('candles');
