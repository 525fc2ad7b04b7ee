import type { Absence } from '../../domain/coverage.ts';
import type { SeriesRange, TimeRange } from '../../domain/range.ts';
import type { CallOptions } from '../exchange.ts';
import { inOrder, isOldEnough } from './evidence.ts';
import { wasTradedBefore } from './first-candle.ts';
import type { IdSpace, Mark } from './id-space.ts';
import type { RestClient } from './rest-client.ts';
import type { TradeStart } from './trade-start.ts';

/** Where absences and unavailable ranges are put. */
interface HoleLists {
  readonly unavailable: SeriesRange[];
  readonly absent: Absence[];
}

/** A hole before the first row that can be read. `first` is undefined where the series has no row at all. */
export interface HeadHole {
  readonly from_id: number;
  readonly to_id: number;
  readonly first: Mark | undefined;
  readonly asked_at: readonly [number, number] | undefined;
}

/**
 * Nothing before `first` can be read. `not-listed` where it is the first row ever: by its id (0 or 1), or because no candle is older either; `unavailable`
 * otherwise. A first row younger than five minutes proves nothing: the hole stays missing.
 */
export async function headHole(
  client: RestClient,
  space: IdSpace,
  hole: HeadHole,
  bounds: TimeRange,
  found: HoleLists,
  call: CallOptions,
): Promise<void> {
  const { first, from_id, to_id } = hole;
  const range: SeriesRange = {
    from: bounds.from,
    to: Math.max(bounds.from, Math.min(first?.time ?? bounds.to, bounds.to)),
    from_id,
    to_id,
  };
  const isFirstId = first !== undefined && first.id <= 1;
  if (!isFirstId && (await wasTradedBefore(client, space.series.symbol, first?.time ?? bounds.to, call))) {
    found.unavailable.push(range);
    return;
  }
  if (first !== undefined && !(await isOldEnough(client, first.time, call))) return;
  const now = client.exchangeClock.now();
  found.absent.push({
    ...range,
    kind: 'not-listed',
    evidence: {
      method: isFirstId ? 'the first row has the first id' : 'fromId 0 answers the first row; no candle is older',
      grade: isFirstId ? 'ids' : 'two-reads',
      ...(first === undefined ? {} : { after_key: String(first.id) }),
      asked_at: hole.asked_at ?? [now, now],
    },
  });
}

/** A range without a row between two rows that one answer showed side by side; undefined while the later one is younger than five minutes. */
export async function quietAbsence(
  client: RestClient,
  { before, page, asked_at }: Extract<TradeStart, { kind: 'found' }>,
  bounds: TimeRange,
  call: CallOptions,
): Promise<Absence | undefined> {
  const after = page.entries[0];
  if (after === undefined || !(await isOldEnough(client, after.time, call))) return undefined;
  const contiguous = after.id === before.id + 1;
  return {
    from: bounds.from,
    to: bounds.to,
    from_id: after.id,
    to_id: after.id - 1,
    kind: contiguous ? 'no-trades' : 'id-skipped',
    evidence: {
      method: contiguous ? 'ids are contiguous across the range' : 'fromId in the gap answers a later id, twice',
      grade: contiguous ? 'ids' : 'two-reads',
      before_key: String(before.id),
      after_key: String(after.id),
      asked_at: inOrder(...asked_at),
    },
  };
}

/** The tail of a symbol that is no longer traded: the newest row is older, and asked for by its id nothing comes behind it; else undefined. */
export async function endedAbsence(
  client: RestClient,
  space: IdSpace,
  newest: Mark,
  bounds: TimeRange,
  call: CallOptions,
): Promise<Absence | undefined> {
  const first = client.exchangeClock.now();
  const behind = await space.byId(newest.id + 1, 1, call, newest.time);
  if (behind.entries.length > 0) return undefined;
  return {
    from: Math.min(Math.max(bounds.from, newest.time + 1), bounds.to),
    to: bounds.to,
    from_id: newest.id + 1,
    to_id: newest.id,
    kind: 'ended',
    evidence: {
      method: 'no longer traded; nothing behind the newest row',
      grade: 'two-reads',
      before_key: String(newest.id),
      asked_at: inOrder(first, behind.asked_at),
    },
  };
}
