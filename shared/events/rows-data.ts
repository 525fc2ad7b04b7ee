import { ByteWriter } from '../domain/byte-writer.ts';
import { hasRowLayout, readRowsText, writeRowsText } from '../domain/row-json.ts';
import type { Row } from '../domain/rows.ts';
import type { Kind } from '../domain/series.ts';
import { eventType } from './define-contract.ts';

/** Kinds whose rows are written and read without the engine's JSON, by the type of their events; bars travel as candles. */
const KINDS: ReadonlyMap<string, Kind> = new Map(
  (['candles', 'trades', 'agg-trades'] as const).filter(hasRowLayout).map((kind) => [eventType(`${kind}.v1`), kind]),
);

const encoder = new TextEncoder();
const writer = new ByteWriter();
const ROWS_BEGIN = Buffer.from(',"rows":[');
const BRACKET_BYTES = 1;
const BRACE_CLOSE = 125;

/** The data of an event of rows in JSON, and the part of it that is the list of rows. */
export interface RowsJson {
  readonly bytes: Uint8Array;
  readonly rows: Uint8Array;
}

/** Writes `head` with `rows` as its last field. */
export function writeRowsData(type: string, head: object, rows: readonly Row[]): RowsJson {
  const before = encoder.encode(`${JSON.stringify(head).slice(0, -1)},"rows":`);
  const bytes = writeUsual(KINDS.get(type), before, rows) ?? Buffer.concat([before, Buffer.from(`${JSON.stringify(rows)}}`)]);
  return { bytes, rows: bytes.subarray(before.length, -1) };
}

function writeUsual(kind: Kind | undefined, before: Uint8Array, rows: readonly Row[]): Uint8Array | undefined {
  if (kind === undefined) return undefined;
  writer.clear();
  writer.reserve(before.length);
  writer.text(before);
  if (!writeRowsText(kind, rows, writer)) return undefined;
  writer.reserve(1);
  writer.byte(BRACE_CLOSE);
  return writer.copy();
}

/** True for events that `readRowsData` may read. */
export function hasRowsLayout(type: string): boolean {
  return KINDS.has(type);
}

/** The data of an event of this type, as `JSON.parse` gives it; undefined for any layout but the usual one. */
export function readRowsData(type: string, bytes: Uint8Array): Record<string, unknown> | undefined {
  const kind = KINDS.get(type);
  const parts = kind === undefined ? undefined : splitRowsData(bytes);
  if (kind === undefined || parts === undefined) return undefined;
  const rows = readRowsText(kind, parts.rows);
  return rows === undefined ? undefined : { ...parts.head, rows };
}

/** Data of rows in two parts: the fields before the rows, and the list of rows unread. Undefined where the rows are not its last field. */
export function splitRowsData(bytes: Uint8Array): { readonly head: Record<string, unknown>; readonly rows: Uint8Array } | undefined {
  const source = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const begin = source.indexOf(ROWS_BEGIN);
  if (begin < 0 || source.at(-1) !== BRACE_CLOSE) return undefined;
  const head = parseHead(source.toString('latin1', 0, begin));
  return head === undefined ? undefined : { head, rows: bytes.subarray(begin + ROWS_BEGIN.length - BRACKET_BYTES, -1) };
}

/** What stands before the rows, if it is an object with a field once it is closed; plain ASCII alone, where bytes and characters are the same. */
function parseHead(text: string): Record<string, unknown> | undefined {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: the bytes that are ASCII
  if (!/^\{[\x00-\x7f]*$/.test(text)) return undefined;
  try {
    const head = JSON.parse(`${text}}`) as Record<string, unknown>;
    return Object.keys(head).length === 0 ? undefined : head;
  } catch {
    return undefined;
  }
}
