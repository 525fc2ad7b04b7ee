import type { z } from 'zod';
import { AppError, type ErrorCode, type FieldProblem } from '../domain/errors.ts';

type Issue = z.core.$ZodIssue;

function valueAt(input: unknown, path: readonly PropertyKey[]): unknown {
  let value = input;
  for (const step of path) {
    if (value === null || typeof value !== 'object') return undefined;
    value = (value as Record<PropertyKey, unknown>)[step];
  }
  return value;
}

function describe(issue: Issue, value: unknown): Omit<FieldProblem, 'path'> {
  if (value === undefined && issue.code !== 'custom') return { problem: 'is missing', ...allowed(issue) };
  switch (issue.code) {
    case 'invalid_type':
      return {
        problem: value === null ? 'is null' : `has the wrong type (${Array.isArray(value) ? 'array' : typeof value})`,
        ...allowed(issue),
      };
    case 'too_big':
      return { problem: issue.origin === 'string' || issue.origin === 'array' ? 'is too long' : 'is too large', ...allowed(issue) };
    case 'too_small':
      return { problem: issue.origin === 'string' || issue.origin === 'array' ? 'is too short' : 'is too small', ...allowed(issue) };
    case 'invalid_value':
      return { problem: value === null ? 'is null' : 'is not allowed', ...allowed(issue) };
    case 'invalid_format':
      return { problem: 'has the wrong form', ...allowed(issue) };
    default:
      return { problem: issue.message, ...allowed(issue) };
  }
}

function allowed(issue: Issue): { allowed?: string } {
  switch (issue.code) {
    case 'invalid_type':
      return { allowed: issue.expected };
    case 'too_big':
      return { allowed: `at most ${issue.maximum}` };
    case 'too_small':
      return { allowed: `at least ${issue.minimum}` };
    case 'invalid_value':
      return { allowed: issue.values.map(String).join(', ') };
    case 'invalid_format':
      return issue.pattern === undefined ? { allowed: issue.format } : { allowed: issue.pattern };
    case 'custom': {
      const text: unknown = issue.params?.allowed;
      return typeof text === 'string' ? { allowed: text } : {};
    }
    default:
      return {};
  }
}

/**
 * What a failed zod check says, in the platform's own words: `path` has dots (`loads.0.types.1`), `allowed` says what would have passed.
 * No value of the input is repeated, so nothing that must stay secret or is very long travels with an error.
 */
export function fieldProblems(error: z.core.$ZodError, input: unknown): readonly FieldProblem[] {
  return error.issues.map((issue) => ({ path: issue.path.map(String).join('.'), ...describe(issue, valueAt(input, issue.path)) }));
}

/**
 * Checks `input` and returns it as it is (unknown fields stay, nothing is copied). Throws `code` with every bad field in `context.fields`.
 * `what` names the input in the message: `The data of io.streamforge.train.v1`.
 */
export function checkFields<T>(schema: z.ZodType<T>, input: unknown, what: string, code: ErrorCode): T {
  const result = schema.safeParse(input);
  if (result.success) return input as T;
  const fields = fieldProblems(result.error, input);
  const list = fields.map(({ path, problem }) => `${path === '' ? 'it' : path} ${problem}`).join('; ');
  throw new AppError(code, `${what} breaks its contract: ${list}.`, { fields });
}
