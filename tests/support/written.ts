import type { Candle } from '../../shared/domain/rows.ts';
import { parseSeriesId } from '../../shared/domain/series.ts';
import type { WorkflowDocument } from '../../shared/store/workflow-store.ts';

/** What `write-rows.ts` writes, for the test that checks it. */
export const WRITTEN_SERIES = parseSeriesId('binance:KILLEDUSDT:candles:1m');
export const LEDGER_MONTH = '2024-08';
export const BATCH_ROWS = 200;

const START = Date.UTC(2024, 7, 1);

/** The rows of the n-th batch. */
export function aBatch(batch: number): Candle[] {
  return Array.from({ length: BATCH_ROWS }, (_, i) => aMinute(batch * BATCH_ROWS + i));
}

/** The candle of the n-th minute of August 2024. */
export function aMinute(minute: number, over: Partial<Candle> = {}): Candle {
  const open_time = START + minute * 60_000;
  const open = 60_000.12 + minute / 100;
  return {
    open_time,
    close_time: open_time + 59_999,
    ...{ open, high: open + 1.5, low: open - 1.5, close: open + 0.25 },
    ...{ volume: 12.5 + minute / 1_000, quote_volume: 740_000.1234 + minute, trade_count: 100 + minute },
    ...{ taker_buy_volume: 6.25, taker_buy_quote_volume: 370_000.0001, is_closed: true },
    ...over,
  };
}

export function aWorkflow(over: Partial<WorkflowDocument> = {}): WorkflowDocument {
  return {
    queue_id: 'wf-btcusdt-api_candles_5m-20240801-a1b2c3',
    rev: 0,
    status: 'pending',
    attempt: 1,
    symbols: ['BTCUSDT'],
    types: ['api_candles_5m'],
    request_hash: 'h'.repeat(64),
    created_at: 1_722_470_400_000,
    updated_at: 1_722_470_400_000,
    state: null,
    outbox: [],
    ...over,
  };
}
