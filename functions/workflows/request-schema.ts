import { z } from 'zod';
import type { ErrorCode } from '../../shared/domain/errors.ts';
import { INTERVALS } from '../../shared/domain/interval.ts';
import { EXCHANGES } from '../../shared/domain/series.ts';
import { MAX_SYMBOLS, type RawRequest, refusal } from '../../shared/domain/workflow/normalise.ts';
import { STAGES } from '../../shared/domain/workflow/request.ts';
import { fieldProblems } from '../../shared/events/field-problems.ts';
import { graphParamFields, trainParamFields } from '../../shared/events/job-params.ts';

/** A symbol as the exchange writes it; other characters are `unsupported_symbol`. */
export const symbolField = z
  .string()
  .regex(/^[A-Z0-9_.-]{1,40}$/)
  .describe('as the exchange writes it: A-Z, 0-9, "_", ".", "-"');
export const typeField = z.string().min(1).max(60).describe('api_candles_<interval>, api_trades, api_agg_trades, gnn_graph, gnn_train');
export const intervalField = z
  .string()
  .min(1)
  .max(4)
  .describe(`completes api_candles: ${INTERVALS.join(', ')}`);
export const timeRangeField = z
  .string()
  .min(1)
  .max(100)
  .describe(
    'two UTC dates, the last one included (2024-08-01:2024-08-31), or two instants, half-open (2024-08-01T00:00:00Z/2024-08-01T06:00:00Z)',
  );
export const collectionField = z
  .string()
  .regex(/^[a-z][a-z0-9_]{2,62}$/)
  .describe('name of the saved result');

const symbols = z.array(symbolField).min(1).max(MAX_SYMBOLS);
const types = z.array(typeField).min(1).max(50);

/** The same fields, each of which may be left out: its default is filled in. */
function optionalFields<T extends z.ZodRawShape>(fields: T): { [K in keyof T]: z.ZodExactOptional<T[K]> } {
  const optional = Object.entries(fields).map(([name, field]) => [name, z.exactOptional(field)]);
  return Object.fromEntries(optional) as unknown as { [K in keyof T]: z.ZodExactOptional<T[K]> };
}

const { backend, ...trainFields } = trainParamFields;

/** The body of `POST /workflows`. */
export const workflowBody: z.ZodType<RawRequest> = z.strictObject({
  exchange: z.enum(EXCHANGES).describe('binance unless said').exactOptional(),
  symbol: symbolField.exactOptional(),
  symbols: symbols.exactOptional(),
  type: typeField.exactOptional(),
  types: types.exactOptional(),
  interval: intervalField.exactOptional(),
  loads: z
    .array(z.strictObject({ symbols, types, interval: intervalField.exactOptional() }))
    .min(1)
    .max(MAX_SYMBOLS)
    .describe('in place of symbol and type')
    .exactOptional(),
  time_range: timeRangeField.exactOptional(),
  stages: z.array(z.enum(STAGES)).min(1).max(STAGES.length).describe('a run of load, build-graph, train; load unless said').exactOptional(),
  collection_name: collectionField.exactOptional(),
  graph: z.strictObject(optionalFields({ interval: z.enum(INTERVALS), symbols, ...graphParamFields })).exactOptional(),
  train: z.strictObject({ ...optionalFields({ graph_id: z.string().min(1).max(128), ...trainFields }), backend }).exactOptional(),
});

const SYMBOL_PATH = /(^|\.)symbols?(\.\d+)?$/;

/**
 * Checks a body and returns it as it is. Throws one refusal for all its bad fields: `invalid_request`, or `unsupported_symbol` where only symbols are bad.
 * A field that nobody reads is refused too: it is a typing error, and ignoring it would do something else than was asked.
 */
export function checkBody<T>(schema: z.ZodType<T>, body: unknown): T {
  const result = schema.safeParse(body);
  if (result.success) return body as T;
  const described = fieldProblems(result.error, body);
  const problems = result.error.issues.flatMap((issue, index) => {
    if (issue.code === 'unrecognized_keys') {
      const at = issue.path.map(String);
      return issue.keys.map((key) => ({
        path: [...at, key.slice(0, 60)].join('.'),
        problem: 'is not a field of this request',
        code: 'invalid_request' as ErrorCode,
      }));
    }
    const { path = '', ...problem } = described[index] ?? { path: '', problem: 'is wrong' };
    const code: ErrorCode = issue.code === 'invalid_format' && SYMBOL_PATH.test(path) ? 'unsupported_symbol' : 'invalid_request';
    return [{ ...problem, path: path === '' ? 'body' : path, code }];
  });
  throw refusal(problems);
}
