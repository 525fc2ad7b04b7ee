import type { LedgerAddition, LedgerMonth } from '../../shared/domain/coverage.ts';
import type { ProofClaim, RangeProof } from '../../shared/domain/proof.ts';
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
  /** The ledger around the claim, read beside the proof. */
  readonly ledger: readonly LedgerMonth[];
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
  const { proof, ledger } = await proveAndRead(series, { from, to, ...ids, absent }, context);
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
    ledger,
    verdict: shardVerified.build(verdict, { producer: context.functionName, time: context.clock.now(), ...trace }),
  };
}

/** What the present says of itself is proven like a shard: what is not there stays a hole of the ledger. */
async function proveCoverage({ series, from, to, from_id, to_id }: CoverageAdvanced, context: Context): Promise<ProvenMarker> {
  const ids = from_id === undefined || to_id === undefined ? {} : { from_id, to_id };
  const { proof, ledger } = await proveAndRead(series, { from, to, ...ids, absent: [] }, context);
  return { series, ledger, addition: { covered: proof.covered.map((range) => ({ ...range, origin: 'ws' })), absent: [], open: [] } };
}

/** The proof and the ledger that it will be joined into, side by side: the ledger is written under compare-and-set, so its order does not matter. */
async function proveAndRead(
  series: string,
  claim: ProofClaim,
  context: Context,
): Promise<{ proof: RangeProof; ledger: readonly LedgerMonth[] }> {
  const { market } = context.ports;
  const of = parseSeriesId(series);
  const [proof, ledger] = await Promise.all([market.proveRange(of, claim, context.signal), market.readLedger(of, claim)]);
  return { proof, ledger };
}

/** Joins the additions of markers of one series into its ledger, in one write. */
export async function writeLedger(series: string, markers: readonly ProvenMarker[], context: Context): Promise<void> {
  const additions = markers.map(({ addition }) => addition);
  const joined: LedgerAddition = {
    covered: additions.flatMap((addition) => addition.covered),
    absent: additions.flatMap((addition) => addition.absent),
    open: additions.flatMap((addition) => addition.open),
  };
  const known = markers.flatMap(({ ledger }) => ledger);
  await extendLedger(context.ports.market, parseSeriesId(series), joined, known);
  for (const hole of [...joined.absent, ...joined.open]) context.metrics.count('streamforge_holes_total', { hole: hole.kind });
}
