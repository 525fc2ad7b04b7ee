/**
 * Seeded noise that is looked up, not drawn: the same words give the same number wherever and whenever they are asked for, so that any day of
 * the market can be made without the days before it.
 */

/** Mixes a 32-bit word (the "lowbias32" constants of C. Wellons' hash prospector). */
export function mix(word: number): number {
  let x = word | 0;
  x = Math.imul(x ^ (x >>> 16), 0x7feb352d);
  x = Math.imul(x ^ (x >>> 15), 0x846ca68b);
  return (x ^ (x >>> 16)) >>> 0;
}

/** A word made of several. */
export function hashWords(...words: readonly number[]): number {
  let hash = 0x9e3779b9;
  for (const word of words) hash = mix(hash ^ word) + 0x85ebca6b;
  return mix(hash);
}

/** A word made of a text (FNV-1a, mixed). */
export function hashText(text: string): number {
  let hash = 0x811c9dc5;
  for (let index = 0; index < text.length; index++) hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193);
  return mix(hash);
}

/** Uniform in [0, 1) for a word. */
export function unit(word: number): number {
  return word / 4_294_967_296;
}

const ROOT_THREE = Math.sqrt(3);

/** Near-normal with mean 0 and variance 1 (a sum of four uniforms) for a word. */
export function gauss(word: number): number {
  const a = mix(word);
  const b = mix(a ^ 0x68bc21eb);
  return ((a & 0xffff) + (a >>> 16) + (b & 0xffff) + (b >>> 16) - 131_070) * (ROOT_THREE / 65_536);
}

/** A generator of uniforms in [0, 1), for the places where a whole day is drawn in order (mulberry32). */
export function createDraw(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
}
