import type { Attributes } from './collection.ts';
import type { DoubleDatabase } from './double-database.ts';
import { badParameter, Refusal } from './refusal.ts';

/** Bind parameters by name; that of a collection keeps one `@`. */
export type Bind = Attributes;

/** A query that the double knows: its text, and by hand what it does. Returns the result's rows as JSON. */
export interface Meaning {
  readonly text: string;
  run(database: DoubleDatabase, bind: Bind): readonly string[];
}

/** White space counts for nothing; the rest of a query must be the text of the list, letter by letter. */
export const normalised = (text: string): string => text.replace(/\s+/g, ' ').trim();

/** Names of the bind parameters that a query declares. */
function declaredBy(text: string): Set<string> {
  return new Set([...text.matchAll(/@(@?[a-z][a-z0-9_]*)/gi)].map(([, name]) => name as string));
}

/** The queries that the double answers. */
export class QueryList {
  readonly #meanings = new Map<string, { readonly meaning: Meaning; readonly declared: Set<string> }>();

  constructor(meanings: readonly Meaning[]) {
    for (const meaning of meanings) {
      const text = normalised(meaning.text);
      if (this.#meanings.has(text)) throw new Error(`Twice in the list: ${text}`);
      this.#meanings.set(text, { meaning, declared: declaredBy(text) });
    }
  }

  /** Throws 1501 for a query that is not in the list, 1551 and 1552 for a parameter that is missing or not declared. */
  run(database: DoubleDatabase, text: string, bind: Bind): readonly string[] {
    const known = this.#meanings.get(normalised(text));
    if (known === undefined) throw new Refusal(400, 1501, `the double does not know this query: ${normalised(text)}`);
    for (const name of known.declared)
      if (!(name in bind)) throw new Refusal(400, 1551, `no value specified for declared bind parameter '${name}'`);
    for (const name of Object.keys(bind))
      if (!known.declared.has(name)) throw new Refusal(400, 1552, `bind parameter '${name}' was not declared in the query`);
    return database.transact(() => known.meaning.run(database, bind));
  }
}

const wrongType = (name: string): Refusal => new Refusal(400, 1553, `bind parameter '${name}' has an invalid value or type`);

export function textOf(bind: Bind, name: string): string {
  const value = bind[name];
  if (typeof value !== 'string') throw wrongType(name);
  return value;
}

export function numberOf(bind: Bind, name: string): number {
  const value = bind[name];
  if (typeof value !== 'number') throw wrongType(name);
  return value;
}

export function textsOf(bind: Bind, name: string): readonly string[] {
  const value = bind[name];
  if (!Array.isArray(value) || !value.every((one) => typeof one === 'string')) throw wrongType(name);
  return value;
}

export function objectsOf(bind: Bind, name: string): readonly Attributes[] {
  const value = bind[name];
  if (!Array.isArray(value) || !value.every((one) => typeof one === 'object' && one !== null)) throw wrongType(name);
  return value;
}

/** The name of an attribute that a query is given, as in `row.@name`. */
export function attributeOf(bind: Bind, name: string): string {
  const attribute = textOf(bind, name);
  if (!/^[a-z_]+$/.test(attribute)) throw wrongType(name);
  return attribute;
}

/** The number of a `LIMIT`. */
export function limitOf(bind: Bind, name: string): number {
  const value = numberOf(bind, name);
  if (!Number.isSafeInteger(value) || value < 0) throw badParameter('a limit is a whole number');
  return value;
}

/** AQL's order of values: null, then booleans, numbers, texts, arrays; arrays element by element, a missing one is null. */
export function compareValues(a: unknown, b: unknown): number {
  const [left, right] = [a ?? null, b ?? null];
  const difference = rankOf(left) - rankOf(right);
  if (difference !== 0) return difference;
  if (Array.isArray(left) && Array.isArray(right)) {
    for (let i = 0; i < Math.max(left.length, right.length); i += 1) {
      const inner = compareValues(left[i], right[i]);
      if (inner !== 0) return inner;
    }
    return 0;
  }
  if (left === right) return 0;
  return (left as number) < (right as number) ? -1 : 1;
}

function rankOf(value: unknown): number {
  if (value === null) return 0;
  if (typeof value === 'boolean') return 1;
  if (typeof value === 'number') return 2;
  if (typeof value === 'string') return 3;
  if (Array.isArray(value)) return 4;
  throw new Error('the double compares no objects');
}
