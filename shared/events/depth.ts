import type { Depth } from '../domain/rows.ts';
import { defineRowContract, type RowsData } from './row-contract.ts';

/**
 * Order book snapshots and differences of one symbol.
 *
 *     {"exchange": "binance", "symbol": "ETHUSDT", "origin": "ws", "received_at": 1722500000123, "rows": [{"time": 1722470400000, "first_update_id": 157,
 *      "last_update_id": 160, "snapshot": false, "bids": [[3200.5, 10]], "asks": [[3200.6, 0]]}]}
 */
export type DepthData = RowsData<Depth>;

/** `depth.v1`. */
export const depth = defineRowContract<Depth>('depth');
