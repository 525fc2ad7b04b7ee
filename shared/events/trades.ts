import type { Trade } from '../domain/rows.ts';
import { defineRowContract, type RowsData } from './row-contract.ts';

/**
 * Single fills of one symbol.
 *
 *     {"exchange": "binance", "symbol": "BTCUSDT", "origin": "rest", "received_at": 1722500000123, "rows": [{"id": 3735683259, "time": 1722470400000,
 *      "time_us": 123, "price": 64628.01, "quantity": 0.00015, "quote_quantity": 9.6942015, "side": "sell", "is_best_match": true}]}
 */
export type TradesData = RowsData<Trade>;

/** `trades.v1`. */
export const trades = defineRowContract<Trade>('trades');
