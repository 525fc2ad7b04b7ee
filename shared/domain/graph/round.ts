/**
 * Six significant digits, and no negative zero: more is noise in a feature or a weight, fewer bytes are stored, and the value survives JSON as it is.
 */
export function sixDigits(value: number): number {
  return Number(value.toPrecision(6)) + 0;
}
