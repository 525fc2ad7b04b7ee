/** A finite number as a decimal without exponent, with the fewest digits that give the same double back: `1e-7` is `0.0000001`. */
export function plainDecimal(value: number): string {
  const text = String(value);
  const at = text.indexOf('e');
  return at === -1 ? text : withoutExponent(text.slice(0, at), Number(text.slice(at + 1)));
}

function withoutExponent(mantissa: string, exponent: number): string {
  const sign = mantissa.startsWith('-') ? '-' : '';
  const [whole = '', fraction = ''] = mantissa.slice(sign.length).split('.');
  const digits = whole + fraction;
  const point = whole.length + exponent;
  // JavaScript writes exponents only below 1e-6 and from 1e21 on, with at most 17 digits: the point never stands among them.
  if (point <= 0) return `${sign}0.${'0'.repeat(-point)}${digits}`;
  return `${sign}${digits}${'0'.repeat(point - digits.length)}`;
}
