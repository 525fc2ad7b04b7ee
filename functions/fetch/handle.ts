import { shardClaimKey } from '../../shared/domain/workflow/claim-keys.ts';
import { fetchShard } from '../../shared/events/fetch-shard.ts';
import type { Context } from '../../shared/runtime/context.ts';
import type { ReceivedEvent } from '../../shared/runtime/define-function.ts';
import { announceLoading } from './announce.ts';
import type { FetchConfig } from './config.ts';
import { sendShard } from './send-shard.ts';
import { workUnderClaim } from './shard-claim.ts';
import { watchWorkflow } from './workflow-watch.ts';

/**
 * Fetches one shard. Resolves when its rows, its dead letters and its marker are acknowledged. Throws `state_conflict` (which acknowledges the event) where
 * the workflow was stopped, is at a later attempt, or the shard is done or fetched elsewhere; the exchange's and the log's errors as they are.
 */
export async function handle(received: ReceivedEvent, context: Context<FetchConfig>): Promise<void> {
  const shard = fetchShard.parse(received.event);
  const watch = watchWorkflow(context, shard.queue_id, shard.attempt);
  try {
    await watch.check();
    const askedAt = Date.parse(received.event.time);
    const claim = { key: shardClaimKey(shard), leaseMs: context.config.leaseSeconds * 1_000, askedAt };
    await workUnderClaim(context, claim, async (lost) => {
      await announceLoading(shard, context);
      const signal = AbortSignal.any([context.signal, watch.signal, lost]);
      const call = { signal, beforeRequest: watch.check };
      await sendShard(received, shard, call, context);
    });
  } catch (error) {
    // What the log or the socket made of the abort says less than why it was aborted.
    throw watch.signal.aborted ? watch.signal.reason : error;
  } finally {
    watch.end();
  }
}
