import { AppError } from '../domain/errors.ts';

/** What stands in a log line instead of a secret. */
export const REDACTED = '[redacted]';

const SECRET_NAME = /authorization|passwo?r?d|secret|sasl|token|credential|cookie|(^|[_-])api[_-]?key$|apikey$/i;
const SECRET_IN_TEXT = /\b(bearer|basic)\s+[\w.~+/=-]{6,}|(:\/\/[^\s:/@]+):[^\s@/]+@/gi;
/** Deep enough for an error's context with fields; what lies below is cut, so that no cycle and no page of rows gets into a line. */
const MAX_DEPTH = 6;
const MAX_ITEMS = 50;

/** A copy of log fields in which every secret is replaced: values whose name says that they are one, and credentials inside text. */
export function redact(value: unknown, depth = 0): unknown {
  if (typeof value === 'string') return redactText(value);
  if (typeof value !== 'object' || value === null) return typeof value === 'bigint' ? value.toString() : value;
  if (value instanceof Error) return describeError(value, depth);
  if (depth >= MAX_DEPTH) return '[…]';
  if (Array.isArray(value)) {
    const items = value.slice(0, MAX_ITEMS).map((item) => redact(item, depth + 1));
    return value.length > MAX_ITEMS ? [...items, `… ${value.length - MAX_ITEMS} more`] : items;
  }
  if (ArrayBuffer.isView(value)) return `[${value.byteLength} bytes]`;
  if (value instanceof Date || value instanceof URL) return redactText(String(value instanceof Date ? value.toJSON() : value));
  const copy: Record<string, unknown> = {};
  for (const [name, item] of Object.entries(value)) {
    copy[name] = SECRET_NAME.test(name) && item !== undefined && item !== null ? REDACTED : redact(item, depth + 1);
  }
  return copy;
}

/** Replaces `Bearer …`, `Basic …` and the password of a URL. */
export function redactText(text: string): string {
  return text.replace(SECRET_IN_TEXT, (_all, scheme?: string, user?: string) =>
    scheme === undefined ? `${user}:${REDACTED}@` : `${scheme} ${REDACTED}`,
  );
}

function describeError(error: Error, depth: number): unknown {
  const described: Record<string, unknown> = { name: error.name, message: redactText(error.message) };
  if (error instanceof AppError) {
    described.code = error.code;
    if (Object.keys(error.context).length > 0) described.context = redact(error.context, depth + 1);
  } else if ('code' in error) described.code = error.code;
  // A classified error is understood by its code; a stack is for what nobody expected.
  if (!(error instanceof AppError) || error.code === 'unclassified') described.stack = redactText(error.stack ?? '');
  if (error.cause !== undefined) described.cause = depth >= MAX_DEPTH ? '[…]' : redact(error.cause, depth + 1);
  return described;
}
