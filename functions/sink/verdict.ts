import type { LedgerAddition } from '../../shared/domain/coverage.ts';
import { type RangeProof, subtractIds } from '../../shared/domain/proof.ts';
import { hasIds, type SeriesRange, subtractRanges } from '../../shared/domain/range.ts';
import { hasIntegerIds, parseSeriesId } from '../../shared/domain/series.ts';
import type { ShardCompleted } from '../../shared/events/shard-completed.ts';
import type { ShardVerified } from '../../shared/events/shard-verified.ts';

/** What the stored rows say of a shard: the verdict to send and what the ledger gains. */
export interface Judgement {
  readonly verdict: ShardVerified;
  readonly addition: LedgerAddition;
}

/**
 * Judges a shard by the proof of its stored rows. What is missing decides, `row_count` never does. `failed` at once where the only holes are refused
 * rows or history that the exchange does not give: another fetch would bring nothing else.
 */
export function judgeShard(marker: ShardCompleted, proof: RangeProof): Judgement {
  if (hasRowInHead(marker, proof)) return contradiction(marker, proof);
  const hopeless = [...marker.refused, ...marker.unavailable];
  const fetchable = withoutRanges(marker, proof.missing, hopeless);
  const { queue_id, attempt, shard, series, absent } = marker;
  const base = { queue_id, attempt, shard, try: marker.try, series, counted: proof.counted, missing: proof.missing, absent };
  const failure = marker.refused[0] ?? { code: 'rows_missing' };
  return {
    verdict:
      proof.missing.length === 0
        ? { ...base, verdict: 'persisted' }
        : fetchable.length > 0
          ? { ...base, verdict: 'short' }
          : { ...base, verdict: 'failed', error: { code: failure.code, message: describeFailure(marker, proof) } },
    addition: {
      covered: proof.covered.map((range) => ({ ...range, origin: 'rest' })),
      absent,
      open: [
        ...marker.refused.map((range) => ({ ...range, kind: 'refused' as const })),
        ...marker.unavailable.map((range) => ({ ...range, kind: 'unavailable' as const })),
      ],
    },
  };
}

/**
 * A head that is not there (`unavailable`, `not-listed`) stands in the claim as the one id before the first row. Where that row is stored, the head was made
 * of an answer that began too late: nothing of this marker is believed.
 */
function hasRowInHead(marker: ShardCompleted, proof: RangeProof): boolean {
  const heads = [...marker.unavailable, ...marker.absent.filter(({ kind }) => kind === 'not-listed')].filter(hasIds);
  return heads.some((head) => proof.covered.some((range) => hasIds(range) && range.from_id <= head.to_id && range.to_id >= head.from_id));
}

function contradiction({ queue_id, attempt, shard, series, from, to, ...marker }: ShardCompleted, proof: RangeProof): Judgement {
  const base = { queue_id, attempt, shard, try: marker.try, series };
  return {
    verdict: { ...base, verdict: 'short', counted: proof.counted, missing: [{ from, to }], absent: [] },
    addition: { covered: [], absent: [], open: [] },
  };
}

function withoutRanges(marker: ShardCompleted, missing: readonly SeriesRange[], minus: readonly SeriesRange[]): readonly SeriesRange[] {
  if (!hasIntegerIds(parseSeriesId(marker.series))) return subtractRanges(missing, minus);
  return missing.flatMap((gap) => (hasIds(gap) ? subtractIds(gap, minus) : [gap]));
}

function describeFailure(marker: ShardCompleted, proof: RangeProof): string {
  const refused = marker.refused.length;
  const reasons = [
    ...(refused > 0
      ? [`${refused} row${refused === 1 ? '' : 's'} refused (${[...new Set(marker.refused.map((range) => range.code))].join(', ')})`]
      : []),
    ...(marker.unavailable.length > 0 ? ['history that the exchange does not give'] : []),
  ];
  const ranges = proof.missing.slice(0, 5).map((range) => `${new Date(range.from).toISOString()} to ${new Date(range.to).toISOString()}`);
  return `${marker.series} is not whole: ${reasons.join(' and ')}; missing ${ranges.join(', ')}${proof.missing.length > 5 ? ', …' : ''}.`;
}
