/** One place in a trace, as W3C Trace Context (2021-11-23) has it: 32 and 16 lower-case hex digits; `flags` bit 0 is "sampled". */
export interface TraceContext {
  readonly traceId: string;
  readonly spanId: string;
  readonly flags: number;
}

const TRACEPARENT = /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/;
const NO_TRACE = '0'.repeat(32);
const NO_SPAN = '0'.repeat(16);

/**
 * Reads a `traceparent`; undefined for anything that the specification calls invalid (version `ff`, ids of zeros, upper case, version `00` with more
 * behind it): a new trace is started then. A later version is read by its first four fields.
 */
export function parseTraceparent(text: string | undefined): TraceContext | undefined {
  const match = text === undefined ? null : TRACEPARENT.exec(text);
  if (match === null) return undefined;
  const [, version, traceId = NO_TRACE, spanId = NO_SPAN, flags = '00', rest] = match;
  if (version === 'ff' || (version === '00' && rest !== undefined)) return undefined;
  if (traceId === NO_TRACE || spanId === NO_SPAN) return undefined;
  return { traceId, spanId, flags: Number.parseInt(flags, 16) };
}

/** The `traceparent` of a place: always version `00`, and of the flags only "sampled", as the specification asks of who does not know the others. */
export function formatTraceparent(trace: TraceContext): string {
  return `00-${trace.traceId}-${trace.spanId}-${(trace.flags & 1).toString(16).padStart(2, '0')}`;
}

/** A new trace. `next` is uniform in [0, 1). */
export function startTrace(next: () => number): TraceContext {
  return { traceId: hex(32, next), spanId: hex(16, next), flags: 1 };
}

/** The next place in the same trace. */
export function childOf(parent: TraceContext, next: () => number): TraceContext {
  return { ...parent, spanId: hex(16, next) };
}

/** The `traceparent` for what is done under `received` (a header or an event attribute): its child, or the start of a new trace. */
export function continueTrace(received: string | undefined, next: () => number): string {
  const parent = parseTraceparent(received);
  return formatTraceparent(parent === undefined ? startTrace(next) : childOf(parent, next));
}

/** Lower-case hex, never zeros alone. */
function hex(length: number, next: () => number): string {
  let text = '';
  while (text.length < length) {
    text += Math.floor(next() * 0x1_0000_0000)
      .toString(16)
      .padStart(8, '0');
  }
  return /[1-9a-f]/.test(text) ? text : `${text.slice(0, -1)}1`;
}
