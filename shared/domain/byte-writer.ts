const ZERO = 48;
const DOT = 46;
const FIRST_BYTES = 64 * 1_024;
const EIGHT_DIGITS = 1e8;
/** Below this an integer has at most 15 digits, and no other decimal of so few digits is read as the same double. */
const EXACT = 1e15;
/** The two digits of 0 to 99, the first in the low byte. */
const PAIRS = Uint16Array.from({ length: 100 }, (_, value) => ZERO + Math.floor(value / 10) + ((ZERO + (value % 10)) << 8));

/** Writes ASCII text into bytes, numbers as `JSON.stringify` writes them, without making strings on the way. Grows as needed. */
export class ByteWriter {
  #bytes = new Uint8Array(FIRST_BYTES);
  #length = 0;
  #failed = false;

  /** True once a number was to be written that JSON does not have, or what is no number. */
  get failed(): boolean {
    return this.#failed;
  }

  get length(): number {
    return this.#length;
  }

  clear(): void {
    this.#length = 0;
    this.#failed = false;
  }

  /** A copy of what was written. */
  copy(): Uint8Array<ArrayBuffer> {
    return this.#bytes.slice(0, this.#length);
  }

  /** Makes room for so many bytes: what is written is not checked against the room. */
  reserve(bytes: number): void {
    if (this.#bytes.length - this.#length >= bytes) return;
    const larger = new Uint8Array(2 * (this.#length + bytes));
    larger.set(this.#bytes.subarray(0, this.#length));
    this.#bytes = larger;
  }

  byte(code: number): void {
    this.#bytes[this.#length++] = code;
  }

  text(text: Uint8Array): void {
    const bytes = this.#bytes;
    const at = this.#length;
    for (let index = 0; index < text.length; index += 1) bytes[at + index] = text[index] as number;
    this.#length = at + text.length;
  }

  /** A finite number, in the shortest digits that give it back. At most 25 bytes; anything else fails. */
  number(value: number): void {
    if (value >= 0 && value < EXACT) {
      const whole = Math.floor(value);
      if (whole === value) {
        this.#length = writeWhole(this.#bytes, this.#length, value);
        return;
      }
      const scaled = Math.round(value * EIGHT_DIGITS);
      // At least a millionth: below, the shortest form has an exponent.
      if (scaled < EXACT && scaled >= 100 && scaled / EIGHT_DIGITS === value) {
        this.#length = writeFraction(this.#bytes, writeWhole(this.#bytes, this.#length, whole), (scaled - whole * EIGHT_DIGITS) | 0);
        return;
      }
    }
    if (!Number.isFinite(value)) this.#failed = true;
    const text = String(value);
    for (let index = 0; index < text.length; index += 1) this.byte(text.charCodeAt(index));
  }
}

/** Writes eight decimals without the zeros at their end; `decimals` is 1 to 99,999,999. */
function writeFraction(bytes: Uint8Array, begin: number, decimals: number): number {
  let digits = decimals;
  let count = 8;
  if (digits % 10_000 === 0) {
    digits = (digits / 10_000) | 0;
    count = 4;
  }
  if (digits % 100 === 0) {
    digits = (digits / 100) | 0;
    count -= 2;
  }
  if (digits % 10 === 0) {
    digits = (digits / 10) | 0;
    count -= 1;
  }
  bytes[begin] = DOT;
  return writeDigits(bytes, begin + 1, digits, count);
}

/** Writes an integer of 0 to 10^15. */
function writeWhole(bytes: Uint8Array, begin: number, value: number): number {
  if (value < EIGHT_DIGITS) return writeDigits(bytes, begin, value | 0, countDigits(value | 0));
  const high = Math.floor(value / EIGHT_DIGITS) | 0;
  return writeDigits(bytes, writeDigits(bytes, begin, high, countDigits(high)), (value - high * EIGHT_DIGITS) | 0, 8);
}

/** Writes exactly `count` digits of an integer below 10^8; returns where they end. */
function writeDigits(bytes: Uint8Array, begin: number, value: number, count: number): number {
  let at = begin + count;
  let left = value;
  while (at - begin >= 2) {
    const rest = (left / 100) | 0;
    const pair = PAIRS[left - rest * 100] as number;
    bytes[--at] = pair >> 8;
    bytes[--at] = pair & 255;
    left = rest;
  }
  if (at > begin) bytes[begin] = ZERO + left;
  return begin + count;
}

function countDigits(value: number): number {
  if (value < 10_000) return value < 100 ? (value < 10 ? 1 : 2) : value < 1_000 ? 3 : 4;
  return value < 1_000_000 ? (value < 100_000 ? 5 : 6) : value < 10_000_000 ? 7 : 8;
}
