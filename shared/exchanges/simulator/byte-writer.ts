import { PRINTED_DECIMALS } from './decimal.ts';

const ZERO = 48;
const POINT = 46;
const QUOTE = 34;
const COMMA = 44;
const NINE_DIGITS = 1_000_000_000;
const FIRST_BYTES = 128 * 1_024;
/** Room that is always free before a row is begun. */
const ROW_BYTES = 1_024;

/**
 * Writes rows of text as bytes, digit by digit: a candle has nine decimals and strings for each of them would cost more than the trades it is
 * summed from.
 */
export class ByteWriter {
  #bytes = Buffer.allocUnsafe(FIRST_BYTES);
  #length = 0;

  get length(): number {
    return this.#length;
  }

  clear(): void {
    this.#length = 0;
  }

  /** A copy of what was written. */
  copy(): Buffer {
    return Buffer.from(this.#bytes.subarray(0, this.#length));
  }

  /** Makes room for a row: call it before each. */
  beginRow(): void {
    if (this.#bytes.length - this.#length >= ROW_BYTES) return;
    const larger = Buffer.allocUnsafe(this.#bytes.length * 2);
    this.#bytes.copy(larger, 0, 0, this.#length);
    this.#bytes = larger;
  }

  /** ASCII text. */
  text(text: string): void {
    const bytes = this.#bytes;
    let at = this.#length;
    for (let place = 0; place < text.length; place++) bytes[at++] = text.charCodeAt(place);
    this.#length = at;
  }

  /** What stands between two values in quotes. */
  nextQuoted(): void {
    const bytes = this.#bytes;
    const at = this.#length;
    bytes[at] = QUOTE;
    bytes[at + 1] = COMMA;
    bytes[at + 2] = QUOTE;
    this.#length = at + 3;
  }

  /** A safe integer ≥ 0. */
  whole(value: number): void {
    this.#length = writeDigits(this.#bytes, this.#length, value, countDigits(value));
  }

  /** `units / 10^decimals` with eight decimals; `units` is a safe integer ≥ 0, `decimals` at most eight. */
  scaled(units: number, decimals: number): void {
    const bytes = this.#bytes;
    const scale = POWERS[decimals] as number;
    const whole = Math.floor(units / scale);
    let at = writeDigits(bytes, this.#length, whole, countDigits(whole));
    bytes[at++] = POINT;
    // The digits behind the point are at most eight, so they fit the integers that the engine divides fast.
    at = writeDigits(bytes, at, units - whole * scale, decimals);
    for (let more = decimals; more < PRINTED_DECIMALS; more++) bytes[at++] = ZERO;
    this.#length = at;
  }
}

/** Writes exactly `count` digits of `value` at `begin`; returns where they end. */
function writeDigits(bytes: Buffer, begin: number, value: number, count: number): number {
  let at = begin + count;
  let high = value;
  while (high >= NINE_DIGITS) {
    const rest = Math.floor(high / NINE_DIGITS);
    let low = (high - rest * NINE_DIGITS) | 0;
    for (let digit = 0; digit < 9; digit++) {
      const tenth = (low / 10) | 0;
      bytes[--at] = ZERO + low - tenth * 10;
      low = tenth;
    }
    high = rest;
  }
  let low = high | 0;
  while (at > begin) {
    const tenth = (low / 10) | 0;
    bytes[--at] = ZERO + low - tenth * 10;
    low = tenth;
  }
  return begin + count;
}

const POWERS = Array.from({ length: 17 }, (_, power) => 10 ** power);

function countDigits(value: number): number {
  let count = value < 10_000 ? 1 : value < 1e8 ? 5 : value < 1e12 ? 9 : 13;
  while (count < 16 && value >= (POWERS[count] as number)) count += 1;
  return count;
}
