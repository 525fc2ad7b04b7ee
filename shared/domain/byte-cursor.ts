const ZERO = 48;
const NINE = 57;
const DOT = 46;
const QUOTE = 34;
/** Digits that a double always gives back as they were. */
const EXACT_DIGITS = 15;
/** Digits of a number that is read at all: its text is made at once. */
const MOST_DIGITS = 400;
/** Powers of ten that a double holds exactly. */
const POWERS = Array.from({ length: 23 }, (_, exponent) => 10 ** exponent);

/**
 * Reads text of a known layout from ASCII bytes, without making strings of it. What stands there otherwise than expected sets `failed`, for good: ask once at
 * the end, and read the whole by other means then. It takes a part of JSON's numbers only, never one that JSON would refuse.
 */
export class ByteCursor {
  readonly #bytes: Uint8Array;
  #at: number;
  #failed = false;

  constructor(bytes: Uint8Array, at = 0) {
    this.#bytes = bytes;
    this.#at = at;
  }

  get at(): number {
    return this.#at;
  }

  get failed(): boolean {
    return this.#failed;
  }

  /** True behind the last byte. */
  get isAtEnd(): boolean {
    return this.#at === this.#bytes.length;
  }

  /** Goes over exactly this text. */
  text(expected: Uint8Array): void {
    const bytes = this.#bytes;
    const at = this.#at;
    for (let index = 0; index < expected.length; index += 1) {
      if (bytes[at + index] !== expected[index]) this.#failed = true;
    }
    this.#at = at + expected.length;
  }

  /** Goes over this text if it stands here. */
  maybe(expected: Uint8Array): boolean {
    const bytes = this.#bytes;
    const at = this.#at;
    for (let index = 0; index < expected.length; index += 1) if (bytes[at + index] !== expected[index]) return false;
    this.#at = at + expected.length;
    return true;
  }

  /** Goes over one byte if it is this one. */
  maybeByte(code: number): boolean {
    if (this.#bytes[this.#at] !== code) return false;
    this.#at += 1;
    return true;
  }

  /** A decimal in quotes: a JSON number of digits and at most one dot, as its nearest double. One of more than `maxDigits` digits fails. */
  quoted(maxDigits = Number.POSITIVE_INFINITY): number {
    if (!this.maybeByte(QUOTE)) this.#failed = true;
    const value = this.number(maxDigits);
    if (!this.maybeByte(QUOTE)) this.#failed = true;
    return value;
  }

  /**
   * At most 400 digits with at most one dot between them, without a sign or an exponent, as the nearest double: up to 15 digits are one integer divided by
   * a power of ten, both exact.
   */
  number(maxDigits = Number.POSITIVE_INFINITY): number {
    const bytes = this.#bytes;
    const begin = this.#at;
    let at = begin;
    let digits = 0;
    let code = bytes[at] as number;
    while (code >= ZERO && code <= NINE) {
      digits = digits * 10 + (code - ZERO);
      at += 1;
      code = bytes[at] as number;
    }
    let count = at - begin;
    if (count === 0 || (count > 1 && bytes[begin] === ZERO)) this.#failed = true;
    let decimals = 0;
    if (code === DOT) {
      at += 1;
      const point = at;
      code = bytes[at] as number;
      while (code >= ZERO && code <= NINE) {
        digits = digits * 10 + (code - ZERO);
        at += 1;
        code = bytes[at] as number;
      }
      decimals = at - point;
      if (decimals === 0) this.#failed = true;
      count += decimals;
    }
    this.#at = at;
    if (count <= EXACT_DIGITS) return digits / (POWERS[decimals] as number);
    // Any digit may decide the nearest double: a number is read whole or not at all.
    if (count > maxDigits || count > MOST_DIGITS) this.#failed = true;
    return Number(String.fromCharCode(...bytes.subarray(begin, Math.min(at, begin + 1 + MOST_DIGITS))));
  }
}
