import { parseSeriesId } from '../../shared/domain/series.ts';
import type { FetchShard } from '../../shared/events/fetch-shard.ts';
import type { CallOptions } from '../../shared/exchanges/exchange.ts';
import type { Context } from '../../shared/runtime/context.ts';

/** How old a row must be by the exchange's clock before it proves that there is nothing beside it (contracts, Proof). */
const RIPE_MS = 300_000;

/**
 * Waits, before a shard that came back short is read again, until its end is five minutes old by the exchange's clock: a younger neighbour proves no
 * absence, and all tries would be over before it is older. The first try waits for nothing. Rejects when `signal` aborts.
 */
export async function waitUntilRipe(
  shard: Pick<FetchShard, 'series' | 'to' | 'try'>,
  call: CallOptions & { readonly signal: AbortSignal },
  { ports, clock, logger }: Pick<Context, 'ports' | 'clock' | 'logger'>,
): Promise<void> {
  if (shard.try === 1) return;
  const now = await ports.exchange(parseSeriesId(shard.series).exchange).time(call);
  const aheadMs = Math.min(shard.to + RIPE_MS - now, RIPE_MS);
  if (aheadMs <= 0) return;
  logger.info({ series: shard.series, try: shard.try, wait_ms: aheadMs }, 'the hole is too young to be judged: waiting');
  await clock.sleep(aheadMs, call.signal);
}
