import { isUtf8 } from 'node:buffer';
import type { BusRecord, OutgoingRecord } from '../bus/bus.ts';
import { AppError } from '../domain/errors.ts';
import { ATTRIBUTE_NAMES, attributesOf, eventFrom, unparsable } from './attributes.ts';
import type { StreamEvent } from './event.ts';
import { parseJson, parseStructured } from './json-body.ts';
import { BATCHED_TYPE, contentMode, JSON_TYPE } from './media-type.ts';
import { hasRowsLayout, readRowsData } from './rows-data.ts';
import { dataBytes, rememberReceived } from './serialised-data.ts';

const CONTENT_TYPE = 'content-type';

/**
 * The event as a record in binary mode (CloudEvents Kafka binding 1.0.2): attributes as `ce_` headers in plain UTF-8, the key from `partitionkey`, the
 * data's JSON bytes as value, taken as they are where the event was packed. Throws `unparsable_event` for attributes that no receiver would take.
 */
export function toRecord(event: StreamEvent, topic: string): OutgoingRecord {
  const headers: Record<string, string> = { [CONTENT_TYPE]: JSON_TYPE };
  for (const [name, value] of attributesOf(event)) headers[`ce_${name}`] = value;
  return { topic, key: event.partitionkey, headers, value: dataBytes(event) };
}

/**
 * Reads a record in binary or structured mode. Throws `unparsable_event` for what is not an event (no value, not JSON, a required attribute missing),
 * `unsupported_media_type` for data that is not JSON. The data itself is checked by its contract.
 */
export function fromRecord(record: Pick<BusRecord, 'key' | 'headers' | 'value'>): StreamEvent {
  return { ...fromRecordLater(record) };
}

/**
 * The same, but rows are read when `data` is asked for, each time anew, and `data` throws what is wrong with them: whoever handles many events at once need
 * not hold the rows of all of them.
 */
export function fromRecordLater(record: Pick<BusRecord, 'key' | 'headers' | 'value'>): StreamEvent {
  const headers = lowerCased(record.headers);
  const { value } = record;
  if (value === null) throw unparsable([{ path: 'data', problem: 'is missing', allowed: 'JSON' }]);
  // A record without content type may still be an event: the attribute is optional, and JSON is what the platform speaks.
  const mode = contentMode(headers[CONTENT_TYPE] ?? JSON_TYPE);
  if (mode === 'batched') {
    throw new AppError('unsupported_media_type', `Records carry one event each; ${BATCHED_TYPE} is not defined on Kafka.`, {
      fields: [{ path: CONTENT_TYPE, problem: 'is not supported', allowed: JSON_TYPE }],
    });
  }
  if (mode === 'structured') return parseStructured(parseJson(value), record.key);
  const attributes: Record<string, string | undefined> = { specversion: headers.ce_specversion };
  for (const name of ATTRIBUTE_NAMES) attributes[name] = headers[`ce_${name}`];
  const { type = '' } = attributes;
  if (!hasRowsLayout(type)) return eventFrom(attributes, parseJson(value), record.key);
  const event = eventFrom(attributes, null, record.key);
  rememberReceived(event, value);
  return Object.defineProperty(event, 'data', { get: () => readRowsData(type, value) ?? parseJson(value), enumerable: true });
}

/**
 * Headers as Kafka clients give them (bytes, text, or several of a name) as text. Of several the last counts. Throws `unparsable_event` for bytes that
 * are not UTF-8.
 */
export function headerTexts(raw: Readonly<Record<string, unknown>>): Record<string, string> {
  const texts: Record<string, string> = {};
  for (const [name, given] of Object.entries(raw)) {
    const value: unknown = Array.isArray(given) ? given.at(-1) : given;
    if (typeof value === 'string') texts[name] = value;
    else if (value instanceof Uint8Array) {
      if (!isUtf8(value)) throw unparsable([{ path: name, problem: 'is not UTF-8', allowed: 'UTF-8' }]);
      texts[name] = Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString('utf8');
    }
  }
  return texts;
}

function lowerCased(headers: Readonly<Record<string, string>>): Record<string, string | undefined> {
  const lower: Record<string, string | undefined> = {};
  for (const name in headers) lower[name.toLowerCase()] = headers[name];
  return lower;
}
