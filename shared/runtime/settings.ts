import { readFileSync } from 'node:fs';
import type { z } from 'zod';
import { AppError, type FieldProblem } from '../domain/errors.ts';
import { fieldProblems } from '../events/field-problems.ts';
import type { Setting, SettingsOf, SettingsTable } from './define-function.ts';

/** Environment variables by name. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** Declares a setting, keeping the type that its schema makes of the text. */
export function setting<T>(env: string, schema: z.ZodType<T>, meaning: string, options: { readonly secret?: boolean } = {}): Setting<T> {
  return { env, schema, meaning, ...options };
}

type Problem = FieldProblem & { readonly missing: boolean };

/**
 * Reads settings tables from the environment, all of them at once: the error names every problem, never a value. An empty variable counts as unset.
 * A secret `X` may stand in a file named by `X_FILE` (its last line break is dropped); both set is a contradiction.
 * Throws `missing_setting` where something is only missing, else `invalid_setting`.
 */
export function parseSettings<T extends Readonly<Record<string, SettingsTable>>>(
  tables: T,
  env: Environment,
): { readonly [K in keyof T]: SettingsOf<T[K]> } {
  const problems: Problem[] = [];
  const parsed = Object.entries(tables).map(([name, table]) => [name, parseTable(table, env, problems)]);
  if (problems.length === 0) return Object.fromEntries(parsed);
  const fields = uniqueByPath(problems).map(({ missing: _, ...field }) => field);
  const list = fields.map(({ path, problem, allowed }) => `${path} ${problem}${allowed === undefined ? '' : ` (allowed: ${allowed})`}`);
  const code = problems.every(({ missing }) => missing) ? 'missing_setting' : 'invalid_setting';
  throw new AppError(code, `The environment cannot be used: ${list.join('; ')}.`, { fields });
}

function parseTable(table: SettingsTable, env: Environment, problems: Problem[]): Record<string, unknown> {
  const values: Record<string, unknown> = {};
  for (const [name, declared] of Object.entries(table)) {
    const text = readText(declared, env);
    if (typeof text === 'object') {
      problems.push(text);
      continue;
    }
    const result = declared.schema.safeParse(text);
    if (result.success) values[name] = result.data;
    else if (text === undefined) {
      const path = declared.secret === true ? `${declared.env} or ${declared.env}_FILE` : declared.env;
      problems.push({ path, problem: 'is missing', allowed: declared.meaning, missing: true });
    } else {
      const [first] = fieldProblems(result.error, text);
      // A setting has one name, whatever part of its text is wrong.
      problems.push({ problem: 'is not valid', allowed: declared.meaning, ...first, path: declared.env, missing: false });
    }
  }
  return values;
}

function readText(declared: Setting, env: Environment): string | undefined | Problem {
  const direct = nonEmpty(env[declared.env]);
  if (declared.secret !== true) return direct;
  const fileName = `${declared.env}_FILE`;
  const file = nonEmpty(env[fileName]);
  if (file === undefined) return direct;
  if (direct !== undefined) return { path: fileName, problem: `contradicts ${declared.env}: only one may be set`, missing: false };
  try {
    const text = nonEmpty(readFileSync(file, 'utf8').replace(/\r?\n$/, ''));
    return text ?? { path: fileName, problem: 'names an empty file', missing: false };
  } catch (error) {
    const reason = error instanceof Error && 'code' in error ? String(error.code) : 'unreadable';
    return { path: fileName, problem: `names a file that cannot be read (${reason})`, missing: false };
  }
}

function nonEmpty(text: string | undefined): string | undefined {
  return text === undefined || text.trim() === '' ? undefined : text;
}

/** One variable may stand in several tables of a host: its problem is told once. */
function uniqueByPath(problems: readonly Problem[]): readonly Problem[] {
  return [...new Map(problems.map((problem) => [problem.path, problem])).values()];
}
