import type { Quote } from '../domain/rows.ts';
import { defineRowContract, type RowsData } from './row-contract.ts';

/**
 * Best bid and ask of one symbol.
 *
 *     {"exchange": "binance", "symbol": "BTCUSDT", "origin": "ws", "received_at": 1722500000123, "rows": [{"time": 1722470400000, "time_source": "receipt",
 *      "update_id": 49182837465, "bid_price": 64628, "bid_quantity": 1.5, "ask_price": 64628.01, "ask_quantity": 0.75}]}
 */
export type QuotesData = RowsData<Quote>;

/** `quotes.v1`. */
export const quotes = defineRowContract<Quote>('quotes');
