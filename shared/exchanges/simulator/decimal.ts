/** A decimal number without rounding: `units / 10^decimals`. */
export interface Decimal {
  readonly units: bigint;
  readonly decimals: number;
}

/** Decimals the exchange prints at least; a text with more keeps them, so nothing a recording says is lost on the wire. */
export const PRINTED_DECIMALS = 8;

/** Fifteen digits and a point; of sixteen digits some fit and some do not. */
const MOST_PLAIN_LENGTH = 16;
const ZERO = 48;
/** The code of a point, counted from that of zero. */
const POINT = -2;
const POWERS = Array.from({ length: 16 }, (_, power) => 10 ** power);
const ZEROS = '0'.repeat(40);

/** Reads a plain or scientific decimal text; `undefined` for anything else. */
export function parseDecimal(text: string): Decimal | undefined {
  return parsePlain(text) ?? parseAny(text);
}

/** The usual form, without a regular expression: digits that fit a double, with at most one point among them. */
function parsePlain(text: string): Decimal | undefined {
  if (text.length === 0 || text.length > MOST_PLAIN_LENGTH) return undefined;
  let [units, point] = [0, -1];
  for (let place = 0; place < text.length; place++) {
    const digit = text.charCodeAt(place) - ZERO;
    if (digit >= 0 && digit <= 9) units = units * 10 + digit;
    else if (digit === POINT && point === -1) point = place;
    else return undefined;
  }
  if ((point !== -1 && text.length === 1) || units > Number.MAX_SAFE_INTEGER) return undefined;
  return { units: BigInt(units), decimals: point === -1 ? 0 : text.length - 1 - point };
}

function parseAny(text: string): Decimal | undefined {
  const match = /^([+-]?)(\d*)(?:\.(\d*))?(?:[eE]([+-]?\d{1,3}))?$/.exec(text.trim());
  if (match === null) return undefined;
  const [, sign = '', whole = '', fraction = '', exponent = '0'] = match;
  if (whole === '' && fraction === '') return undefined;
  let units = BigInt(whole + fraction);
  let decimals = fraction.length - Number(exponent);
  if (decimals < 0) {
    units *= 10n ** BigInt(-decimals);
    decimals = 0;
  }
  return { units: sign === '-' ? -units : units, decimals };
}

/** The exact sum. */
export function addDecimals(a: Decimal, b: Decimal): Decimal {
  const decimals = Math.max(a.decimals, b.decimals);
  return { units: rescale(a, decimals) + rescale(b, decimals), decimals };
}

/** The exact product; its decimals are those of both. */
export function multiplyDecimals(a: Decimal, b: Decimal): Decimal {
  return { units: a.units * b.units, decimals: a.decimals + b.decimals };
}

/** Negative, zero or positive as `a` is less than, equal to or greater than `b`. */
export function compareDecimals(a: Decimal, b: Decimal): number {
  const decimals = Math.max(a.decimals, b.decimals);
  const difference = rescale(a, decimals) - rescale(b, decimals);
  return difference < 0n ? -1 : difference > 0n ? 1 : 0;
}

function rescale(value: Decimal, decimals: number): bigint {
  return value.decimals === decimals ? value.units : value.units * 10n ** BigInt(decimals - value.decimals);
}

/** At least eight decimals, more only where the value has them. */
export function printDecimal(value: Decimal): string {
  const negative = value.units < 0n;
  const digits = (negative ? -value.units : value.units).toString().padStart(value.decimals + 1, '0');
  const whole = digits.slice(0, digits.length - value.decimals);
  const fraction = digits.slice(digits.length - value.decimals).replace(/0+$/, '');
  return `${negative ? '-' : ''}${whole}.${fraction.padEnd(PRINTED_DECIMALS, '0')}`;
}

const PLAIN = /^\d+\.(\d*)$/;

/** The exchange's form of a decimal text: plain, at least eight decimals, no digit lost. An unreadable text is passed on as it is. */
export function printDecimalText(text: string): string {
  const plain = PLAIN.exec(text);
  const fraction = plain?.[1];
  if (fraction !== undefined) {
    if (fraction.length === PRINTED_DECIMALS) return text;
    if (fraction.length < PRINTED_DECIMALS) return text + ZEROS.slice(0, PRINTED_DECIMALS - fraction.length);
  }
  const value = parseDecimal(text);
  return value === undefined ? text : printDecimal(value);
}

/** Prints `units / 10^decimals` with eight decimals; `units` is a safe integer ≥ 0 and `decimals` at most eight. */
export function printScaled(units: number, decimals: number): string {
  const scale = POWERS[decimals] as number;
  const whole = Math.floor(units / scale);
  const fraction = units - whole * scale;
  return `${whole}.${String(fraction + scale).slice(1)}${ZEROS.slice(0, PRINTED_DECIMALS - decimals)}`;
}
