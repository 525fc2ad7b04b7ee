import { isUtf8 } from 'node:buffer';
import { eventFrom, unparsable } from './attributes.ts';
import type { StreamEvent } from './event.ts';
import { contentMode, JSON_TYPE } from './media-type.ts';

/** Reads JSON in UTF-8. Throws `unparsable_event` for other bytes; the SDK would let a `SyntaxError` escape. */
export function parseJson(bytes: Uint8Array): unknown {
  if (!isUtf8(bytes)) throw unparsable([{ path: 'data', problem: 'is not UTF-8', allowed: 'JSON' }]);
  try {
    return JSON.parse(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8'));
  } catch (error) {
    throw unparsable([{ path: 'data', problem: 'is not JSON', allowed: 'JSON' }], error);
  }
}

/**
 * Reads an event of the JSON event format (CloudEvents 1.0, json-format 3). Throws `unparsable_event` for a broken one,
 * `unsupported_media_type` for data that is not JSON.
 */
export function parseStructured(json: unknown, key?: string | null): StreamEvent {
  if (typeof json !== 'object' || json === null || Array.isArray(json)) {
    throw unparsable([{ path: '', problem: 'is not an object', allowed: 'CloudEvents JSON format' }]);
  }
  const { data, data_base64, datacontenttype, ...attributes } = json as Record<string, unknown>;
  const bad = Object.keys(attributes).filter((name) => !/^[a-z0-9]+$/.test(name));
  if (bad.length > 0) {
    throw unparsable(bad.map((path) => ({ path, problem: 'is not an attribute name', allowed: 'lower-case letters and digits' })));
  }
  contentMode(typeof datacontenttype === 'string' ? datacontenttype : JSON_TYPE);
  if (data_base64 === undefined) return eventFrom(attributes, data, key);
  if (data !== undefined || typeof data_base64 !== 'string') {
    throw unparsable([{ path: 'data_base64', problem: 'is not a string without data beside it', allowed: 'data or data_base64' }]);
  }
  return eventFrom(attributes, parseJson(Buffer.from(data_base64, 'base64')), key);
}
