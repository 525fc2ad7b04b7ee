import type { Absence, AbsenceKind } from '../../domain/coverage.ts';
import { bucketLengthMs, hasUnverifiedPhase, openTimeAt } from '../../domain/interval.ts';
import type { TimeRange } from '../../domain/range.ts';
import type { Candle } from '../../domain/rows.ts';
import type { CallOptions } from '../exchange.ts';
import { findCause } from './candle-cause.ts';
import { type CandlePage, candleBefore, candleFrom, candlesSpanning, newestCandle, readCandles } from './candle-pages.ts';
import { inOrder, isOldEnough } from './evidence.ts';
import { firstCandleTime } from './first-candle.ts';
import type { CandleSeries } from './map-candles.ts';
import type { Reader } from './reader.ts';

/** What became of a hole: rows after all, an absence with its evidence, or nothing that could be proven: it stays missing. */
export type HoleFinding =
  | { readonly kind: 'rows'; readonly page: CandlePage }
  | { readonly kind: 'absent'; readonly absence: Absence }
  | { readonly kind: 'unproven' };

const UNPROVEN: HoleFinding = { kind: 'unproven' };

/** Rows around a hole in one answer that spans it. */
interface Span {
  readonly before: Candle | undefined;
  readonly after: Candle | undefined;
  readonly inside: CandlePage | undefined;
  readonly asked_at: number;
}

/**
 * Judges a hole by a read of exactly the hole, and by one answer that spans it and shows both neighbours side by side, however far they are. A page with
 * rows left out looks like an outage; these two, on top of the page that showed the hole, do not err together.
 */
export async function judgeHole(reader: Reader, series: CandleSeries, hole: TimeRange, call: CallOptions): Promise<HoleFinding> {
  const { client } = reader;
  const narrow = await readCandles(client, series, hole, call);
  if (narrow.rows.length + narrow.refused.length > 0) return { kind: 'rows', page: narrow };

  const step = hasUnverifiedPhase(series.interval)
    ? bucketLengthMs(series.interval, hole.from)
    : hole.from - openTimeAt(series.interval, hole.from - 1);
  let span = await readSpan(reader, series, hole, hole.from - step, hole.to + (hasUnverifiedPhase(series.interval) ? step : 0), call);
  if (span.inside === undefined && (span.before === undefined || span.after === undefined)) {
    const before = span.before ?? (hole.from > 0 ? (await candleBefore(client, series, hole.from, call)).rows.at(-1) : undefined);
    const after = span.after ?? (await candleFrom(client, series, hole.to, call)).rows[0];
    if (before === undefined) return after === undefined ? UNPROVEN : judgeHead(reader, series, hole, after, narrow.asked_at, call);
    if (after === undefined) return judgeTail(reader, series, hole, before, narrow.asked_at, call);
    span = await readSpan(reader, series, hole, before.open_time, after.open_time, call);
  }
  if (span.inside !== undefined) return { kind: 'rows', page: span.inside };
  const { before, after } = span;
  if (before === undefined || after === undefined || !(await isOldEnough(reader.client, after.open_time, call))) return UNPROVEN;

  const cause = await findCause(reader, series, hole, { before, after }, call);
  if (cause === 'trades-inside') {
    // Trades without candles: before the exchange is said to have none, it is asked once more.
    const again = await readCandles(client, series, hole, call);
    if (again.rows.length + again.refused.length > 0) return { kind: 'rows', page: again };
    return absent(hole, 'exchange-has-none', 'klines stay empty although there are trades', 'two-reads', before, after, [
      narrow.asked_at,
      again.asked_at,
    ]);
  }
  const { kind, method, grade } = cause;
  return absent(hole, kind, method, grade, before, after, [narrow.asked_at, span.asked_at]);
}

async function readSpan(
  { client }: Reader,
  series: CandleSeries,
  hole: TimeRange,
  first: number,
  last: number,
  call: CallOptions,
): Promise<Span> {
  const observed = await client.observedTime(hole.to - 1, call);
  const page = await candlesSpanning(client, series, Math.max(0, first), last, call);
  const inside = (time: number): boolean => time >= hole.from && time < hole.to;
  const rows = page.rows.filter((row) => inside(row.open_time) && row.close_time < observed);
  const refused = page.refused.filter((row) => inside(row.from));
  return {
    before: page.rows.findLast((row) => row.open_time < hole.from),
    after: page.rows.find((row) => row.open_time >= hole.to),
    inside: rows.length + refused.length === 0 ? undefined : { ...page, rows, refused },
    asked_at: page.asked_at,
  };
}

/** No row before the hole: the series begins behind it, if the first row of all is the neighbour. */
async function judgeHead(
  reader: Reader,
  series: CandleSeries,
  hole: TimeRange,
  after: Candle,
  asked: number,
  call: CallOptions,
): Promise<HoleFinding> {
  const now = reader.client.exchangeClock.now();
  const first = await firstCandleTime(reader.client, series.symbol, series.interval, call);
  if (first !== after.open_time || !(await isOldEnough(reader.client, after.open_time, call))) return UNPROVEN;
  return absent(hole, 'not-listed', 'the first row ever is later', 'two-reads', undefined, after, [asked, now]);
}

/** No row behind the hole: the series has ended, if its symbol is no longer traded and the newest row of all is earlier. */
async function judgeTail(
  { symbols, client }: Reader,
  series: CandleSeries,
  hole: TimeRange,
  before: Candle,
  asked: number,
  call: CallOptions,
): Promise<HoleFinding> {
  if (await symbols.isTraded(series.symbol, call)) {
    // A row may still come right behind the hole, and be old enough to prove it five minutes later.
    await isOldEnough(client, hole.to, call);
    return UNPROVEN;
  }
  const { rows, asked_at } = await newestCandle(client, series, call);
  const newest = rows.at(-1);
  if (newest === undefined || newest.open_time > before.open_time) return UNPROVEN;
  return absent(hole, 'ended', 'no longer traded; the newest row is earlier', 'two-reads', before, undefined, [asked, asked_at]);
}

function absent(
  { from, to }: TimeRange,
  kind: AbsenceKind,
  method: string,
  grade: Absence['evidence']['grade'],
  before: Candle | undefined,
  after: Candle | undefined,
  [first, second]: readonly [number, number],
): HoleFinding {
  const evidence = {
    method,
    grade,
    ...(before === undefined ? {} : { before_key: String(before.open_time) }),
    ...(after === undefined ? {} : { after_key: String(after.open_time) }),
    asked_at: inOrder(first, second),
  };
  return { kind: 'absent', absence: { from, to, kind, evidence } };
}
