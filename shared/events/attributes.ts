import { AppError, type FieldProblem } from '../domain/errors.ts';
import type { StreamEvent } from './event.ts';

/** Attributes that every event of the platform has, and how long each may be. */
const REQUIRED = { id: 1_024, source: 512, type: 256, time: 64 } as const;
/** Attributes that an event may have. Any other extension (`knativekafkaoffset`, …) is read over. */
const OPTIONAL = {
  subject: 512,
  dataschema: 512,
  partitionkey: 512,
  queueid: 128,
  traceparent: 128,
  tracestate: 1_024,
  sequence: 128,
} as const;

type RequiredName = keyof typeof REQUIRED;
type OptionalName = keyof typeof OPTIONAL;

/** Names of the attributes that the platform reads and writes, without `specversion`. */
export const ATTRIBUTE_NAMES = [...(Object.keys(REQUIRED) as RequiredName[]), ...(Object.keys(OPTIONAL) as OptionalName[])];

/** CloudEvents 1.0, "Type system": no control characters, no noncharacters; lone surrogates are tested apart. */
const FORBIDDEN = /[\p{Cc}\p{Noncharacter_Code_Point}]/u;
const URI_REFERENCE = /^[\w:/?#[\]@!$&'()*+,;=.~%-]+$/;
const RFC_3339 = /^\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d{1,12})?([Zz]|[+-]\d\d:\d\d)$/;

function problemOf(name: string, value: unknown, limit: number): Omit<FieldProblem, 'path'> | undefined {
  if (typeof value !== 'string') return { problem: `has the wrong type (${typeof value})`, allowed: 'string' };
  if (value === '') return { problem: 'is empty', allowed: `1 to ${limit} characters` };
  if (value.length > limit) return { problem: 'is too long', allowed: `at most ${limit}` };
  if (FORBIDDEN.test(value) || !value.isWellFormed()) return { problem: 'has a forbidden character', allowed: 'no control characters' };
  if ((name === 'source' || name === 'dataschema') && !URI_REFERENCE.test(value))
    return { problem: 'is not a URI', allowed: 'URI-reference' };
  if (name === 'time' && (!RFC_3339.test(value) || Number.isNaN(Date.parse(value))))
    return { problem: 'is not a time', allowed: 'RFC 3339' };
  return undefined;
}

/**
 * Builds an event from received attributes and data. Nothing is filled in: an event without `specversion` 1.0, `id`, `source`, `type`, `time` or data is
 * `unparsable_event` with every bad attribute in `context.fields`. `partitionkey` is the attribute, else `key` (of the record), else the subject or the id.
 */
export function eventFrom(attributes: Readonly<Record<string, unknown>>, data: unknown, key?: string | null): StreamEvent {
  const fields: FieldProblem[] = [];
  const { specversion } = attributes;
  if (specversion !== '1.0') {
    fields.push({ path: 'specversion', problem: isAbsent(specversion) ? 'is missing' : 'is not supported', allowed: '1.0' });
  }
  const event: Record<string, unknown> = {};
  for (const name of ATTRIBUTE_NAMES) {
    const value = attributes[name];
    if (isAbsent(value)) {
      if (Object.hasOwn(REQUIRED, name)) fields.push({ path: name, problem: 'is missing', allowed: 'string' });
      continue;
    }
    const problem = problemOf(name, value, { ...REQUIRED, ...OPTIONAL }[name]);
    if (problem === undefined) event[name] = value;
    else fields.push({ path: name, ...problem });
  }
  if (data === undefined) fields.push({ path: 'data', problem: 'is missing', allowed: 'JSON' });
  if (fields.length > 0) throw unparsable(fields);
  event.partitionkey ??= key || (event.subject ?? event.id);
  event.data = data;
  return event as unknown as StreamEvent;
}

/** The attributes of an event in the order of the names above, `specversion` first. Throws `unparsable_event` for one that no receiver would take. */
export function attributesOf(event: StreamEvent): [name: string, value: string][] {
  const fields: FieldProblem[] = [];
  const attributes: [string, string][] = [['specversion', '1.0']];
  for (const name of ATTRIBUTE_NAMES) {
    const value = event[name];
    if (value === undefined) {
      if (Object.hasOwn(REQUIRED, name)) fields.push({ path: name, problem: 'is missing', allowed: 'string' });
      continue;
    }
    const problem = problemOf(name, value, { ...REQUIRED, ...OPTIONAL }[name]);
    if (problem === undefined) attributes.push([name, value]);
    else fields.push({ path: name, ...problem });
  }
  if (event.data === undefined) fields.push({ path: 'data', problem: 'is missing', allowed: 'JSON' });
  if (fields.length > 0) throw unparsable(fields);
  return attributes;
}

/** `unparsable_event` with the bad attributes. */
export function unparsable(fields: readonly FieldProblem[], cause?: unknown): AppError {
  const list = fields.map(({ path, problem }) => `${path} ${problem}`).join('; ');
  return new AppError('unparsable_event', `This is not a CloudEvent of the platform: ${list}.`, { fields }, cause);
}

/** The JSON format says that an attribute of null is one that is not set. */
function isAbsent(value: unknown): boolean {
  return value === undefined || value === null;
}
