import type { Absence } from '../../domain/coverage.ts';
import type { TimeRange } from '../../domain/range.ts';
import type { CallOptions } from '../exchange.ts';
import { PAGE_ROWS } from './binance-options.ts';
import { inOrder, isOldEnough } from './evidence.ts';
import type { IdPage, IdSpace, Mark } from './id-space.ts';
import type { RestClient } from './rest-client.ts';

/** Ids `from_id` to `to_id` that a page left out; `after` is the row that came in their place, `known` the row before them where it was just read. */
export interface IdGap {
  readonly from_id: number;
  readonly to_id: number;
  readonly after: Mark;
  readonly known: Mark | undefined;
  /** When the page with the gap was asked for, by the exchange's clock. */
  readonly asked_at: number;
}

/**
 * What a second, narrower read makes of a gap. `rows`: they are there after all, and the page holds them. `skipped`: the exchange itself has no such ids.
 * `headless`: nothing before the gap can be read. `young`: the row after it is too new to prove anything. `unclear`: the answers contradict each other.
 */
export type GapFinding =
  | { readonly kind: 'rows'; readonly page: IdPage }
  | { readonly kind: 'skipped'; readonly absence: Absence }
  | { readonly kind: 'headless'; readonly asked_at: readonly [number, number] }
  | { readonly kind: 'young' | 'unclear' };

/** Judges a gap inside `bounds` (the range that was asked for, which clips the times of the absence). */
export async function judgeGap(client: RestClient, space: IdSpace, gap: IdGap, bounds: TimeRange, call: CallOptions): Promise<GapFinding> {
  const holds = (page: IdPage): boolean => page.entries.some((entry) => entry.id >= gap.from_id && entry.id <= gap.to_id);
  const narrow = await space.byId(gap.from_id, gap.to_id - gap.from_id + 1, call, bounds.from);
  if (holds(narrow)) return { kind: 'rows', page: narrow };
  // Where ids are skipped, the row behind them is answered in their place; an answer without it had rows left out.
  if (narrow.entries[0]?.id !== gap.after.id) return { kind: 'unclear' };
  const before = gap.known ?? (await findBefore(space, gap, call));
  if (before === undefined) return { kind: 'headless', asked_at: [gap.asked_at, narrow.asked_at] };
  const span = await space.byId(before.id, before.id === gap.from_id - 1 ? 2 : PAGE_ROWS, call, before.time);
  if (holds(span)) return { kind: 'rows', page: { ...span, entries: span.entries.filter((entry) => entry.id >= gap.from_id) } };
  const left = span.entries.findLast((entry) => entry.id < gap.from_id);
  const right = span.entries.find((entry) => entry.id > gap.to_id);
  if (left === undefined || right === undefined) return { kind: 'unclear' };
  if (!(await isOldEnough(client, right.time, call))) return { kind: 'young' };
  const absence: Absence = {
    ...timesOf(left, right, bounds),
    from_id: gap.from_id,
    to_id: gap.to_id,
    kind: 'id-skipped',
    evidence: {
      method: 'fromId in the gap answers a later id, twice',
      grade: 'two-reads',
      before_key: String(left.id),
      after_key: String(right.id),
      asked_at: inOrder(narrow.asked_at, span.asked_at),
    },
  };
  return { kind: 'skipped', absence };
}

/** The row before a gap at the head of a page: the id before, or the newest row below the gap that is older than the one after it. */
async function findBefore(space: IdSpace, gap: IdGap, call: CallOptions): Promise<Mark | undefined> {
  if (gap.from_id > 0) {
    const [direct] = (await space.byId(gap.from_id - 1, 1, call)).entries;
    if (direct?.id === gap.from_id - 1) return direct;
  }
  const [lowest] = (await space.byId(0, 1, call)).entries;
  if (lowest === undefined || lowest.id >= gap.from_id) return undefined;
  const older = await space.lastBefore(gap.after.time, call);
  if (older === undefined || older.id >= gap.from_id) return lowest;
  const { entries } = await space.byId(older.id, PAGE_ROWS, call, older.time);
  return entries.findLast((entry) => entry.id < gap.from_id) ?? older;
}

/** The time that ids between two rows can have, inside the bounds; never without length, so that the hole can be seen on the axis of time. */
function timesOf(left: Mark, right: Mark, bounds: TimeRange): TimeRange {
  const from = Math.min(Math.max(left.time, bounds.from), bounds.to);
  return { from, to: Math.max(from, Math.min(Math.max(right.time, left.time + 1), bounds.to)) };
}
