import { hasIds } from '../../domain/range.ts';
import type { Row } from '../../domain/rows.ts';
import { seriesId } from '../../domain/series.ts';
import type { CallOptions, HistoryPage, HistoryRequest, HistorySummary, RefusedRow } from '../exchange.ts';
import { PAGE_ROWS } from './binance-options.ts';
import { Contradictions } from './contradictions.ts';
import { type IdPage, IdSpace, type Mark } from './id-space.ts';
import type { IdEntry } from './map-trades.ts';
import type { Reader } from './reader.ts';
import { judgeGap } from './trade-gap.ts';
import { headHole, quietAbsence } from './trade-holes.ts';
import { closeTail, type Findings, openRange, waitForExchange } from './trade-range.ts';
import { findStart, isNewest } from './trade-start.ts';

/**
 * Reads trades or agg-trades of a range. Pages go by id alone: the cursor is the id that is due next, and only a row moves it, or a hole that was judged.
 * An error, an empty page and a short page leave it where it is. With ids in the request exactly these are read; else the ids at both ends are found.
 */
export async function* readTradeHistory(
  reader: Reader,
  request: HistoryRequest,
  call: CallOptions,
): AsyncGenerator<HistoryPage, HistorySummary, undefined> {
  const { series, from, to } = request;
  const { client } = reader;
  const byIds = hasIds(request) && request.to_id >= request.from_id;
  const space = new IdSpace(client, series, byIds);
  const found: Findings = { rows: 0, refused: [], unavailable: [], absent: [] };
  const doubt = new Contradictions(client, call, seriesId(series));
  const isPast = (entry: Mark): boolean => (byIds ? entry.id > request.to_id : entry.time >= to);

  if (!byIds) await waitForExchange(client, to, call);
  const start = byIds ? undefined : await findStart(client, space, from, call);
  let firstId = byIds ? request.from_id : 0;
  let due = firstId;
  let before: Mark | undefined;
  let page: IdPage | undefined;
  let endsFound = 0;
  if (start !== undefined) {
    const opening = await openRange(reader, space, start, request, found, call);
    if (opening.ended) return summary(found, opening.firstId, opening.due - 1);
    ({ firstId, due, before, page } = opening);
  }

  for (;;) {
    page ??= await space.byId(due, PAGE_ROWS, call, before?.time ?? from);
    const fresh: readonly IdEntry[] =
      page.entries[0] !== undefined && page.entries[0].id >= due ? page.entries : page.entries.filter((entry) => entry.id >= due);
    if (fresh.length === 0) {
      page = undefined;
      const newest = await space.newest(call);
      // An old row as the newest one, after a page that came empty, must not end the range: nothing follows if that is found again after a while.
      if (newest === undefined ? due <= 0 : newest.id < due && (await isNewest(space, due - 1, call))) endsFound += 1;
      else endsFound = 0;
      if (endsFound === 2) {
        if (!byIds) await closeTail(reader, space, newest, request, found, call);
        break;
      }
      await doubt.again(`no row from id ${due} on, and ${newest?.id ?? 'nothing'} is the newest`);
      continue;
    }
    endsFound = 0;

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
      for (const { from_id, to_id, code, ...row } of refused)
        found.refused.push({ from: row.from, to: row.to, from_id: from_id as number, to_id: to_id as number, code });
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
        if (finding.kind === 'headless')
          await headHole(client, space, { from_id: due, to_id, first: stopped, asked_at: finding.asked_at }, request, found, call);
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
