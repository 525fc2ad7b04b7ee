import type { CallOptions } from '../exchange.ts';
import { wholeMs } from './decimal.ts';
import type { RestClient } from './rest-client.ts';

const DAY_MS = 86_400_000;

/** Open time of the first candle ever of a symbol and interval, epoch ms; undefined where there is none. */
export async function firstCandleTime(
  client: RestClient,
  symbol: string,
  interval: string,
  call: CallOptions,
): Promise<number | undefined> {
  const query = { symbol, interval, startTime: 0, limit: 1 };
  // More than the one row is another page: as the first row ever it would let a request be refused.
  const { value } = await client.getArray({ path: '/api/v3/klines', query, weight: 2 }, call, (rows) => rows.length <= 1);
  const [row] = value;
  const open = wholeMs(Array.isArray(row) ? row[0] : undefined);
  return Number.isSafeInteger(open) ? open : undefined;
}

/**
 * True where candles show that the symbol was traded before `time`: its first trade that can be read is then not its first trade. Minutes tell it;
 * an exchange that has none is asked for days.
 */
export async function wasTradedBefore(client: RestClient, symbol: string, time: number, call: CallOptions): Promise<boolean> {
  const minute = await firstCandleTime(client, symbol, '1m', call);
  if (minute !== undefined) return minute < Math.floor(time / 60_000) * 60_000;
  const day = await firstCandleTime(client, symbol, '1d', call);
  return day !== undefined && day < Math.floor(time / DAY_MS) * DAY_MS;
}
