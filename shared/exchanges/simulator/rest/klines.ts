import type { CandleFacts, CandleTable, RenderedRows } from '../market.ts';
import type { Call, Endpoint } from './call.ts';
import type { PageSource } from './page-cache.ts';

const WEIGHT = 2;
const DEFAULT_LIMIT = 500;
const MOST_ROWS = 1_000;
const OPEN_BRACKET = Buffer.from('[');
const COMMA = Buffer.from(',');
const CLOSE_BRACKET = Buffer.from(']');

/** `klines` and `uiKlines` (whose rows are not beautified here: they are the same). */
export const klines: Endpoint = {
  parameters: ['symbol', 'interval', 'startTime', 'endTime', 'timeZone', 'limit'],
  weight: () => WEIGHT,
  isPage: true,
  answer(call) {
    const { parameters } = call;
    const market = parameters.symbol();
    const interval = parameters.interval();
    const shiftMs = parameters.timeZoneMs();
    const limit = parameters.limit(DEFAULT_LIMIT, MOST_ROWS);
    const start = parameters.time('startTime');
    const end = parameters.time('endTime');
    const table = market.candles(interval, shiftMs);
    if (table === undefined) return '[]';

    // Both ends are inclusive and select by opening time; nothing opens after the clock.
    const opened = table.indexFrom(call.now + 1);
    const last = end === undefined ? opened : Math.min(opened, table.indexFrom(Math.floor(Math.min(end.lastUs / 1_000, call.now)) + 1));
    const startMs = start === undefined ? undefined : Math.ceil(start.firstUs / 1_000);
    const from = startMs === undefined ? Math.max(0, last - limit) : startMs > call.now ? last : table.indexFrom(startMs);
    const to = Math.min(last, from + limit);
    if (from >= to) return '[]';
    const closed = opened > 0 && table.nextOpenOf(opened - 1) > call.now ? opened - 1 : opened;
    const key = `${market.symbol}|${interval}|${shiftMs}|${call.inMicroseconds}`;
    const render = (first: number, end: number): RenderedRows =>
      table.render?.(first, end, call.inMicroseconds) ?? renderFacts(table.facts(first, end), call.inMicroseconds);
    return renderPage(call, { key, interval, closed, render }, table, from, to);
  },
};

/** Rows `[from, to)`: the closed ones from the cache, the one that is forming as it stands now. */
function renderPage(call: Call, source: PageSource, table: CandleTable, from: number, to: number): Buffer[] {
  const parts: Buffer[] = [];
  for (const slice of call.pages.slices(source, from, Math.min(to, source.closed))) {
    parts.push(parts.length === 0 ? OPEN_BRACKET : COMMA, slice);
  }
  if (to > source.closed) {
    parts.push(parts.length === 0 ? OPEN_BRACKET : COMMA, renderFacts([table.asOf(to - 1, call.now)], call.inMicroseconds).bytes);
  }
  parts.push(CLOSE_BRACKET);
  return parts;
}

function renderFacts(rows: readonly CandleFacts[], inMicroseconds: boolean): RenderedRows {
  const starts = new Uint32Array(rows.length + 1);
  let text = '';
  for (let index = 0; index < rows.length; index++) {
    const row = printRow(rows[index] as CandleFacts, inMicroseconds);
    text += index === 0 ? row : `,${row}`;
    starts[index + 1] = text.length + 1;
  }
  return { bytes: Buffer.from(text, 'latin1'), starts };
}

function printRow(row: CandleFacts, inMicroseconds: boolean): string {
  const [open, close] = inMicroseconds ? [row.openTime * 1_000, row.nextOpen * 1_000 - 1] : [row.openTime, row.nextOpen - 1];
  return `[${open},${prices(row)},${close},${sums(row)}]`;
}

function prices(row: CandleFacts): string {
  return `"${row.open}","${row.high}","${row.low}","${row.close}","${row.volume}"`;
}

function sums(row: CandleFacts): string {
  return `${quoted(row.quoteVolume)},${row.tradeCount},${quoted(row.takerBase)},${quoted(row.takerQuote)},"0"`;
}

function quoted(text: string | null): string {
  return text === null ? 'null' : `"${text}"`;
}
