import { ByteCursor } from '../../domain/byte-cursor.ts';
import type { Candle } from '../../domain/rows.ts';

const ascii = new TextEncoder();
const BEGIN = ascii.encode('[[');
const NEXT = ascii.encode(',[');
const COMMA = ascii.encode(',');
const END = ascii.encode(']');

/** Prices of more digits might not come back as they were: they are looked at one by one. */
const EXACT_DIGITS = 15;

/**
 * Reads a page of klines of Binance's own layout (no blank, no `null`, prices of at most 15 digits) without making texts of its 12,000 columns: some three
 * times as fast as `JSON.parse` and the mapping behind it. Undefined for any other page. Nothing is checked but the layout; all rows are marked closed.
 */
export function scanKlines(body: Uint8Array): readonly Candle[] | undefined {
  const rows: Candle[] = [];
  const cursor = new ByteCursor(body);
  cursor.text(BEGIN);
  do {
    rows.push(scanKline(cursor));
    if (cursor.failed) return undefined;
  } while (cursor.maybe(NEXT));
  cursor.text(END);
  return cursor.failed || !cursor.isAtEnd ? undefined : rows;
}

function scanKline(cursor: ByteCursor): Candle {
  const open_time = cursor.number();
  cursor.text(COMMA);
  const open = cursor.quoted(EXACT_DIGITS);
  cursor.text(COMMA);
  const high = cursor.quoted(EXACT_DIGITS);
  cursor.text(COMMA);
  const low = cursor.quoted(EXACT_DIGITS);
  cursor.text(COMMA);
  const close = cursor.quoted(EXACT_DIGITS);
  cursor.text(COMMA);
  const volume = cursor.quoted();
  cursor.text(COMMA);
  const close_time = cursor.number();
  cursor.text(COMMA);
  const quote_volume = cursor.quoted();
  cursor.text(COMMA);
  const trade_count = cursor.number();
  cursor.text(COMMA);
  const taker_buy_volume = cursor.quoted();
  cursor.text(COMMA);
  const taker_buy_quote_volume = cursor.quoted();
  cursor.text(COMMA);
  // The twelfth column is unused.
  cursor.quoted();
  cursor.text(END);
  return {
    open_time,
    close_time,
    open,
    high,
    low,
    close,
    volume,
    quote_volume,
    trade_count,
    taker_buy_volume,
    taker_buy_quote_volume,
    is_closed: true,
  };
}
