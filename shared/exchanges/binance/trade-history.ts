import type { Absence } from '../../domain/coverage.ts';
import { AppError } from '../../domain/errors.ts';
import { hasIds, type SeriesRange } from '../../domain/range.ts';
import type { Row } from '../../domain/rows.ts';
import { seriesId } from '../../domain/series.ts';
import type { CallOptions, HistoryPage, HistoryRequest, HistorySummary, RefusedRow } from '../exchange.ts';
import { PAGE_ROWS } from './binance-options.ts';
import { Contradictions } from './contradictions.ts';
import { type IdPage, IdSpace, type Mark } from './id-space.ts';
import type { IdEntry } from './map-trades.ts';
import type { RestClient } from './rest-client.ts';
import type { SymbolDirectory } from './symbol-directory.ts';
import { judgeGap } from './trade-gap.ts';
import { endedAbsence, headHole, quietAbsence } from './trade-holes.ts';
import { findStart, type TradeStart } from './trade-start.ts';

/** How long a read waits for the exchange's clock to reach the end of its range; a range that ends later is refused. */
const MOST_AHEAD_MS = 60_000;

/** What reading history needs. */
export interface Reader {
  readonly client: RestClient;
  readonly symbols: SymbolDirectory;
}

/** What was found so far; becomes the summary. */
interface Findings {
  rows: number;
  readonly refused: HistorySummary['refused'][number][];
  readonly unavailable: SeriesRange[];
  readonly absent: Absence[];
}

/**
 * Reads trades or agg-trades of a range. Pages go by id alone: the cursor is the id that is due next, and only a row moves it, or a hole that was judged.
 * An error, an empty page and a short page leave it where it is. With ids in the request exactly these are read; else the ids at both ends are found.
 */
export async function* readTradeHistory(
  { client, symbols }: Reader,
  request: HistoryRequest,
  call: CallOptions,
): AsyncGenerator<HistoryPage, HistorySummary, undefined> {
  const { series, from, to } = request;
  const byIds = hasIds(request) && request.to_id >= request.from_id;
  const space = new IdSpace(client, series, byIds);
  const found: Findings = { rows: 0, refused: [], unavailable: [], absent: [] };
  const doubt = new Contradictions(client, call, seriesId(series));
  const isPast = (entry: Mark): boolean => (byIds ? entry.id > request.to_id : entry.time >= to);

  const start = byIds ? undefined : await findStart(client, space, from, call);
  let firstId = byIds ? request.from_id : 0;
  let due = firstId;
  let before: Mark | undefined;
  let page: IdPage | undefined;
  if (start !== undefined) {
    const opening = await openRange({ client, symbols }, space, start, request, found, call);
    if (opening.ended) return summary(found, opening.firstId, opening.due - 1);
    ({ firstId, due, before, page } = opening);
  }

  for (;;) {
    page ??= await space.byId(due, PAGE_ROWS, call, before?.time ?? from);
    const fresh: readonly IdEntry[] = page.entries[0] !== undefined && page.entries[0].id >= due ? page.entries : page.entries.filter((entry) => entry.id >= due);
    if (fresh.length === 0) {
      page = undefined;
      if (!byIds && (await waitForExchange(client, to, call))) continue;
      const newest = await space.newest(call);
      if (newest === undefined || newest.id < due) {
        if (!byIds) await closeTail({ client, symbols }, space, newest, request, found, call);
        break;
      }
      await doubt.again(`no row from id ${due} on, yet ${newest.id} is the newest`);
      continue;
    }

    const rows: Row[] = [];
    const refused: RefusedRow[] = [];
    let index = 0;
    for (let entry = fresh[0]; entry !== undefined && entry.id === due && !isPast(entry); entry = fresh[++index]) {
      if (entry.row !== undefined) rows.push(entry.row);
      else if (entry.refused !== undefined) refused.push(entry.refused);
      before = entry;
      due += 1;
    }
    const stopped = fresh[index];
    if (index > 0) {
      doubt.settle();
      found.rows += rows.length;
      for (const { from_id, to_id, code, ...row } of refused) found.refused.push({ from: row.from, to: row.to, from_id: from_id as number, to_id: to_id as number, code });
      yield { rows, refused, received_at: page.received_at };
    }
    if (byIds && due > request.to_id) break;
    if (stopped === undefined) page = undefined;
    else if (stopped.id === due) break;
    else {
      const to_id = byIds ? Math.min(stopped.id - 1, request.to_id) : stopped.id - 1;
      const known = before?.id === due - 1 ? before : undefined;
      const finding = await judgeGap(client, space, { from_id: due, to_id, after: stopped, known, asked_at: page.asked_at }, request, call);
      if (finding.kind === 'unclear') {
        page = undefined;
        await doubt.again(`ids ${due} to ${to_id} are left out`);
      } else if (finding.kind === 'rows') page = finding.page;
      else {
        if (finding.kind === 'skipped') found.absent.push(finding.absence);
        if (finding.kind === 'headless') await headHole(client, space, { from_id: due, to_id, first: stopped, asked_at: finding.asked_at }, request, found, call);
        due = to_id + 1;
        if (byIds && due > request.to_id) break;
      }
    }
  }
  if (found.rows === 0 && start?.kind === 'found' && found.refused.length === 0) {
    const absence = await quietAbsence(client, start, request, call);
    if (absence !== undefined) found.absent.push(absence);
  }
  return summary(found, firstId, byIds ? request.to_id : due - 1);
}

