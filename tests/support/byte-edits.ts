import { isUtf8 } from 'node:buffer';

/** Bytes that mean something in JSON, and some that never stand there. */
const TELLING = Buffer.from('019.,:"{}[]-+eE \n\\tu\0\x7f\x80\xff', 'latin1');

/** Every text that one edit makes of this one: a byte taken away, put in, or put in the place of another. */
export function* oneEdit(text: Uint8Array): Generator<Uint8Array> {
  for (let at = 0; at <= text.length; at += 1) {
    const before = text.subarray(0, at);
    if (at < text.length) yield Buffer.concat([before, text.subarray(at + 1)]);
    for (const byte of TELLING) {
      yield Buffer.concat([before, Buffer.of(byte), text.subarray(at)]);
      if (at < text.length) yield Buffer.concat([before, Buffer.of(byte), text.subarray(at + 1)]);
    }
  }
}

/** The text after some edits: each a place (as a share of the length), what is done there, and with which byte. */
export function edited(
  text: Uint8Array,
  edits: readonly (readonly [place: number, edit: 'delete' | 'insert' | 'replace', byte: number])[],
): Uint8Array {
  let bytes = Buffer.from(text);
  for (const [place, edit, byte] of edits) {
    const at = Math.floor(place * bytes.length);
    const put = edit === 'delete' ? Buffer.of() : Buffer.of(TELLING[byte % TELLING.length] as number);
    bytes = Buffer.concat([bytes.subarray(0, at), put, bytes.subarray(edit === 'insert' ? at : at + 1)]);
  }
  return bytes;
}

/** What the engine reads in these bytes; undefined where they are no JSON in UTF-8. No JSON is undefined. */
export function jsonOf(bytes: Uint8Array): unknown {
  if (!isUtf8(bytes)) return undefined;
  try {
    return JSON.parse(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8'));
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}
