import { randomInt } from 'node:crypto';
import type { Random } from './context.ts';

const ALPHABET = 'abcdefghijklmnopqrstuvwxyz0123456789';

/** Ids from the operating system's generator (claim tokens must not be guessable); `next` is for jitter and needs no more than `Math.random`. */
export const systemRandom: Random = {
  next: () => Math.random(),
  id: (length) => Array.from({ length }, () => ALPHABET[randomInt(ALPHABET.length)]).join(''),
};

/** The same numbers for the same seed (mulberry32): tests, the demo. Not for secrets. */
export function seededRandom(seed: number): Random {
  let state = seed >>> 0;
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 0x1_0000_0000;
  };
  return { next, id: (length) => Array.from({ length }, () => ALPHABET[Math.floor(next() * ALPHABET.length)]).join('') };
}
