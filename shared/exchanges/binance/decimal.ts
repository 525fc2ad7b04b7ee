/** Powers of ten that a double holds exactly. */
const POWERS = Array.from({ length: 23 }, (_, exponent) => 10 ** exponent);

/** Digits that a double always gives back as they were. */
const EXACT_DIGITS = 15;
const ZERO = 48;
const DOT = 46;

/**
 * A decimal as the exchange writes it (`61837.63000000`) as the nearest double; NaN for anything else, also for exponents, signs and blanks.
 * Up to 15 digits are read as one integer and divided by a power of ten: both are exact, so the quotient is the nearest double.
 */
export function readDecimal(text: unknown): number {
  if (typeof text !== 'string') return Number.NaN;
  const { length } = text;
  if (length === 0 || length > EXACT_DIGITS + 1) return readLongDecimal(text);
  let digits = 0;
  let dot = -1;
  for (let index = 0; index < length; index += 1) {
    const code = text.charCodeAt(index);
    if (code >= ZERO && code <= ZERO + 9) digits = digits * 10 + (code - ZERO);
    else if (code === DOT && dot < 0 && index > 0 && index < length - 1) dot = index;
    else return Number.NaN;
  }
  // Sixteen characters without a dot are sixteen digits: too many for the short way.
  if (dot < 0) return length <= EXACT_DIGITS ? digits : readLongDecimal(text);
  return digits / (POWERS[length - 1 - dot] as number);
}

const PLAIN = /^\d+(\.\d+)?$/;

function readLongDecimal(text: string): number {
  return PLAIN.test(text) ? Number(text) : Number.NaN;
}

/** True where a decimal has more than 15 significant digits (zeros at its ends do not count): as a double it might not come back as it was. */
export function losesPrecision(text: unknown): boolean {
  return typeof text === 'string' && text.length > EXACT_DIGITS && countSignificant(text) > EXACT_DIGITS;
}

function countSignificant(text: string): number {
  return text.replace('.', '').replace(/^0+/, '').replace(/0+$/, '').length;
}

/** A time of the exchange in epoch ms, whether it came in ms or in µs (told by magnitude: 1e14 ms is the year 5138). */
export function wholeMs(time: unknown): number {
  return typeof time !== 'number' ? Number.NaN : time > 1e14 ? Math.floor(time / 1000) : time;
}

/** What lies below the millisecond, 1 to 999; 0 where the time came in ms or nothing lies there. */
export function microsBelow(time: unknown): number {
  return typeof time === 'number' && time > 1e14 ? time % 1000 : 0;
}
