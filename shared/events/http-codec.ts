import { CloudEvent, ValidationError } from 'cloudevents';
import { AppError } from '../domain/errors.ts';
import { ATTRIBUTE_NAMES, attributesOf, eventFrom, unparsable } from './attributes.ts';
import type { StreamEvent } from './event.ts';
import { decodeHeaderValue, encodeHeaderValue } from './header-encoding.ts';
import { parseJson, parseStructured } from './json-body.ts';
import { BATCHED_TYPE, type ContentMode, contentMode, JSON_TYPE, STRUCTURED_TYPE } from './media-type.ts';
import { dataBytes } from './serialised-data.ts';

/** Headers (lower-case names) and body of an HTTP message. */
export interface HttpMessage {
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
}

/** Events as they came by HTTP; a batch may be empty. */
export interface ReceivedMessage {
  readonly mode: ContentMode;
  readonly events: readonly StreamEvent[];
}

/** One event as an HTTP message. Throws `unparsable_event` for attributes that no receiver would take. */
export function toHttp(event: StreamEvent, mode: 'binary' | 'structured' = 'binary'): HttpMessage {
  if (mode === 'structured') {
    return { headers: { 'content-type': `${STRUCTURED_TYPE}; charset=UTF-8` }, body: structuredBytes(event) };
  }
  const headers: Record<string, string> = { 'content-type': JSON_TYPE };
  for (const [name, value] of attributesOf(event)) headers[`ce-${name}`] = encodeHeaderValue(value);
  return { headers, body: dataBytes(event) };
}

/** Several events as one HTTP message. */
export function toHttpBatch(events: readonly StreamEvent[]): HttpMessage {
  const parts: Uint8Array[] = [];
  for (const event of events) parts.push(Buffer.from(parts.length === 0 ? '[' : ','), structuredBytes(event));
  parts.push(Buffer.from(events.length === 0 ? '[]' : ']'));
  return { headers: { 'content-type': `${BATCHED_TYPE}; charset=UTF-8` }, body: Buffer.concat(parts) };
}

function structuredBytes(event: StreamEvent): Uint8Array {
  const head = JSON.stringify(Object.fromEntries([...attributesOf(event), ['datacontenttype', JSON_TYPE]]));
  return Buffer.concat([Buffer.from(`${head.slice(0, -1)},"data":`), dataBytes(event), Buffer.from('}')]);
}

/**
 * Reads the events of an HTTP message; header names in any case. Throws `unsupported_media_type` for another content type, `unparsable_event` for what
 * is not a CloudEvent, for a batch with the place of each bad event (`2.id`): nothing of it is handed over then.
 */
export function fromHttp(headers: Readonly<Record<string, string | readonly string[] | undefined>>, body: Uint8Array): ReceivedMessage {
  const lower = new Map(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]));
  const contentType = lower.get('content-type');
  const mode = contentMode(typeof contentType === 'string' ? contentType : undefined);
  if (mode === 'structured') return { mode, events: [validated(parseStructured(parseJson(body)))] };
  if (mode === 'batched') return { mode, events: parseBatch(parseJson(body)) };
  if (lower.has('ce-datacontenttype')) {
    throw unparsable([{ path: 'datacontenttype', problem: 'must not be a header of its own', allowed: 'content-type' }]);
  }
  const attributes: Record<string, string | undefined> = {};
  for (const name of ['specversion', ...ATTRIBUTE_NAMES]) {
    const value = lower.get(`ce-${name}`);
    if (value !== undefined && typeof value !== 'string')
      throw unparsable([{ path: name, problem: 'is given twice', allowed: 'one value' }]);
    attributes[name] = value === undefined ? undefined : decodeHeaderValue(value, name);
  }
  return { mode, events: [validated(eventFrom(attributes, body.byteLength === 0 ? undefined : parseJson(body)))] };
}

function parseBatch(json: unknown): StreamEvent[] {
  if (!Array.isArray(json)) throw unparsable([{ path: '', problem: 'is not an array', allowed: 'an array of events' }]);
  return json.map((each: unknown, index) => {
    try {
      return validated(parseStructured(each));
    } catch (error) {
      throw at(index, error);
    }
  });
}

function at(index: number, error: unknown): unknown {
  if (!(error instanceof AppError)) return error;
  const fields = (error.context.fields ?? []).map((field) => ({
    ...field,
    path: field.path === '' ? String(index) : `${index}.${field.path}`,
  }));
  return new AppError(error.code, `Event ${index} of the batch: ${error.message}`, { fields }, error);
}

/**
 * The second opinion on what strangers send: the SDK's validation against the CloudEvents schema. It sees a complete event (it would fill in a missing
 * `id` and `time`), attributes without data, and its own object is dropped: the event stays the one that was sent.
 */
function validated(event: StreamEvent): StreamEvent {
  try {
    new CloudEvent(Object.fromEntries(attributesOf(event)), true);
  } catch (error) {
    const found = error instanceof ValidationError ? (error.errors ?? []) : [];
    const fields = found.flatMap((each) =>
      typeof each === 'string' ? [] : [{ path: each.instancePath.slice(1), problem: each.message ?? 'is refused' }],
    );
    const message = error instanceof Error ? error.message : String(error);
    throw unparsable(fields.length > 0 ? fields : [{ path: '', problem: message }], error);
  }
  return event;
}
