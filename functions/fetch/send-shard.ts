import type { ErrorCode } from '../../shared/domain/errors.ts';
import { shardId } from '../../shared/domain/plan.ts';
import { hasIds, type SeriesRange } from '../../shared/domain/range.ts';
import { parseSeriesId, type Series } from '../../shared/domain/series.ts';
import { type FetchShard, fetchShard } from '../../shared/events/fetch-shard.ts';
import { packRows } from '../../shared/events/micro-batch.ts';
import { shardCompleted } from '../../shared/events/shard-completed.ts';
import type { CallOptions, Exchange, HistoryPage, HistorySummary, RefusedRow } from '../../shared/exchanges/exchange.ts';
import type { Context } from '../../shared/runtime/context.ts';
import { deadLetterRows } from '../../shared/runtime/dead-letter-rows.ts';
import type { ReceivedEvent } from '../../shared/runtime/define-function.ts';
import { waitUntilRipe } from './wait-until-ripe.ts';

type RefusedRange = SeriesRange & { readonly code: ErrorCode };

/** How a shard is read: what ends it, and what is asked before every request to the exchange. */
export interface Reading {
  readonly signal: AbortSignal;
  readonly beforeRequest: () => Promise<void>;
}

/**
 * Reads a shard from its exchange and sends its rows page by page; the next page is read while one is being acknowledged. Rows that fail their checks go to
 * the dead letters alone. At the end, when every row is acknowledged, the marker goes to the same topic and key. A shard that came back short for a hole that
 * is too young to be judged is read again when it is old enough: all tries would be over before that. The first try waits for nothing.
 */
export async function sendShard(received: ReceivedEvent, shard: FetchShard, reading: Reading, context: Context): Promise<void> {
  const failed = new AbortController();
  const signal = AbortSignal.any([reading.signal, failed.signal]);
  const exchange = context.ports.exchange(parseSeriesId(shard.series).exchange);
  let ripeAt = 0;
  const onTooYoung = (time: number): void => {
    ripeAt = Math.max(ripeAt, time);
  };
  const call = { ...reading, signal, onTooYoung, onBehalfOf: shard.queue_id };
  try {
    let summary = await sendRows(received, shard, exchange, call, context);
    if (shard.try > 1 && ripeAt > 0) {
      await waitUntilRipe(shard, ripeAt, exchange, call, context);
      summary = await sendRows(received, shard, exchange, call, context);
    }
    await context.publisher.publish([markerOf(shard, summary, context)], { signal });
  } finally {
    failed.abort();
  }
}

async function sendRows(
  received: ReceivedEvent,
  shard: FetchShard,
  exchange: Exchange,
  call: CallOptions & { readonly signal: AbortSignal },
  context: Context,
): Promise<HistorySummary> {
  const series = parseSeriesId(shard.series);
  const { from, to, from_id, to_id } = shard;
  const ids = from_id === undefined || to_id === undefined ? {} : { from_id, to_id };
  const pages = exchange.readHistory({ series, from, to, ...ids }, call);
  let ahead = readAhead(pages);
  for (let step = await ahead; !step.done; step = await ahead) {
    ahead = readAhead(pages);
    await sendPage(received, shard, series, step.value, call.signal, context);
  }
  const { value: summary } = await ahead;
  return summary as HistorySummary;
}

/** Asks for the next page. Its failure is met where it is awaited, which may be after a page before it could not be sent. */
function readAhead(pages: AsyncGenerator<HistoryPage, HistorySummary, undefined>): Promise<IteratorResult<HistoryPage, HistorySummary>> {
  const next = pages.next();
  next.catch(() => undefined);
  return next;
}

async function sendPage(
  received: ReceivedEvent,
  shard: FetchShard,
  series: Series,
  { rows, refused, received_at }: HistoryPage,
  signal: AbortSignal,
  context: Context,
): Promise<void> {
  const meta = { producer: context.functionName, queueid: shard.queue_id };
  if (rows.length > 0) {
    await context.publisher.publish(packRows(series, rows, { origin: 'rest', received_at }, meta), { signal });
    context.metrics.count('streamforge_rows_fetched_total', { exchange: series.exchange, kind: series.kind }, rows.length);
  }
  if (refused.length === 0) return;
  const letters = refused.map((row) => ({ ...row, event: commandFor(shard, row, context) }));
  await deadLetterRows(context, received, letters);
}

/** The command that asks for this row alone: a shard of its own, because the one that it came with is done. */
function commandFor({ queue_id, attempt, series }: FetchShard, { from, to, from_id, to_id }: RefusedRow, context: Context) {
  const ids = from_id === undefined || to_id === undefined ? {} : { from_id, to_id };
  const alone: FetchShard = { queue_id, attempt, shard: shardId(series, from, to), try: 1, series, from, to, ...ids };
  return fetchShard.build(alone, { producer: context.functionName, time: context.clock.now() });
}

function markerOf(shard: FetchShard, summary: HistorySummary, context: Context) {
  const { queue_id, attempt, series, from, to } = shard;
  const { row_count, first_id, last_id, refused, unavailable, absent } = summary;
  const ids = first_id === undefined || last_id === undefined ? {} : { first_id, last_id };
  return shardCompleted.build(
    {
      queue_id,
      attempt,
      shard: shard.shard,
      try: shard.try,
      series,
      from,
      to,
      row_count,
      ...ids,
      refused: joinRefused(refused),
      unavailable,
      absent,
    },
    { producer: context.functionName, time: context.clock.now() },
  );
}

/** Refused rows side by side as one range: a whole page of them must not make a marker too large to send. */
export function joinRefused(refused: readonly RefusedRange[]): RefusedRange[] {
  const joined: RefusedRange[] = [];
  const ordered = [...refused].sort((a, b) => (a.from_id ?? 0) - (b.from_id ?? 0) || a.from - b.from);
  for (const range of ordered) {
    const last = joined.at(-1);
    const follows = last !== undefined && (hasIds(last) && hasIds(range) ? range.from_id === last.to_id + 1 : range.from === last.to);
    if (last === undefined || !follows || last.code !== range.code) joined.push(range);
    else
      joined[joined.length - 1] = {
        ...last,
        to: Math.max(last.to, range.to),
        ...(range.to_id === undefined ? {} : { to_id: range.to_id }),
      };
  }
  return joined;
}
