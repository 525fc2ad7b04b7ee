import { readdirSync, readFileSync, statSync } from 'node:fs';
import { basename, join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { type CandleInterval, nextBucketOpen } from '../buckets.ts';
import { readFileName } from './file-name.ts';
import { countDecimals, findColumns, forEachLine, readWhole, startsWithDigit, toMicroseconds, toMilliseconds } from './lines.ts';
import { type RowTable, RowTableBuilder } from './row-table.ts';
import { readFrames, readNamedTrades, type TapeText } from './tape-text.ts';

/** Everything recorded of one symbol. */
export interface RecordedSymbol {
  readonly candles: ReadonlyMap<CandleInterval, RowTable>;
  readonly trades: RowTable | undefined;
  readonly aggregates: RowTable | undefined;
}

/** A folder of recordings, read. */
export interface Recording {
  readonly symbols: ReadonlyMap<string, RecordedSymbol>;
  /** Files that are none of the known forms, or lack what their form needs, each with the reason. */
  readonly notes: readonly string[];
}

interface Builders {
  readonly candles: Map<CandleInterval, RowTableBuilder>;
  readonly trades: RowTableBuilder;
  readonly aggregates: RowTableBuilder;
}

const GZIP_MAGIC = 0x1f8b;
const OPEN_BRACKET = 91;

/** Reads a folder of recordings, or one file. Several files of one symbol become one; of rows with one key the first file's (by name) is kept. */
export function loadRecording(path: string): Recording {
  const files = statSync(path).isDirectory()
    ? readdirSync(path, { recursive: true, withFileTypes: true })
        .filter((entry) => entry.isFile())
        .map((entry) => join(entry.parentPath, entry.name))
        .sort()
    : [path];
  const builders = new Map<string, Builders>();
  const notes: string[] = [];
  for (const file of files) {
    const reason = readInto(builders, basename(file), unpack(readFileSync(file)));
    if (reason !== undefined) notes.push(`${basename(file)}: ${reason}`);
  }
  const symbols = new Map<string, RecordedSymbol>();
  for (const [symbol, built] of [...builders].sort(([a], [b]) => (a < b ? -1 : 1))) {
    symbols.set(symbol, {
      candles: new Map([...built.candles].map(([interval, builder]) => [interval, builder.finish()])),
      trades: built.trades.length > 0 ? built.trades.finish() : undefined,
      aggregates: built.aggregates.length > 0 ? built.aggregates.finish() : undefined,
    });
  }
  return { symbols, notes };
}

function unpack(bytes: Buffer): Buffer {
  return bytes.length > 2 && bytes.readUInt16BE(0) === GZIP_MAGIC ? gunzipSync(bytes) : bytes;
}

/** Tells a file's form by its content and adds its rows; the reason where it cannot. */
function readInto(builders: Map<string, Builders>, name: string, bytes: Buffer): string | undefined {
  const { symbol, interval } = readFileName(name);
  const first = firstLine(bytes, 0);
  if (bytes[0] === OPEN_BRACKET) {
    if (symbol === undefined || interval === undefined) return 'a JSON array of candles needs its symbol and interval in the name';
    return readCandles(buildersOf(builders, symbol), interval, unwrapArrays(bytes));
  }
  if (first.startsWith('{') || /^\d{13,19} \{/.test(first)) return addTape(builders, readFrames(bytes.toString('utf8')));
  const header = /^\d/.test(first) ? undefined : first;
  const sample = (header === undefined ? first : firstLine(bytes, first.length)).split(',');
  const form = tellForm(sample);
  if (form === undefined && header !== undefined) {
    const tape = readNamedTrades(bytes.toString('utf8'));
    return tape === undefined ? 'none of the known forms' : addTape(builders, tape);
  }
  if (form === undefined) return 'none of the known forms';
  if (symbol === undefined) return 'its name does not say the symbol';
  const built = buildersOf(builders, symbol);
  if (form === 'candles') return interval === undefined ? 'its name does not say the interval' : readCandles(built, interval, bytes);
  return readTrades(form === 'trades' ? built.trades : built.aggregates, bytes, form === 'trades' ? 4 : 5);
}

function tellForm(columns: readonly string[]): 'candles' | 'trades' | 'aggregates' | undefined {
  const isBoolean = (place: number): boolean => /^(true|false)$/i.test(columns[place]?.trim() ?? '');
  if (isBoolean(5) && columns.length <= 7) return 'trades';
  if (isBoolean(6) && columns.length <= 8) return 'aggregates';
  return columns.length === 12 || columns.length === 6 ? 'candles' : undefined;
}

/** Candle rows: open time, prices and volume, and from the seventh column on what an archive has beyond them. */
function readCandles(built: Builders, interval: CandleInterval, bytes: Buffer): undefined {
  let builder = built.candles.get(interval);
  if (builder === undefined) {
    builder = new RowTableBuilder();
    built.candles.set(interval, builder);
  }
  const table = builder;
  const columns: number[] = [];
  table.addFile(bytes);
  forEachLine(bytes, (start, end) => {
    if (!startsWithDigit(bytes, start)) return;
    const count = findColumns(bytes, start, end, columns);
    const openTime = toMilliseconds(readWhole(bytes, start, (columns[1] as number) - 1));
    if (count < 6 || Number.isNaN(openTime)) return;
    const closeTime = count > 6 ? toMilliseconds(readWhole(bytes, columns[6] as number, (columns[7] as number) - 1)) : Number.NaN;
    const nextOpen = Number.isNaN(closeTime) ? nextBucketOpen(interval, openTime) : closeTime + 1;
    noteDecimals(table, bytes, columns, [1, 2, 3, 4], 5);
    table.addRow(openTime, nextOpen, start, end);
  });
  return undefined;
}

function readTrades(table: RowTableBuilder, bytes: Buffer, timeColumn: number): undefined {
  const columns: number[] = [];
  table.addFile(bytes);
  forEachLine(bytes, (start, end) => {
    if (!startsWithDigit(bytes, start)) return;
    const count = findColumns(bytes, start, end, columns);
    if (count <= timeColumn) return;
    const id = readWhole(bytes, start, (columns[1] as number) - 1);
    const time = readWhole(bytes, columns[timeColumn] as number, (columns[timeColumn + 1] as number) - 1);
    if (Number.isNaN(id) || Number.isNaN(time)) return;
    noteDecimals(table, bytes, columns, [1], 2);
    table.addRow(id, toMicroseconds(time), start, end);
  });
  return undefined;
}

function noteDecimals(
  table: RowTableBuilder,
  bytes: Buffer,
  columns: readonly number[],
  prices: readonly number[],
  quantity: number,
): void {
  const decimals = (column: number): number => countDecimals(bytes, columns[column] as number, (columns[column + 1] as number) - 1);
  for (const column of prices) table.priceDecimals = Math.max(table.priceDecimals, decimals(column));
  table.quantityDecimals = Math.max(table.quantityDecimals, decimals(quantity));
}

function addTape(builders: Map<string, Builders>, tape: TapeText): string | undefined {
  if (tape.trades.size + tape.aggregates.size === 0) return 'no trade in it';
  for (const [symbol, lines] of tape.trades) readTrades(buildersOf(builders, symbol).trades, Buffer.from(lines.join('\n'), 'latin1'), 4);
  for (const [symbol, lines] of tape.aggregates)
    readTrades(buildersOf(builders, symbol).aggregates, Buffer.from(lines.join('\n'), 'latin1'), 5);
  return undefined;
}

/** `[[1,2],[3,"4"]]` as lines of columns, each number as it was written. */
function unwrapArrays(bytes: Buffer): Buffer {
  const text = bytes.toString('latin1').replace(/[\s"]+/g, '');
  return Buffer.from(text.replace(/^\[+|\]+$/g, '').replaceAll('],[', '\n'), 'latin1');
}

function firstLine(bytes: Buffer, from: number): string {
  let text = '';
  for (let start = from; text === '' && start < bytes.length; start += 1) {
    const found = bytes.indexOf(10, start);
    const end = found === -1 ? bytes.length : found;
    text = bytes.toString('latin1', start, Math.min(end, start + 4_096)).trim();
    start = end;
  }
  return text;
}

function buildersOf(builders: Map<string, Builders>, symbol: string): Builders {
  let built = builders.get(symbol);
  if (built === undefined) {
    built = { candles: new Map(), trades: new RowTableBuilder(), aggregates: new RowTableBuilder() };
    builders.set(symbol, built);
  }
  return built;
}
