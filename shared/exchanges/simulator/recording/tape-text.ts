import { multiplyDecimals, parseDecimal, printDecimal } from '../decimal.ts';

/** Rows of trades found in other forms, written down as the archive would have them: seven or eight columns, by symbol. */
export interface TapeText {
  readonly trades: Map<string, string[]>;
  readonly aggregates: Map<string, string[]>;
}

interface TradeFrame {
  readonly e?: string;
  readonly s: string;
  readonly t: number;
  readonly a: number;
  readonly f: number;
  readonly l: number;
  readonly p: string;
  readonly q: string;
  readonly T: number;
  readonly m: boolean;
  readonly M: boolean;
}

/**
 * Trades in recorded frames: `<epoch ns> <frame>` or `{"ts":…,"raw":"<frame>"}` a line, the frame bare or in a combined stream's envelope.
 * Frames of other streams are for a stream server; they hold no history and are passed over.
 */
export function readFrames(text: string): TapeText {
  const tape: TapeText = { trades: new Map(), aggregates: new Map() };
  for (const line of text.split('\n')) {
    const isTrade = /\\?"e\\?":\s?\\?"(trade|aggTrade)\\?"/.test(line);
    if (!isTrade) continue;
    const frame = readFrame(line);
    if (frame?.e === 'trade') {
      addLine(tape.trades, frame.s, `${frame.t},${frame.p},${frame.q},${quoteOf(frame.p, frame.q)},${frame.T},${frame.m},${frame.M}`);
    } else if (frame?.e === 'aggTrade') {
      addLine(tape.aggregates, frame.s, `${frame.a},${frame.p},${frame.q},${frame.f},${frame.l},${frame.T},${frame.m},${frame.M}`);
    }
  }
  return tape;
}

function readFrame(line: string): TradeFrame | undefined {
  const json = line.startsWith('{') ? line : line.slice(line.indexOf(' ') + 1);
  let value = parseObject(json);
  if (typeof value?.raw === 'string') value = parseObject(value.raw);
  const data = value?.data;
  const frame = typeof data === 'object' && data !== null ? data : value;
  return frame as TradeFrame | undefined;
}

/** `undefined` for text that is no JSON: a line torn in half at the end of a capture is no row. */
function parseObject(text: string): Record<string, unknown> | undefined {
  try {
    return JSON.parse(text) as Record<string, unknown>;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

/** Headers under which flattened recordings keep a trade's columns, in lower case. */
const NAMED = {
  symbol: ['symbol'],
  id: ['tradeid', 'trade_id'],
  price: ['price'],
  quantity: ['quantity', 'qty'],
  time: ['transactiontime', 'transaction_time', 'trade_time'],
  maker: ['isbuyermarketmaker', 'isbuyermaker', 'is_buyer_maker'],
} as const;

/** Trades in a table with named columns; `undefined` where the header does not name all that a trade needs. */
export function readNamedTrades(text: string): TapeText | undefined {
  const [header = '', ...lines] = text.split(/\r?\n/);
  const names = header.toLowerCase().split(',');
  const place = (wanted: readonly string[]): number => names.findIndex((name) => wanted.includes(name.trim()));
  const [symbol, id, price, quantity, time, maker] = [NAMED.symbol, NAMED.id, NAMED.price, NAMED.quantity, NAMED.time, NAMED.maker].map(
    place,
  ) as [number, number, number, number, number, number];
  if (Math.min(symbol, id, price, quantity, time, maker) < 0) return undefined;
  const tape: TapeText = { trades: new Map(), aggregates: new Map() };
  for (const line of lines) {
    const columns = line.split(',');
    if (columns.length !== names.length) continue;
    const [p = '', q = ''] = [columns[price], columns[quantity]];
    const isMaker = columns[maker] === '1' || columns[maker]?.toLowerCase() === 'true';
    addLine(tape.trades, columns[symbol] ?? '', `${columns[id]},${p},${q},${quoteOf(p, q)},${columns[time]},${isMaker},true`);
  }
  return tape;
}

function addLine(lines: Map<string, string[]>, symbol: string, line: string): void {
  const known = lines.get(symbol);
  if (known === undefined) lines.set(symbol, [line]);
  else known.push(line);
}

function quoteOf(price: string, quantity: string): string {
  const [a, b] = [parseDecimal(price), parseDecimal(quantity)];
  return a === undefined || b === undefined ? '' : printDecimal(multiplyDecimals(a, b));
}
