import type { FetchShard } from '../../shared/events/fetch-shard.ts';
import type { CallOptions, Exchange } from '../../shared/exchanges/exchange.ts';
import type { Context } from '../../shared/runtime/context.ts';

/** A hole is ripe five minutes after the row behind it; whoever is told of a later time is not told the truth. */
const MOST_MS = 300_000;
/** How often the exchange's clock is looked at meanwhile: it may run, or be set, otherwise than ours. */
const LOOK_MS = 10_000;

/** Waits until the exchange's clock says `ripeAt` (epoch ms), five minutes at most. Rejects when `signal` aborts. */
export async function waitUntilRipe(
  { series, try: nth }: Pick<FetchShard, 'series' | 'try'>,
  ripeAt: number,
  exchange: Pick<Exchange, 'time'>,
  call: CallOptions & { readonly signal: AbortSignal },
  { clock, logger }: Pick<Context, 'clock' | 'logger'>,
): Promise<void> {
  for (let waitedMs = 0; waitedMs < MOST_MS; ) {
    const aheadMs = ripeAt - (await exchange.time(call));
    if (aheadMs <= 0) return;
    if (waitedMs === 0) logger.info({ series, try: nth, wait_ms: aheadMs }, 'a hole is too young to be judged: waiting');
    const nextMs = Math.min(aheadMs, LOOK_MS, MOST_MS - waitedMs);
    await clock.sleep(nextMs, call.signal);
    waitedMs += nextMs;
  }
}
