import type { CallOptions } from '../exchange.ts';
import { NEIGHBOUR_AGE_MS } from './binance-options.ts';
import type { RestClient } from './rest-client.ts';

/** True once the exchange's clock is five minutes past `time` (epoch ms): a neighbour younger than that proves no absence, and the caller is told. */
export async function isOldEnough(client: RestClient, time: number, call: CallOptions): Promise<boolean> {
  const ripeAt = time + NEIGHBOUR_AGE_MS;
  if ((await client.observedTime(ripeAt, call)) >= ripeAt) return true;
  call.onTooYoung?.(ripeAt);
  return false;
}

/** When the two reads of an evidence were asked, the earlier one first. */
export function inOrder(a: number, b: number): readonly [number, number] {
  return a <= b ? [a, b] : [b, a];
}
