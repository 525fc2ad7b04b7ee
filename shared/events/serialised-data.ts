import type { StreamEvent } from './event.ts';

/** The JSON bytes of data that was serialised while its event was built. The data is frozen then, so that the bytes stay true. */
const bytesOf = new WeakMap<object, Uint8Array>();

/** Remembers the JSON bytes of `data` for whoever sends it, and freezes `data` (not what is below it). */
export function rememberBytes(data: object, bytes: Uint8Array): void {
  bytesOf.set(Object.freeze(data), bytes);
}

/** The event's data as JSON in UTF-8: a batch of rows is made into text once between its building and the wire. Do not write into the bytes. */
export function dataBytes(event: StreamEvent): Uint8Array {
  const { data } = event;
  const known = typeof data === 'object' && data !== null ? bytesOf.get(data) : undefined;
  return known ?? Buffer.from(JSON.stringify(data));
}

const receivedAs = new WeakMap<StreamEvent, Uint8Array>();

/** Remembers the JSON bytes that an event's data was received as. */
export function rememberReceived(event: StreamEvent, bytes: Uint8Array): void {
  receivedAs.set(event, bytes);
}

/** The JSON bytes that the event's data was received as, where they are still at hand. */
export function receivedBytes(event: StreamEvent): Uint8Array | undefined {
  return receivedAs.get(event);
}
