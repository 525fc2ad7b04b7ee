import { seriesId } from '../../domain/series.ts';
import type { CallOptions } from '../exchange.ts';
import { PAGE_ROWS } from './binance-options.ts';
import { Contradictions } from './contradictions.ts';
import type { IdPage, IdSpace, Mark } from './id-space.ts';
import type { RestClient } from './rest-client.ts';

/**
 * Where the ids of a range of time begin. `found`: `page` starts with the first row at or after the time, and `before` is the row before it, confirmed.
 * `head`: `page` starts with the first row that can be read at all. `behind`: nothing is there yet, `newest` decides. `empty`: the series has no row.
 */
export type TradeStart =
  | { readonly kind: 'found'; readonly before: Mark; readonly page: IdPage; readonly asked_at: readonly [number, number] }
  | { readonly kind: 'head'; readonly page: IdPage; readonly asked_at: readonly [number, number] }
  | { readonly kind: 'behind'; readonly newest: Mark }
  | { readonly kind: 'empty' };

/**
 * Finds the first id at `time`: by startTime alone, then by the id before, which must be older. Where the id before is not there, the newest row before
 * `time` takes its place; where there is none either, the first row of all decides. Times of trades are asked of the aggregates: where these do not fit
 * twice, they are of other trades, and ids alone are asked.
 */
export async function findStart(client: RestClient, space: IdSpace, time: number, call: CallOptions): Promise<TradeStart> {
  const doubt = new Contradictions(client, call, `the first row of ${seriesId(space.series)} at ${new Date(time).toISOString()}`);
  let foundNothing = false;
  for (let round = 1; ; round += 1) {
    const byIds = space.series.kind === 'trades' && round > 2;
    const start = byIds ? await searchStart(space, time, call) : await tryStart(space, time, call);
    const isNothing = typeof start !== 'string' && (start.kind === 'behind' || start.kind === 'empty');
    if (typeof start !== 'string' && (!isNothing || foundNothing)) return start;
    // Answers with their rows left out look like a series that has none there: only when it is found again after a while it is believed.
    foundNothing = isNothing;
    await doubt.again(typeof start === 'string' ? start : 'nothing is there, says one look');
  }
}

/** True where no row is answered from the next id on. */
export async function isNewest(space: IdSpace, id: number, call: CallOptions): Promise<boolean> {
  return (await space.byId(id + 1, 1, call)).entries.length === 0;
}

async function tryStart(space: IdSpace, time: number, call: CallOptions): Promise<TradeStart | string> {
  const first = await space.firstFrom(time, call);
  if (first === undefined) {
    const newest = await space.newest(call);
    if (newest === undefined)
      return (await space.byId(0, 1, call)).entries.length === 0 ? { kind: 'empty' } : 'no row by time, yet one by id';
    if (newest.time >= time) return 'none is at or after it, yet the newest row is';
    return (await isNewest(space, newest.id, call)) ? { kind: 'behind', newest } : 'a row is behind the newest one';
  }
  if (first.time < time) return 'a row before startTime was answered';
  const page = await space.byId(Math.max(0, first.id - 1), PAGE_ROWS, call, time);
  const start = await splitAt(space, page, time, call);
  if (start !== undefined) return start;
  const before = await space.lastBefore(time, call);
  if (before !== undefined) {
    const wider = await space.byId(before.id, PAGE_ROWS, call, before.time);
    return (await splitAt(space, wider, time, call)) ?? 'the row before it is not answered by its id';
  }
  const lowest = (await space.byId(0, 1, call, time)).entries[0];
  if (lowest === undefined || lowest.time < time) return 'no row is before it by time, yet one is by id';
  // One answer that begins too late must not make a head of rows that were read already.
  if (page.entries.some((entry) => entry.id < lowest.id) || first.id < lowest.id)
    return 'the first row of all lies behind rows that were read';
  const head = lowest.id === page.entries[0]?.id ? page : await space.byId(lowest.id, PAGE_ROWS, call, lowest.time);
  if (head.entries[0]?.id !== lowest.id) return 'the first row of all is not answered by its id';
  return { kind: 'head', page: head, asked_at: [page.asked_at, head.asked_at] };
}

/** The same by ids alone, halving the ids that are in question until the last row before `time` is left: some twenty reads. */
async function searchStart(space: IdSpace, time: number, call: CallOptions): Promise<TradeStart | string> {
  const lowest = await space.byId(0, 1, call, time);
  const newest = await space.newest(call);
  const [first] = lowest.entries;
  if (first === undefined || newest === undefined) return 'no row is answered by its id';
  if (first.time >= time) {
    const head = await space.byId(0, PAGE_ROWS, call, time);
    if (head.entries[0]?.id !== first.id) return 'the first row of all is another one when asked again';
    return { kind: 'head', page: head, asked_at: [lowest.asked_at, head.asked_at] };
  }
  if (newest.time < time) return (await isNewest(space, newest.id, call)) ? { kind: 'behind', newest } : 'a row is behind the newest one';
  let before: Mark = first;
  let behind = newest.id;
  while (before.id + 1 < behind) {
    const middle = before.id + Math.ceil((behind - before.id) / 2);
    const [row] = (await space.byId(middle, 1, call, time)).entries;
    if (row === undefined) return `no row from id ${middle} on, yet ${newest.id} is the newest`;
    if (row.time < time) before = row;
    else behind = middle;
  }
  const page = await space.byId(before.id, PAGE_ROWS, call, before.time);
  return (await splitAt(space, page, time, call)) ?? 'the row before it is not answered by its id';
}

/** Parts a page into the row before `time` and the rows from it on; undefined where it does not hold both. */
async function splitAt(space: IdSpace, page: IdPage, time: number, call: CallOptions): Promise<TradeStart | undefined> {
  const at = page.entries.findIndex((entry) => entry.time >= time);
  const next = page.entries[at];
  const before = page.entries[at - 1];
  if (next === undefined || before === undefined) return undefined;
  let again = page.asked_at;
  if (next.id !== before.id + 1) {
    // Rows may have been left out of the page just here: asked for the ids between, the exchange has to answer the later one again.
    const between = await space.byId(before.id + 1, next.id - before.id - 1, call, before.time);
    if (between.entries[0]?.id !== next.id) return undefined;
    again = between.asked_at;
  }
  return {
    kind: 'found',
    before: { id: before.id, time: before.time },
    page: { ...page, entries: page.entries.slice(at) },
    asked_at: [page.asked_at, again],
  };
}
