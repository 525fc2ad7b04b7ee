import { type Series, seriesId } from '../../shared/domain/series.ts';
import type { StreamEvent } from '../../shared/events/event.ts';
import { ROW_CONTRACTS, rowContract } from '../../shared/events/micro-batch.ts';
import { MAX_ROWS, type ReceivedRows, type RowContract } from '../../shared/events/row-contract.ts';
import type { Context } from '../../shared/runtime/context.ts';
import { deadLetterRows, type RefusedRowLetter } from '../../shared/runtime/dead-letter-rows.ts';
import type { ReceivedEvent } from '../../shared/runtime/define-function.ts';
import type { UpsertOutcome } from '../../shared/store/market-store.ts';

const contracts: ReadonlyMap<string, RowContract> = new Map(
  (Object.keys(ROW_CONTRACTS) as (keyof typeof ROW_CONTRACTS)[]).map((kind) => [rowContract(kind).type, rowContract(kind)]),
);

/** True for micro-batches of rows. */
export function isRowEvent(type: string): boolean {
  return contracts.has(type);
}

/**
 * Writes the good rows of an event and dead-letters the others one by one: rows that fail their checks, and rows of immutable kinds that are stored with
 * another content (`row_conflict`, the first is kept). Resolves when both are durable. Throws `contract_mismatch` for a fault of the envelope.
 */
export async function writeRows(received: ReceivedEvent, context: Context): Promise<void> {
  const contract = contracts.get(received.event.type) as RowContract;
  const unread = contract.unread(received.event);
  const outcome = unread === undefined ? undefined : await context.ports.market.upsertText(unread.series, unread.rows, MAX_ROWS, unread);
  if (unread === undefined || outcome === undefined) return writeReadRows(received, contract.parse(received.event), context);
  countWritten(unread.series, outcome, context);
  // Rows that conflict are looked at one by one; all rows are good, so their places are those of the event.
  if (outcome.conflicts.length > 0) await deadLetterConflicts(received, contract.parse(received.event), outcome, [], context);
}

async function writeReadRows(received: ReceivedEvent, batch: ReceivedRows, context: Context): Promise<void> {
  const letters: RefusedRowLetter[] = batch.refused.map(({ index, code, message, row }) => ({
    index,
    code,
    message,
    raw: row,
    event: single(received.event, row),
  }));
  const { origin, received_at } = batch;
  const outcome = await context.ports.market.upsertRows(batch.series, batch.rows, { origin, received_at });
  countWritten(batch.series, outcome, context);
  await deadLetterConflicts(received, batch, outcome, letters, context);
}

function countWritten({ exchange, kind }: Series, { written }: UpsertOutcome, context: Context): void {
  if (written > 0) context.metrics.count('streamforge_rows_written_total', { exchange, kind }, written);
}

async function deadLetterConflicts(
  received: ReceivedEvent,
  batch: ReceivedRows,
  { conflicts }: UpsertOutcome,
  refused: readonly RefusedRowLetter[],
  context: Context,
): Promise<void> {
  // Places among the good rows are places in the event once the refused ones are counted in.
  const bad = new Set(refused.map(({ index }) => index));
  const places = Array.from({ length: batch.rows.length + bad.size }, (_, index) => index).filter((index) => !bad.has(index));
  const letters = conflicts.map(({ index, key }) => conflict(received.event, batch, index, places[index] as number, key));
  if (refused.length + letters.length > 0) await deadLetterRows(context, received, [...refused, ...letters]);
}

function conflict(event: StreamEvent, batch: ReceivedRows, index: number, place: number, key: string): RefusedRowLetter {
  const row = batch.rows[index];
  return {
    index: place,
    code: 'row_conflict',
    message: `${seriesId(batch.series)} has row ${key} with another content; the first is kept.`,
    raw: row,
    event: single(event, row),
  };
}

/** The event with this row alone: what a replay handles. */
function single(event: StreamEvent, row: unknown): StreamEvent {
  return { ...event, data: { ...(event.data as object), rows: [row] } };
}
