import { buildDeadLetter } from '../bus/dead-letter.ts';
import { AppError, type ErrorCode } from '../domain/errors.ts';
import type { StreamEvent } from '../events/event.ts';
import { toRecord } from '../events/kafka-codec.ts';
import type { Context } from './context.ts';
import { deadLetterDocument } from './dead-letters.ts';
import type { ReceivedEvent } from './define-function.ts';

/** One row refused alone: the event that it came with, or was asked by, goes on. */
export interface RefusedRowLetter {
  /** Place of the row in its event or page. */
  readonly index: number;
  readonly code: ErrorCode;
  readonly message: string;
  /** The row as it came. */
  readonly raw: unknown;
  /** What a replay hands to the same handler: an event of this row alone, or the whole command that asked for it. */
  readonly event: StreamEvent;
}

/** Most characters of a row that its letter quotes. */
const MAX_QUOTE = 600;

/**
 * Dead-letters rows of an event alone: one letter a row in `<topic>.dlq`, with its index, and one document in the store. Resolves when both are durable.
 * An event that came by HTTP has no origin to be replayed to: the first row's own error is thrown, its sender keeps the event.
 */
export async function deadLetterRows<C>(context: Context<C>, received: ReceivedEvent, rows: readonly RefusedRowLetter[]): Promise<void> {
  const [first] = rows;
  if (first === undefined) return;
  const { event, position, group = context.functionName } = received;
  if (position === undefined) throw new AppError(first.code, first.message, { row: first.index });
  const { topic, partition, offset } = position;
  const record = { ...toRecord(event, topic), partition, offset, timestamp: Date.parse(event.time) };
  await context.ports.bus.publish(
    rows.map((row) =>
      buildDeadLetter(record, {
        error: new AppError(row.code, `${row.message} The row: ${(JSON.stringify(row.raw) ?? 'none').slice(0, MAX_QUOTE)}`),
        group,
        row: { index: row.index, record: toRecord(row.event, topic) },
      }),
    ),
  );
  const at = context.clock.now();
  await context.ports.workflows.putDeadLetters(
    rows.map(({ index, code, message }) => ({
      ...deadLetterDocument({ record, event, group }, new AppError(code, message), at),
      row: index,
    })),
  );
  for (const { code } of rows) context.metrics.count('streamforge_rows_dead_lettered_total', { function: context.functionName, code });
  context.logger.warn({ topic, partition, offset, rows: rows.length, code: first.code }, 'Rows were refused and dead-lettered alone.');
}
