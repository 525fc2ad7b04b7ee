const readJson = (body: Buffer): unknown => JSON.parse(body.toString('utf8'));

/** A body that is a list; undefined for JSON of another shape. Throws `SyntaxError` for what is not JSON, as all of these do. */
export function readArray(body: Buffer): readonly unknown[] | undefined {
  const value = readJson(body);
  return Array.isArray(value) ? value : undefined;
}

/** A body that is one object. */
export function readObject(body: Buffer): Readonly<Record<string, unknown>> | undefined {
  const value = readJson(body);
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : undefined;
}

/** What `/time` answers, epoch ms. */
export function readServerTime(body: Buffer): number | undefined {
  const serverTime = readObject(body)?.serverTime;
  return typeof serverTime === 'number' && Number.isSafeInteger(serverTime) ? serverTime : undefined;
}
