import type { Absence } from '../../domain/coverage.ts';
import { bucketLengthMs, hasUnverifiedPhase, nextOpenTime, openTimeAt } from '../../domain/interval.ts';
import type { TimeRange } from '../../domain/range.ts';
import type { CallOptions, HistoryPage, HistoryRequest, HistorySummary } from '../exchange.ts';
import { judgeHole } from './candle-hole.ts';
import { type CandlePage, findHoles, readCandles } from './candle-pages.ts';
import type { CandleSeries } from './map-candles.ts';
import type { Reader } from './reader.ts';

/**
 * Reads the closed candles of a range. The next page begins behind the last row of the page before; only an answer that is empty down to the range's end
 * stops it. What the pages left out is then read again, hole by hole: rows that turn up are handed on, what stays empty becomes an absence, or stays missing.
 */
export async function* readCandleHistory(
  reader: Reader,
  request: HistoryRequest & { readonly series: CandleSeries },
  call: CallOptions,
): AsyncGenerator<HistoryPage, HistorySummary, undefined> {
  const { series } = request;
  const refused: HistorySummary['refused'][number][] = [];
  const absent: Absence[] = [];
  let row_count = 0;
  const note = (page: CandlePage): HistoryPage => {
    row_count += page.rows.length;
    for (const { from, to, code } of page.refused) refused.push({ from, to, code });
    return { rows: page.rows, refused: page.refused, received_at: page.received_at };
  };

  const suspects: TimeRange[] = [];
  let window: TimeRange | undefined = await closedPart(reader, request, call);
  while (window !== undefined) {
    const page: CandlePage = await readCandles(reader.client, series, window, call);
    const isEmpty = page.rows.length + page.refused.length === 0;
    if (!isEmpty) yield note(page);
    const asked: TimeRange = window;
    const holes = findHoles(series, asked, page);
    const tail = holes.at(-1);
    // A page is full at 1,000 rows, or short for whatever reason: what lies behind its last row is asked for again.
    window = !isEmpty && tail?.to === asked.to ? holes.pop() : undefined;
    suspects.push(...holes);
  }

  suspects.reverse();
  for (let hole = suspects.pop(); hole !== undefined; hole = suspects.pop()) {
    if (!(await isOver(reader, series, hole, call))) continue;
    const finding = await judgeHole(reader, series, hole, call);
    if (finding.kind === 'absent') absent.push(finding.absence);
    if (finding.kind !== 'rows') continue;
    yield note(finding.page);
    suspects.push(...findHoles(series, hole, finding.page).reverse());
  }
  return { row_count, refused, unavailable: [], absent };
}

/** The part of a range whose buckets the exchange's clock has closed; undefined where none is. Where the phase is not known, the rows tell. */
async function closedPart(
  { client }: Reader,
  { series, from, to }: HistoryRequest & { readonly series: CandleSeries },
  call: CallOptions,
): Promise<TimeRange | undefined> {
  const observed = await client.observedTime(to - 1, call);
  const end = observed >= to || hasUnverifiedPhase(series.interval) ? to : Math.min(to, openTimeAt(series.interval, observed));
  return end > from ? { from, to: end } : undefined;
}

/** False while the first bucket of a hole may still be open: nothing can be said about it yet. */
async function isOver({ client }: Reader, { interval }: CandleSeries, { from }: TimeRange, call: CallOptions): Promise<boolean> {
  const end = hasUnverifiedPhase(interval) ? from + bucketLengthMs(interval, from) : nextOpenTime(interval, from);
  return (await client.observedTime(end - 1, call)) >= end;
}
