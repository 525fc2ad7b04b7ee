import { z } from 'zod';
import { ABSENCE_KINDS, type Absence } from '../domain/coverage.ts';
import { AppError } from '../domain/errors.ts';
import type { SeriesRange, TimeRange } from '../domain/range.ts';
import { parseSeriesId } from '../domain/series.ts';

/** The greatest time that a date can have, in epoch ms (ECMA-262, 21.4.1.1). */
const LAST_TIME_MS = 8_640_000_000_000_000;

/** Epoch milliseconds, UTC. */
export const epochMs = z.int().min(0).max(LAST_TIME_MS);

/** Seconds since the epoch with a fraction, as the published `timestamp` has it. */
export const epochSeconds = z
  .number()
  .min(0)
  .max(LAST_TIME_MS / 1000);

/** A count of rows. */
export const count = z.int().min(0);

/** An integer id of the exchange; -1 stands before the first one. */
export const rowId = z.int().min(-1);

/** The id of a workflow. */
export const queueIdText = z
  .string()
  .max(128)
  .regex(/^[a-z0-9][a-z0-9_.-]*$/);

/** The id of a workflow, or `*` (also `all`) for everyone. */
export const addressText = z
  .string()
  .max(128)
  .regex(/^(\*|[a-z0-9][a-z0-9_.-]*)$/);

/** A symbol as the exchange writes it, `[A-Z0-9_.-]`. */
export const symbolText = z.string().regex(/^[A-Z0-9_.-]{1,40}$/);

/** The run of a workflow, counted from 1. */
export const attemptNumber = z.int().min(1).max(1_000_000);

/** The try of one shard inside an attempt. */
export const tryNumber = z.int().min(1).max(4);

/** `exchange:symbol:kind[:interval]`. */
export const seriesText = z
  .string()
  .max(100, { abort: true })
  .check((context) => {
    try {
      parseSeriesId(context.value);
    } catch (error) {
      if (!(error instanceof AppError)) throw error;
      context.issues.push({
        code: 'custom',
        message: 'is not a series',
        params: { allowed: 'exchange:symbol:kind[:interval]' },
        input: context.value,
      });
    }
  });

/** `<series id>:<from>-<to>` in ms, of the shard's first try. */
export const shardText = z
  .string()
  .max(160)
  .regex(/^[a-z]+:[A-Z0-9_.-]{1,40}:[a-z-]+(:[0-9]+[smhdwM])?:[0-9]+-[0-9]+$/);

/** An error code of the platform's table. */
export const codeText = z.string().regex(/^[a-z][a-z0-9_]{1,63}$/);

/** Text for a reader. */
export const messageText = z.string().max(4_000);

/** The fields of a half-open range of time, with inclusive ids where the rows have integer ids. */
export const rangeFields = {
  from: epochMs,
  to: epochMs,
  from_id: rowId.exactOptional(),
  to_id: rowId.exactOptional(),
};

/** Refuses a range that ends before it begins; `to_id = from_id - 1` is a range without a row. */
export function inOrder(context: z.core.ParsePayload<SeriesRange>): void {
  const { from, to, from_id, to_id } = context.value;
  if (to < from) {
    context.issues.push({ code: 'custom', path: ['to'], message: 'lies before from', params: { allowed: 'from or later' }, input: to });
  }
  if (from_id !== undefined && to_id !== undefined && to_id < from_id - 1) {
    context.issues.push({
      code: 'custom',
      path: ['to_id'],
      message: 'lies before from_id',
      params: { allowed: 'from_id - 1 or more' },
      input: to_id,
    });
  }
}

/** A half-open range of time. */
export const timeRangeSchema: z.ZodType<TimeRange> = z.looseObject({ from: epochMs, to: epochMs }).check(inOrder);

/** A range of one series. */
export const rangeSchema: z.ZodType<SeriesRange> = z.looseObject(rangeFields).check(inOrder);

/** Rows that failed their checks, by the range that they leave open. */
export const refusedRangeSchema: z.ZodType<SeriesRange & { readonly code: string }> = z
  .looseObject({ ...rangeFields, code: codeText })
  .check(inOrder);

/** A hole of the exchange itself, with its evidence. */
export const absenceSchema: z.ZodType<Absence> = z
  .looseObject({
    ...rangeFields,
    kind: z.enum(ABSENCE_KINDS),
    evidence: z.looseObject({
      method: z.string().min(1).max(200),
      grade: z.enum(['ids', 'two-reads']),
      before_key: z.string().min(1).max(200).exactOptional(),
      after_key: z.string().min(1).max(200).exactOptional(),
      asked_at: z.tuple([epochMs, epochMs]),
    }),
  })
  .check(inOrder);

/** Most ranges of one kind in one event: keeps it below the size of a record. */
export const MAX_RANGES = 4_000;

/** `{code, message}` of what went wrong. */
export const failureSchema = z.looseObject({ code: codeText, message: messageText });

/** What went wrong, as events carry it. */
export interface Failure {
  /** A code of the platform's error table. */
  readonly code: string;
  readonly message: string;
}
