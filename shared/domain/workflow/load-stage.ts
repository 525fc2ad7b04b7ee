import type { Absence } from '../coverage.ts';
import { countBuckets } from '../interval.ts';
import { countShards, type SeriesPlan, shardAt } from '../plan.ts';
import { hasIds, hullOf, intersectRange, type SeriesRange } from '../range.ts';
import { parseSeriesId } from '../series.ts';
import type { FetchShardCommand } from './commands.ts';
import type { ShardVerdict } from './facts.ts';
import { type LoadProgress, MAX_IN_FLIGHT, MAX_TRIES, type ShardInFlight, type WorkflowFailure } from './state.ts';

/** How many of the ranges that could not be proven an error names. */
const MAX_NAMED = 20;

/** A load that has sent nothing yet. */
export function newLoad(lacking: readonly SeriesPlan[]): LoadProgress {
  const plan = lacking.filter(({ ranges }) => ranges.length > 0);
  return { plan, total: countShards(plan), cursor: 0, done: 0, flight: [] };
}

export function isLoaded(load: LoadProgress): boolean {
  return load.cursor === load.total && load.flight.length === 0;
}

/** Lays out as many further shards as may be out; `sent` are the new ones. */
export function sendNext(load: LoadProgress): { readonly load: LoadProgress; readonly sent: readonly ShardInFlight[] } {
  const sent: ShardInFlight[] = [];
  let { cursor } = load;
  while (load.flight.length + sent.length < MAX_IN_FLIGHT && cursor < load.total) {
    const next = shardAt(load.plan, cursor);
    // Counted and laid out by the same rules: a shard that is counted and not there would hang the workflow silently.
    if (next === undefined) throw new RangeError(`the plan has no shard ${cursor} of ${load.total}`);
    sent.push({ ...next, try: 1, kept: 0 });
    cursor += 1;
  }
  return sent.length === 0 ? { load, sent } : { load: { ...load, cursor, flight: [...load.flight, ...sent] }, sent };
}

/** The command that fetches a shard which is out. */
export function fetchCommand(queueId: string, attempt: number, shard: ShardInFlight): FetchShardCommand {
  const { kept: _, ...rest } = shard;
  return { queue_id: queueId, attempt, ...rest };
}

/** What a verdict does to a load. `ignored`: it is about no shard that is out, or about another try of it. */
export type VerdictEffect =
  | { readonly kind: 'ignored' }
  | { readonly kind: 'done'; readonly load: LoadProgress; readonly written: number }
  | { readonly kind: 'again'; readonly load: LoadProgress; readonly shard: ShardInFlight }
  | { readonly kind: 'failed'; readonly failure: WorkflowFailure };

/**
 * Takes a verdict. `persisted` is a fact about data: a shard was sent for a try only after all the rest of it was proven, so any try of any attempt proves
 * the whole. `short` and `failed` count for the very try that is out.
 */
export function takeVerdict(load: LoadProgress, verdict: ShardVerdict, attempt: number): VerdictEffect {
  const shard = load.flight.find((candidate) => candidate.shard === verdict.shard);
  if (shard === undefined) return { kind: 'ignored' };
  if (verdict.verdict === 'persisted') {
    const isOut = verdict.attempt === attempt && verdict.try === shard.try;
    const flight = load.flight.filter((candidate) => candidate !== shard);
    return { kind: 'done', load: { ...load, done: load.done + 1, flight }, written: verdict.counted + (isOut ? shard.kept : 0) };
  }
  if (verdict.attempt !== attempt || verdict.try !== shard.try) return { kind: 'ignored' };
  if (verdict.verdict === 'failed') return { kind: 'failed', failure: failedShard(verdict) };
  if (shard.try >= MAX_TRIES) return { kind: 'failed', failure: unprovenShard(verdict) };
  const again = nextTry(shard, verdict);
  return {
    kind: 'again',
    load: { ...load, flight: load.flight.map((candidate) => (candidate === shard ? again : candidate)) },
    shard: again,
  };
}

function nextTry(shard: ShardInFlight, verdict: ShardVerdict): ShardInFlight {
  const { from, to, from_id, to_id, ...rest } = shard;
  const before: SeriesRange = { from, to, ...(from_id === undefined || to_id === undefined ? {} : { from_id, to_id }) };
  const range = verdict.missing.length === 0 ? before : hullOf(verdict.missing);
  const proven = rowsBetween(shard.series, range, verdict);
  return { ...rest, ...range, try: shard.try + 1, kept: shard.kept + Math.max(0, verdict.counted - proven) };
}

/** Rows inside the hull that are stored already: they will be counted again with it. Where ids are unknown none can be told. */
function rowsBetween(series: string, hull: SeriesRange, verdict: ShardVerdict): number {
  const absent = verdict.absent.flatMap((range) => clip(range, hull));
  const rows = [hull, ...verdict.missing, ...absent].map((range) => rowsOf(series, range));
  if (rows.some((count) => count === undefined)) return verdict.counted;
  const [all = 0, ...without] = rows as number[];
  return Math.max(0, all - without.reduce((sum, count) => sum + count, 0));
}

function clip(absence: Absence, hull: SeriesRange): SeriesRange[] {
  if (!hasIds(absence) || !hasIds(hull)) {
    const inside = intersectRange(absence, hull);
    return inside === undefined ? [] : [inside];
  }
  const [from_id, to_id] = [Math.max(absence.from_id, hull.from_id), Math.min(absence.to_id, hull.to_id)];
  return to_id < from_id ? [] : [{ ...absence, from_id, to_id }];
}

function rowsOf(series: string, range: SeriesRange): number | undefined {
  const { interval } = parseSeriesId(series);
  if (interval !== undefined) return countBuckets(interval, range.from, range.to);
  return hasIds(range) ? range.to_id - range.from_id + 1 : undefined;
}

function failedShard(verdict: ShardVerdict): WorkflowFailure {
  const { code, message } = verdict.error ?? { code: 'rows_missing', message: `The shard ${verdict.shard} cannot be proven.` };
  return { code, message, stage: 'load', shard: verdict.shard, missing: verdict.missing.slice(0, MAX_NAMED) };
}

function unprovenShard(verdict: ShardVerdict): WorkflowFailure {
  const count = verdict.missing.length;
  const named = verdict.missing.slice(0, 5).map(describeRange).join(', ');
  const message = `${verdict.series} lacks rows that ${MAX_TRIES} tries did not bring: ${named}${count > 5 ? ` and ${count - 5} more ranges` : ''}.`;
  return { code: 'rows_missing', message, stage: 'load', shard: verdict.shard, missing: verdict.missing.slice(0, MAX_NAMED) };
}

function describeRange(range: SeriesRange): string {
  const times = `${new Date(range.from).toISOString()} to ${new Date(range.to).toISOString()}`;
  return hasIds(range) ? `${times} (ids ${range.from_id} to ${range.to_id})` : times;
}
