import { ByteCursor } from './byte-cursor.ts';
import type { ByteWriter } from './byte-writer.ts';
import type { AggTrade, Candle, Row, Trade } from './rows.ts';
import type { Kind } from './series.ts';

/**
 * Rows of history as JSON, read and written byte by byte: every candle and trade passes here twice, and the engine's JSON with its strings costs several
 * times as much. Only the layout that rows usually have is known here, every field in its order and no blank between; any other text or row goes the
 * general way, with the same result (the tests compare).
 */
interface RowLayout<R extends Row> {
  /** Writes the row and returns how many fields it wrote; 0 where the usual ones are not all there. */
  write(row: R, into: ByteWriter): number;
  /** Reads what stands behind the opening brace, to the closing one. What it gives is only meant where the cursor has not failed. */
  read(from: ByteCursor): R;
}

const ascii = new TextEncoder();
const bytesOf = (text: string): Uint8Array => ascii.encode(text);

const BRACE_OPEN = 123;
const BRACE_CLOSE = 125;
const BRACKET_OPEN = 91;
const BRACKET_CLOSE = 93;
const COMMA = 44;
/** More than any row of these layouts takes: keys and a dozen numbers of 25 bytes. */
const ROW_BYTES = 1_024;

const OPEN_TIME = bytesOf('"open_time":');
const CLOSE_TIME = bytesOf(',"close_time":');
const OPEN = bytesOf(',"open":');
const HIGH = bytesOf(',"high":');
const LOW = bytesOf(',"low":');
const CLOSE = bytesOf(',"close":');
const VOLUME = bytesOf(',"volume":');
const QUOTE_VOLUME = bytesOf(',"quote_volume":');
const TRADE_COUNT = bytesOf(',"trade_count":');
const TAKER_BUY_VOLUME = bytesOf(',"taker_buy_volume":');
const TAKER_BUY_QUOTE_VOLUME = bytesOf(',"taker_buy_quote_volume":');
const IS_CLOSED = bytesOf(',"is_closed":true');
const ID = bytesOf('"id":');
const FIRST_TRADE_ID = bytesOf(',"first_trade_id":');
const LAST_TRADE_ID = bytesOf(',"last_trade_id":');
const TIME = bytesOf(',"time":');
const TIME_US = bytesOf(',"time_us":');
const PRICE = bytesOf(',"price":');
const QUANTITY = bytesOf(',"quantity":');
const QUOTE_QUANTITY = bytesOf(',"quote_quantity":');
const BUY = bytesOf(',"side":"buy"');
const SELL = bytesOf(',"side":"sell"');
const BEST_MATCH = bytesOf(',"is_best_match":true');
const NO_BEST_MATCH = bytesOf(',"is_best_match":false');

/** A closed candle with all that Binance gives. */
const CANDLE: RowLayout<Candle> = {
  write(row, into) {
    const { quote_volume, trade_count, taker_buy_volume, taker_buy_quote_volume } = row;
    if (quote_volume === undefined || trade_count === undefined || taker_buy_volume === undefined) return 0;
    if (taker_buy_quote_volume === undefined || row.is_closed !== true) return 0;
    into.text(OPEN_TIME);
    into.number(row.open_time);
    into.text(CLOSE_TIME);
    into.number(row.close_time);
    into.text(OPEN);
    into.number(row.open);
    into.text(HIGH);
    into.number(row.high);
    into.text(LOW);
    into.number(row.low);
    into.text(CLOSE);
    into.number(row.close);
    into.text(VOLUME);
    into.number(row.volume);
    into.text(QUOTE_VOLUME);
    into.number(quote_volume);
    into.text(TRADE_COUNT);
    into.number(trade_count);
    into.text(TAKER_BUY_VOLUME);
    into.number(taker_buy_volume);
    into.text(TAKER_BUY_QUOTE_VOLUME);
    into.number(taker_buy_quote_volume);
    into.text(IS_CLOSED);
    return 12;
  },
  read(from) {
    from.text(OPEN_TIME);
    const open_time = from.number();
    from.text(CLOSE_TIME);
    const close_time = from.number();
    from.text(OPEN);
    const open = from.number();
    from.text(HIGH);
    const high = from.number();
    from.text(LOW);
    const low = from.number();
    from.text(CLOSE);
    const close = from.number();
    from.text(VOLUME);
    const volume = from.number();
    from.text(QUOTE_VOLUME);
    const quote_volume = from.number();
    from.text(TRADE_COUNT);
    const trade_count = from.number();
    from.text(TAKER_BUY_VOLUME);
    const taker_buy_volume = from.number();
    from.text(TAKER_BUY_QUOTE_VOLUME);
    const taker_buy_quote_volume = from.number();
    from.text(IS_CLOSED);
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
  },
};

