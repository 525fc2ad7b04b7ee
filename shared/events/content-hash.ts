import { hash } from 'node:crypto';

/** 128 bits of SHA-256 in lower-case hex: enough to tell two contents of one key apart for ever. */
export function contentHash(content: string | Uint8Array): string {
  return hash('sha256', content, 'hex').slice(0, 32);
}
