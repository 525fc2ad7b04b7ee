import { z } from 'zod';
import { AppError, type FieldProblem } from '../../shared/domain/errors.ts';
import { TIME_UNITS } from '../../shared/domain/row-formats/archive-csv.ts';
import { ROW_FORMATS } from '../../shared/domain/row-formats/row-format.ts';
import { parseSeriesId, type Series } from '../../shared/domain/series.ts';
import { parseTimePoint } from '../../shared/domain/workflow/time-range.ts';
import { checkFields } from '../../shared/events/field-problems.ts';

const MOMENT = 'a UTC date, an instant or epoch milliseconds';

/** One end of a range of time, as text in a query. */
const moment = z
  .string()
  .max(40, { abort: true })
  .refine((text) => parseTimePoint(text) !== undefined, { message: 'is not a time', params: { allowed: MOMENT } })
  .describe(MOMENT);

/** `from` and `to` of a query: half-open. */
export const rangeFields = { from: moment.optional(), to: moment.optional() };

/** The query of everything that answers rows. */
export const rowsQuery = z.looseObject({
  ...rangeFields,
  limit: z
    .string()
    .regex(/^([1-9]\d{0,3}|10000)$/)
    .describe('1 to 10000 rows; 1000 unless said')
    .optional(),
  cursor: z.string().min(1).max(200).describe('where the answer before ended').optional(),
  format: z
    .enum(['json', ...ROW_FORMATS])
    .describe('csv as Binance’s archive has it, without header')
    .optional(),
  time_unit: z.enum(TIME_UNITS).describe('of the times in CSV').optional(),
});

/** The query `from`, `to`. */
export const rangeQuery = z.looseObject(rangeFields);

/** A query as an object; of a parameter that is given twice the first counts. */
export function checkQuery<T>(schema: z.ZodType<T>, query: URLSearchParams): T {
  const given = Object.fromEntries([...new Set(query.keys())].map((name) => [name, query.get(name)]));
  return checkFields(schema, given, 'The query', 'invalid_request');
}

/** The range of a checked query. Throws `invalid_request` where it ends before it begins. */
export function readRange(query: { readonly from?: string | undefined; readonly to?: string | undefined }): { from?: number; to?: number } {
  const from = query.from === undefined ? undefined : parseTimePoint(query.from);
  const to = query.to === undefined ? undefined : parseTimePoint(query.to);
  if (from !== undefined && to !== undefined && to < from)
    throw refused({ path: 'to', problem: 'lies before from', allowed: 'from or later' });
  return { ...(from === undefined ? {} : { from }), ...(to === undefined ? {} : { to }) };
}

/** The series of a path. Throws `invalid_request` or `unsupported_symbol` with the path `id`. */
export function readSeries(id: string | undefined): Series {
  try {
    return parseSeriesId(id ?? '');
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    const fields = [{ path: 'id', problem: 'is not a series', allowed: 'exchange:symbol:kind[:interval]' }];
    throw new AppError(error.code, error.message, { fields }, error);
  }
}

/** `invalid_request` of one field. */
export function refused(field: FieldProblem): AppError {
  return new AppError('invalid_request', `The query breaks its contract: ${field.path} ${field.problem}.`, { fields: [field] });
}

/** `not_found` of a thing by its name. */
export function notFound(what: string, name: string): AppError {
  return new AppError('not_found', `There is no ${what} ${JSON.stringify(name.slice(0, 200))}.`);
}