/** A trade of Binance, with or without microseconds. */
const TRADE: RowLayout<Trade> = {
  write(row, into) {
    const { id, time_us, quote_quantity, side, is_best_match } = row;
    if (typeof id !== 'number' || quote_quantity === undefined || typeof is_best_match !== 'boolean' || !isSide(side)) return 0;
    into.text(ID);
    into.number(id);
    writeTime(row, into);
    into.text(QUOTE_QUANTITY);
    into.number(quote_quantity);
    into.text(side === 'buy' ? BUY : SELL);
    into.text(is_best_match ? BEST_MATCH : NO_BEST_MATCH);
    return time_us === undefined ? 7 : 8;
  },
  read(from) {
    from.text(ID);
    const id = from.number();
    from.text(TIME);
    const time = from.number();
    const time_us = from.maybe(TIME_US) ? from.number() : undefined;
    from.text(PRICE);
    const price = from.number();
    from.text(QUANTITY);
    const quantity = from.number();
    from.text(QUOTE_QUANTITY);
    const quote_quantity = from.number();
    const side = readSide(from);
    const is_best_match = from.maybe(BEST_MATCH);
    if (!is_best_match) from.text(NO_BEST_MATCH);
    return time_us === undefined
      ? { id, time, price, quantity, quote_quantity, side, is_best_match }
      : { id, time, time_us, price, quantity, quote_quantity, side, is_best_match };
  },
};

/** An aggregate trade, with or without microseconds. */
const AGG_TRADE: RowLayout<AggTrade> = {
  write(row, into) {
    if (!isSide(row.side)) return 0;
    into.text(ID);
    into.number(row.id);
    into.text(FIRST_TRADE_ID);
    into.number(row.first_trade_id);
    into.text(LAST_TRADE_ID);
    into.number(row.last_trade_id);
    writeTime(row, into);
    into.text(row.side === 'buy' ? BUY : SELL);
    return row.time_us === undefined ? 7 : 8;
  },
  read(from) {
    from.text(ID);
    const id = from.number();
    from.text(FIRST_TRADE_ID);
    const first_trade_id = from.number();
    from.text(LAST_TRADE_ID);
    const last_trade_id = from.number();
    from.text(TIME);
    const time = from.number();
    const time_us = from.maybe(TIME_US) ? from.number() : undefined;
    from.text(PRICE);
    const price = from.number();
    from.text(QUANTITY);
    const quantity = from.number();
    const side = readSide(from);
    return time_us === undefined
      ? { id, first_trade_id, last_trade_id, time, price, quantity, side }
      : { id, first_trade_id, last_trade_id, time, time_us, price, quantity, side };
  },
};

function writeTime({ time, time_us, price, quantity }: Trade | AggTrade, into: ByteWriter): void {
  into.text(TIME);
  into.number(time);
  if (time_us !== undefined) {
    into.text(TIME_US);
    into.number(time_us);
  }
  into.text(PRICE);
  into.number(price);
  into.text(QUANTITY);
  into.number(quantity);
}

function isSide(side: unknown): boolean {
  return side === 'buy' || side === 'sell';
}

function readSide(from: ByteCursor): 'buy' | 'sell' {
  if (from.maybe(BUY)) return 'buy';
  from.text(SELL);
  return 'sell';
}

const LAYOUTS: { readonly [K in Kind]?: RowLayout<Row> } = {
  candles: CANDLE as RowLayout<Row>,
  bars: CANDLE as RowLayout<Row>,
  trades: TRADE as RowLayout<Row>,
  'agg-trades': AGG_TRADE as RowLayout<Row>,
};

/** True for kinds whose rows have a usual layout. */
export function hasRowLayout(kind: Kind): boolean {
  return LAYOUTS[kind] !== undefined;
}

/** Writes a list of rows as `JSON.stringify` does, but for the order of a row's fields: that of the layout. False where a row has not the usual fields. */
export function writeRowsText(kind: Kind, rows: readonly Row[], into: ByteWriter): boolean {
  const layout = LAYOUTS[kind];
  if (layout === undefined) return false;
  into.reserve(ROW_BYTES);
  into.byte(BRACKET_OPEN);
  for (let index = 0; index < rows.length; index += 1) {
    into.reserve(ROW_BYTES);
    if (index > 0) into.byte(COMMA);
    into.byte(BRACE_OPEN);
    const row = rows[index] as Row;
    const fields = layout.write(row, into);
    if (fields === 0 || fields !== Object.keys(row).length) return false;
    into.byte(BRACE_CLOSE);
  }
  into.byte(BRACKET_CLOSE);
  return !into.failed;
}

/** Reads a list of rows, one at least, as `JSON.parse` does; undefined for any layout but the usual one. */
export function readRowsText(kind: Kind, text: Uint8Array): Row[] | undefined {
  const layout = LAYOUTS[kind];
  const cursor = new ByteCursor(text);
  if (layout === undefined || !cursor.maybeByte(BRACKET_OPEN)) return undefined;
  const rows: Row[] = [];
  do {
    if (!cursor.maybeByte(BRACE_OPEN)) return undefined;
    rows.push(layout.read(cursor));
    if (cursor.failed || !cursor.maybeByte(BRACE_CLOSE)) return undefined;
  } while (cursor.maybeByte(COMMA));
  return cursor.maybeByte(BRACKET_CLOSE) && cursor.isAtEnd ? rows : undefined;
}
