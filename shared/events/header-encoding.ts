import { isUtf8 } from 'node:buffer';
import { unparsable } from './attributes.ts';

const PLAIN = /^[\x21\x23\x24\x26-\x7e]*$/;

/** A header value for HTTP (CloudEvents HTTP binding 1.0.2, 3.1.3.2): space, `"`, `%` and all outside U+0021 to U+007E as `%XX` of UTF-8 bytes. */
export function encodeHeaderValue(text: string): string {
  if (PLAIN.test(text)) return text;
  let encoded = '';
  for (const byte of Buffer.from(text)) {
    const plain = byte > 0x20 && byte < 0x7f && byte !== 0x22 && byte !== 0x25;
    encoded += plain ? String.fromCharCode(byte) : `%${byte.toString(16).toUpperCase().padStart(2, '0')}`;
  }
  return encoded;
}

/**
 * The text of a received header value: double-quoted strings are unescaped, then one round of percent-decoding. Throws `unparsable_event` where the
 * bytes are not UTF-8. `name` is the attribute, for the error.
 */
export function decodeHeaderValue(value: string, name: string): string {
  const unquoted = value.includes('"') ? value.replace(/"((?:[^"\\]|\\.)*)"/g, (_, inner: string) => inner.replace(/\\(.)/g, '$1')) : value;
  if (!unquoted.includes('%')) return unquoted;
  const parts = unquoted
    .split(/(%[0-9A-Fa-f]{2})/)
    .map((part, index) => Buffer.from(index % 2 === 1 ? part.slice(1) : part, index % 2 === 1 ? 'hex' : 'utf8'));
  const bytes = Buffer.concat(parts);
  if (!isUtf8(bytes)) throw unparsable([{ path: name, problem: 'is not UTF-8 when decoded', allowed: 'percent-encoded UTF-8' }]);
  return bytes.toString('utf8');
}
