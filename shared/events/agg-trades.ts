import type { AggTrade } from '../domain/rows.ts';
import { defineRowContract, type RowsData } from './row-contract.ts';

/**
 * Aggregate trades of one symbol: another id space than trades.
 *
 *     {"exchange": "binance", "symbol": "BTCUSDT", "origin": "rest", "received_at": 1722500000123, "rows": [{"id": 3054011207, "first_trade_id": 3735683259,
 *      "last_trade_id": 3735683261, "time": 1722470400000, "time_us": 123, "price": 64628.01, "quantity": 0.00015, "side": "buy"}]}
 */
export type AggTradesData = RowsData<AggTrade>;

/** `agg-trades.v1`. */
export const aggTrades = defineRowContract<AggTrade>('agg-trades');
