/** Keeps a text as it is inside `JSON.stringify`. */
const rawJson = (JSON as unknown as { rawJSON(text: string): unknown }).rawJSON;

/** As `JSON.stringify`, but for negative zero, which keeps its sign: the database stores doubles, not texts. */
export function exactJson(value: unknown): string {
  if (!holdsNegativeZero(value)) return JSON.stringify(value);
  return JSON.stringify(value, (_, inner: unknown) => (Object.is(inner, -0) ? rawJson('-0.0') : inner));
}

function holdsNegativeZero(value: unknown): boolean {
  if (typeof value === 'number') return Object.is(value, -0);
  if (typeof value !== 'object' || value === null) return false;
  if (Array.isArray(value)) return value.some(holdsNegativeZero);
  for (const name in value) if (holdsNegativeZero((value as Record<string, unknown>)[name])) return true;
  return false;
}
