/** UTF-16 units in one slot: three of 16 bits stay below 2^53. */
const UNITS_PER_SLOT = 3;

/** Slots of a text (or of one with so many UTF-16 units): its length, then three units a slot. */
export function textSlots(text: string | number): number {
  return 1 + Math.ceil((typeof text === 'number' ? text : text.length) / UNITS_PER_SLOT);
}

/** Writes a text at `at`; returns the slot behind it. */
export function writeText(text: string, into: Float64Array, at: number): number {
  into[at] = text.length;
  let next = at + 1;
  for (let i = 0; i < text.length; i += UNITS_PER_SLOT) {
    const unit = (offset: number): number => (i + offset < text.length ? text.charCodeAt(i + offset) : 0);
    into[next++] = unit(0) + unit(1) * 2 ** 16 + unit(2) * 2 ** 32;
  }
  return next;
}

/** Reads the text that begins at `at`. */
export function readText(from: Float64Array, at: number): string {
  const length = from[at] as number;
  const units: number[] = [];
  for (let slot = at + 1; units.length < length; slot += 1) {
    const packed = from[slot] as number;
    units.push(packed % 2 ** 16, Math.floor(packed / 2 ** 16) % 2 ** 16, Math.floor(packed / 2 ** 32));
  }
  return String.fromCharCode(...units.slice(0, length));
}
