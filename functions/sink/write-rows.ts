import { seriesId } from '../../shared/domain/series.ts';
import type { StreamEvent } from '../../shared/events/event.ts';
import { ROW_CONTRACTS, rowContract } from '../../shared/events/micro-batch.ts';
import type { ReceivedRows, RowContract } from '../../shared/events/row-contract.ts';
import type { Context } from '../../shared/runtime/context.ts';
import { deadLetterRows, type RefusedRowLetter } from '../../shared/runtime/dead-letter-rows.ts';
import type { ReceivedEvent } from '../../shared/runtime/define-function.ts';

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
  const batch = contract.parse(received.event);
  const letters: RefusedRowLetter[] = batch.refused.map(({ index, code, message, row }) => ({
    index,
    code,
    message,
    raw: row,
    event: single(received.event, row),
  }));
  if (batch.rows.length > 0) {
    const { origin, received_at } = batch;
    const outcome = await context.ports.market.upsertRows(batch.series, batch.rows, { origin, received_at });
    if (outcome.written > 0)
      context.metrics.count('streamforge_rows_written_total', { exchange: batch.exchange, kind: batch.series.kind }, outcome.written);
    for (const { index, key } of outcome.conflicts) letters.push(conflict(received.event, batch, index, key));
  }
  if (letters.length > 0) await deadLetterRows(context, received, letters);
}

function conflict(event: StreamEvent, batch: ReceivedRows, index: number, key: string): RefusedRowLetter {
  const row = batch.rows[index];
  return {
    index: (event.data as ReceivedRows).rows.indexOf(row as never),
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