function summary({ rows, refused, unavailable, absent }: Findings, first_id: number, last_id: number): HistorySummary {
  return { row_count: rows, first_id, last_id, refused, unavailable, absent };
}

/** Where the walk begins, once it is known what stands at `from`; `ended` where no row can be in the range. */
async function openRange(
  reader: Reader,
  space: IdSpace,
  start: TradeStart,
  request: HistoryRequest,
  found: Findings,
  call: CallOptions,
): Promise<{ firstId: number; due: number; before: Mark | undefined; page: IdPage | undefined; ended: boolean }> {
  const nowhere = { before: undefined, page: undefined, ended: true };
  switch (start.kind) {
    case 'found': {
      const id = start.page.entries[0]?.id as number;
      return { firstId: id, due: id, before: start.before, page: start.page, ended: false };
    }
    case 'head': {
      const first = start.page.entries[0] as IdEntry;
      if (first.time <= request.from) return { firstId: first.id, due: first.id, before: undefined, page: start.page, ended: false };
      // The id before the first one stands for the hole: its true first id is not known.
      const hole = { from_id: first.id - 1, to_id: first.id - 1, first, asked_at: start.asked_at };
      await headHole(reader.client, space, hole, request, found, call);
      return { firstId: first.id - 1, due: first.id, before: undefined, page: start.page, ended: first.time >= request.to };
    }
    case 'behind': {
      const id = start.newest.id + 1;
      if (await waitForExchange(reader.client, request.to, call)) return { firstId: id, due: id, before: start.newest, page: undefined, ended: false };
      await closeTail(reader, space, start.newest, request, found, call);
      return { firstId: id, due: id, ...nowhere };
    }
    case 'empty':
      await headHole(reader.client, space, { from_id: -1, to_id: -1, first: undefined, asked_at: undefined }, request, found, call);
      return { firstId: -1, due: 0, ...nowhere };
    default:
      return start satisfies never;
  }
}

/** Nothing at or after the range's end exists yet: the newest row decides, and says `ended` where the symbol is no longer traded. */
async function closeTail(
  { client, symbols }: Reader,
  space: IdSpace,
  newest: Mark | undefined,
  request: HistoryRequest,
  found: Findings,
  call: CallOptions,
): Promise<void> {
  if (newest === undefined || newest.time >= request.to || (await symbols.isTraded(space.series.symbol, call))) return;
  found.absent.push(await endedAbsence(client, space, newest, request, call));
}

/** Waits until the exchange's clock has reached `to`; true where it had to, so that what was read before may be old. */
async function waitForExchange(client: RestClient, to: number, call: CallOptions): Promise<boolean> {
  for (let waited = false; ; waited = true) {
    const ahead = to - (await client.observedTime(to - 1, call));
    if (ahead <= 0) return waited;
    if (ahead > MOST_AHEAD_MS)
      throw new AppError('invalid_request', `The range ends ${Math.ceil(ahead / 1000)} s in the exchange's future: ${new Date(to).toISOString()}.`, { to });
    await client.sleep(ahead, call.signal);
  }
}
