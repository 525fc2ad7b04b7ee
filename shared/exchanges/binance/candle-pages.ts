import { hasUnverifiedPhase, nextOpenTime, openTimeFrom } from '../../domain/interval.ts';
import type { TimeRange } from '../../domain/range.ts';
import type { CallOptions } from '../exchange.ts';
import { PAGE_ROWS } from './binance-options.ts';
import { type CandleRows, type CandleSeries, mapCandles, scanCandles } from './map-candles.ts';
import type { RestClient } from './rest-client.ts';

/** One answer of klines: closed candles inside the window that was asked for, and when it was asked (exchange's clock) and received (ours). */
export interface CandlePage extends CandleRows {
  readonly asked_at: number;
  readonly received_at: number;
}

const KLINES = { path: '/api/v3/klines', weight: 2 } as const;

/**
 * Closed candles that open in the half-open window. A candle is closed once its close time lies before a time that the exchange itself had said before it
 * was asked: our own clock decides nothing. Open ones are left out.
 */
export async function readCandles(client: RestClient, series: CandleSeries, window: TimeRange, call: CallOptions): Promise<CandlePage> {
  const observed = await client.observedTime(window.to - 1, call);
  // Both bounds of klines are inclusive.
  const page = await askKlines(client, series, { startTime: window.from, endTime: window.to - 1, limit: PAGE_ROWS }, window, call);
  const isClosed = (closeTime: number): boolean => closeTime < observed;
  if (page.rows.every((row) => isClosed(row.close_time))) return page;
  return { ...page, rows: page.rows.filter((row) => isClosed(row.close_time)) };
}

/** The newest candle that opens before `time`, whatever its state. */
export async function candleBefore(client: RestClient, series: CandleSeries, time: number, call: CallOptions): Promise<CandlePage> {
  return askKlines(client, series, { endTime: time - 1, limit: 1 }, { from: 0, to: time }, call);
}

/** The first candle that opens at or after `time`, whatever its state. */
export async function candleFrom(client: RestClient, series: CandleSeries, time: number, call: CallOptions): Promise<CandlePage> {
  return askKlines(client, series, { startTime: time, limit: 1 }, { from: time, to: Number.MAX_SAFE_INTEGER }, call);
}

/** The newest candle of all, whatever its state. */
export async function newestCandle(client: RestClient, series: CandleSeries, call: CallOptions): Promise<CandlePage> {
  return askKlines(client, series, { limit: 1 }, { from: 0, to: Number.MAX_SAFE_INTEGER }, call);
}

/** Candles from one open time to another, both included, whatever their state. */
export async function candlesSpanning(
  client: RestClient,
  series: CandleSeries,
  first: number,
  last: number,
  call: CallOptions,
): Promise<CandlePage> {
  return askKlines(client, series, { startTime: first, endTime: last, limit: PAGE_ROWS }, { from: first, to: last + 1 }, call);
}

async function askKlines(
  client: RestClient,
  series: CandleSeries,
  bounds: Readonly<Record<string, number>>,
  window: TimeRange,
  call: CallOptions,
): Promise<CandlePage> {
  const query = { symbol: series.symbol, interval: series.interval, ...bounds };
  const scan = (body: Uint8Array): CandleRows | undefined => scanCandles(series, body, window);
  const map = (raw: readonly unknown[]): CandleRows | undefined => {
    const page = mapCandles(series, raw, window);
    // Rows that all lie elsewhere are another page.
    return raw.length > 0 && page.rows.length + page.refused.length === 0 ? undefined : page;
  };
  const { value, asked_at, received_at } = await client.getPage({ ...KLINES, query }, scan, map, call);
  return { ...value, asked_at, received_at };
}

/**
 * What of a window is covered by no row of the answer, refused or not: ranges from one bucket's opening to another's, and to the window's end.
 * A `3d` bucket has its phase from the rows; a window without any is one hole.
 */
export function findHoles(series: CandleSeries, window: TimeRange, { rows, refused }: CandleRows): TimeRange[] {
  const { interval } = series;
  const holes: TimeRange[] = [];
  const spans = refused.length === 0 ? rows : [...rows, ...refused.map(({ from, to }) => ({ open_time: from, close_time: to - 1 }))];
  const ordered = refused.length === 0 ? spans : [...spans].sort((a, b) => a.open_time - b.open_time);
  let next = hasUnverifiedPhase(interval) ? undefined : openTimeFrom(interval, window.from);
  for (const { open_time, close_time } of ordered) {
    if (next === undefined ? open_time >= nextOpenTime(interval, window.from) : open_time > next)
      holes.push({ from: next ?? window.from, to: open_time });
    next = Math.max(next ?? 0, close_time + 1);
  }
  if (next === undefined) holes.push({ from: window.from, to: window.to });
  else if (next < window.to) holes.push({ from: next, to: window.to });
  return holes;
}
