import { createHash } from 'node:crypto';

/** What a document key may hold (ArangoDB manual, "Document keys", 3.12); `%` is kept for our escapes. */
const PLAIN = /^[a-zA-Z0-9_\-:.@()+,=;$!*']*$/;
const ESCAPED = /[^a-zA-Z0-9_\-:.@()+,=;$!*']/gu;
const LONGEST_BYTES = 254;

/**
 * A name as a document key: itself where it can be, else with `%XX` for each byte that a key may not hold. A name whose key would be too long is
 * cut, and ends with `%%` and its SHA-256. Different names have different keys.
 */
export function documentKey(name: string): string {
  const key = PLAIN.test(name) ? name : name.replace(ESCAPED, escaped);
  if (key !== '' && key.length <= LONGEST_BYTES) return key;
  return `${key.slice(0, 128)}%%${createHash('sha256').update(name).digest('hex')}`;
}

/** The key of several names together: `:` parts them, and is escaped in all but the last. */
export function compositeKey(...names: readonly (string | number)[]): string {
  return documentKey(
    names.map((name, index) => (index < names.length - 1 ? String(name).replaceAll('%', '%25').replaceAll(':', '%3A') : name)).join(':'),
  );
}

function escaped(character: string): string {
  return [...Buffer.from(character, 'utf8')].map((byte) => `%${byte.toString(16).toUpperCase().padStart(2, '0')}`).join('');
}
