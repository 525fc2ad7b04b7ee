const [LINE_FEED, CARRIAGE_RETURN, COMMA, POINT, ZERO, NINE] = [10, 13, 44, 46, 48, 57];

/** Calls `visit` with the ends of every line that is not empty; a carriage return at its end is left out. */
export function forEachLine(bytes: Buffer, visit: (start: number, end: number) => void): void {
  for (let start = 0; start < bytes.length; ) {
    const found = bytes.indexOf(LINE_FEED, start);
    const next = found === -1 ? bytes.length : found;
    const end = next > start && bytes[next - 1] === CARRIAGE_RETURN ? next - 1 : next;
    if (end > start) visit(start, end);
    start = next + 1;
  }
}

/** True where the byte at `start` is a digit: a line of data, and not a header. */
export function startsWithDigit(bytes: Buffer, start: number): boolean {
  const first = bytes[start] as number;
  return first >= ZERO && first <= NINE;
}

/** Where each column of a line begins, and one past the last column's end + 1; `into` is reused. The number of columns is returned. */
export function findColumns(bytes: Buffer, start: number, end: number, into: number[]): number {
  let count = 0;
  into[count++] = start;
  for (let at = start; at < end; at++) if (bytes[at] === COMMA) into[count++] = at + 1;
  into[count] = end + 1;
  return count;
}

/** A whole number in digits; NaN where there is anything else. */
export function readWhole(bytes: Buffer, start: number, end: number): number {
  let value = end > start ? 0 : Number.NaN;
  for (let at = start; at < end; at++) {
    const byte = bytes[at] as number;
    if (byte < ZERO || byte > NINE) return Number.NaN;
    value = value * 10 + (byte - ZERO);
  }
  return value;
}

/** Decimals of a plain decimal number, zeros at its end not counted. */
export function countDecimals(bytes: Buffer, start: number, end: number): number {
  const point = bytes.subarray(start, end).indexOf(POINT);
  if (point === -1) return 0;
  let last = end - 1;
  while (bytes[last] === ZERO) last -= 1;
  return last - (start + point);
}

/** Epoch ms for a time in ms or µs: above 1e14 it is µs (binance-public-data: spot files from 2025 on). */
export function toMilliseconds(time: number): number {
  return time > 1e14 ? Math.floor(time / 1_000) : time;
}

/** Epoch µs for a time in ms or µs. */
export function toMicroseconds(time: number): number {
  return time > 1e14 ? time : time * 1_000;
}
