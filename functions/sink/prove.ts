import type { LedgerAddition } from '../../shared/domain/coverage.ts';
import { parseSeriesId } from '../../shared/domain/series.ts';
import { type CoverageAdvanced, coverageAdvanced } from '../../shared/events/coverage-advanced.ts';
import type { StreamEvent } from '../../shared/events/event.ts';
import { type ShardCompleted, shardCompleted } from '../../shared/events/shard-completed.ts';
import { shardVerified } from '../../shared/events/shard-verified.ts';
import type { Context } from '../../shared/runtime/context.ts';
import { extendLedger } from '../../shared/store/extend-ledger.ts';
import { judgeShard } from './verdict.ts';

/** What a marker's proof gives: an addition to the ledger of its series, and for a shard the verdict to send once the ledger has it. */
export interface ProvenMarker {
  readonly series: string;
  readonly addition: LedgerAddition;
  readonly verdict?: StreamEvent;
}

/** True for the markers that are proven from the stored rows. */
export function isMarker(type: string): boolean {
  return type === shardCompleted.type || type === coverageAdvanced.type;
}

/** Proves a marker's range from the stored rows. Writes nothing. */
export async function proveMarker(event: StreamEvent, context: Context): Promise<ProvenMarker> {
  return event.type === shardCompleted.type
    ? proveShard(event, shardCompleted.parse(event), context)
    : proveCoverage(coverageAdvanced.parse(event), context);
}

async function proveShard(event: StreamEvent, marker: ShardCompleted, context: Context): Promise<ProvenMarker> {
  const { series, from, to, first_id, last_id, absent } = marker;
  const ids = first_id === undefined || last_id === undefined ? {} : { from_id: first_id, to_id: last_id };
  const proof = await context.ports.market.proveRange(parseSeriesId(series), { from, to, ...ids, absent }, context.signal);
  const { verdict, addition } = judgeShard(marker, proof);
  context.metrics.count('streamforge_shards_verified_total', { verdict: verdict.verdict });
  if (verdict.verdict !== 'persisted') {
    const { queue_id, shard, missing } = verdict;
    context.logger.warn(
      { queue_id, shard, try: verdict.try, verdict: verdict.verdict, missing: missing.slice(0, 10) },
      'the stored rows do not prove the shard',
    );
  }
  const trace = event.traceparent === undefined ? {} : { traceparent: event.traceparent };
  return {
    series,
    addition,
    verdict: shardVerified.build(verdict, { producer: context.functionName, time: context.clock.now(), ...trace }),
  };
}

/** What the present says of itself is proven like a shard: what is not there stays a hole of the ledger. */
async function proveCoverage({ series, from, to, from_id, to_id }: CoverageAdvanced, context: Context): Promise<ProvenMarker> {
  const ids = from_id === undefined || to_id === undefined ? {} : { from_id, to_id };
  const proof = await context.ports.market.proveRange(parseSeriesId(series), { from, to, ...ids, absent: [] }, context.signal);
  return { series, addition: { covered: proof.covered.map((range) => ({ ...range, origin: 'ws' })), absent: [], open: [] } };
}

/** Joins additions of one series into its ledger, in one write. */
export async function writeLedger(series: string, additions: readonly LedgerAddition[], context: Context): Promise<void> {
  const joined: LedgerAddition = {
    covered: additions.flatMap((addition) => addition.covered),
    absent: additions.flatMap((addition) => addition.absent),
    open: additions.flatMap((addition) => addition.open),
  };
  await extendLedger(context.ports.market, parseSeriesId(series), joined);
  for (const hole of [...joined.absent, ...joined.open]) context.metrics.count('streamforge_holes_total', { hole: hole.kind });
}
