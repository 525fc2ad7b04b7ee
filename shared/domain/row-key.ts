import { AppError } from './errors.ts';
import type { AggTrade, Candle, Depth, Quote, Row, Ticker, Trade } from './rows.ts';
import { type Series, seriesId } from './series.ts';

/** The key of a row inside its series (README of this folder, "Rows"). */
export function rowKey(series: Series, row: Row): string {
  switch (series.kind) {
    case 'candles':
    case 'bars':
      return String((row as Candle).open_time);
    case 'trades':
    case 'agg-trades':
      return String((row as Trade | AggTrade).id);
    case 'quotes': {
      const quote = row as Quote;
      return `${quote.time}:${quote.update_id ?? contentHash(quote)}`;
    }
    case 'depth': {
      const depth = row as Depth;
      return `${depth.snapshot ? 's' : 'd'}:${depth.last_update_id}`;
    }
    case 'tickers':
      return String((row as Ticker).time);
    default:
      throw new AppError('invalid_request', `${String(series.kind satisfies never)} is no kind of rows.`);
  }
}

/** The key of a row in the store: `<series id>:<row key>`. */
export function storeKey(series: Series, row: Row): string {
  return `${seriesId(series)}:${rowKey(series, row)}`;
}

/** The market time of a row, epoch ms: a candle's open time, otherwise `time`. */
export function rowTime(series: Series, row: Row): number {
  return series.kind === 'candles' || series.kind === 'bars' ? (row as Candle).open_time : (row as Trade).time;
}

/** 64-bit FNV-1a of the quote's numbers, as 16 hex digits: two quotes of one millisecond without update id stay apart. */
function contentHash(quote: Quote): string {
  let hash = 0xcbf29ce484222325n;
  for (const character of `${quote.bid_price},${quote.bid_quantity},${quote.ask_price},${quote.ask_quantity}`) {
    hash = BigInt.asUintN(64, (hash ^ BigInt(character.charCodeAt(0))) * 0x100000001b3n);
  }
  return hash.toString(16).padStart(16, '0');
}
