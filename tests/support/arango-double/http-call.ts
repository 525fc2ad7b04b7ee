import { badParameter, Refusal } from './refusal.ts';

/** A request as a route sees it: its query and body are checked against what ArangoDB documents for the route. */
export interface HttpCall {
  readonly method: string;
  /** Behind `/_db/<name>`. */
  readonly path: string;
  readonly query: URLSearchParams;
  readonly body: string;
  /** The body as JSON, read once. Throws 400 where it is none. */
  json(): unknown;
}

export function createCall(method: string, path: string, query: URLSearchParams, body: string): HttpCall {
  let parsed: { readonly value: unknown } | undefined;
  return {
    ...{ method, path, query, body },
    json() {
      parsed ??= { value: readJson(body) };
      return parsed.value;
    },
  };
}

/** The text of the query that a call asks; undefined for another call, or a body that cannot be read. */
export function queryOf(call: HttpCall): string | undefined {
  if (call.method !== 'POST' || call.path !== '/_api/cursor') return undefined;
  try {
    return String((call.json() as { readonly query?: unknown } | null)?.query);
  } catch {
    return undefined;
  }
}

/** What a route answers. `text` is JSON. */
export interface Answer {
  readonly status: number;
  readonly text: string;
}

export const answer = (status: number, fields: Readonly<Record<string, unknown>>): Answer => ({
  status,
  text: JSON.stringify({ error: false, code: status, ...fields }),
});

/** Throws 400 for a query parameter that the route does not document. */
export function checkQuery({ query, path }: HttpCall, ...documented: readonly string[]): void {
  for (const name of query.keys()) if (!documented.includes(name)) throw badParameter(`${path} has no query parameter ${name}`);
}

/** The JSON body, an object with documented attributes alone. */
export function bodyOf(call: HttpCall, ...documented: readonly string[]): Readonly<Record<string, unknown>> {
  const body = call.json();
  if (typeof body !== 'object' || body === null || Array.isArray(body)) throw badParameter('the body has to be an object');
  checkAttributes(body as Record<string, unknown>, call.path, documented);
  return body as Record<string, unknown>;
}

/** Throws 400 for an attribute that is not documented. */
export function checkAttributes(object: Readonly<Record<string, unknown>>, where: string, documented: readonly string[]): void {
  for (const name of Object.keys(object)) if (!documented.includes(name)) throw badParameter(`${where} has no attribute ${name}`);
}

export function readJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new Refusal(400, 600, `VPackError: ${String(error)}`);
  }
}

/** A query parameter that is true, false or not there. */
export function flagOf({ query }: HttpCall, name: string): boolean {
  const value = query.get(name) ?? 'false';
  if (value !== 'true' && value !== 'false') throw badParameter(`${name} is neither true nor false`);
  return value === 'true';
}
